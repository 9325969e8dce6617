// Command network is one component in a program of its own: `pulumi up` in this folder makes the VPC, and nothing else.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/network"
)

func main() { pulumi.Run(declare) }

func declare(ctx *pulumi.Context) error {
	vpc, err := network.New(ctx, "shop", network.Args{
		Region: "eu-central-1", CIDR: "10.20.0.0/16", Zones: []string{"eu-central-1a", "eu-central-1b"},
		NATGateways: network.One, ClusterName: "shop",
	})
	if err != nil {
		return err
	}
	ctx.Export("vpcId", vpc.VPCID)
	return nil
}
