package cache_test

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/cache"
	"github.com/ragscale/ragscale/planner"
)

// A primary and a replica, in a network that is there already.
func ExampleNew() {
	plan, err := planner.Run(planner.Options{Stack: "prod"}, func(ctx *pulumi.Context) error {
		redis, err := cache.New(ctx, "shop", cache.Args{
			VPCID: pulumi.String("vpc-1"), IsolatedSubnetIDs: pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}),
			NodeType: "cache.r7g.large", Replicas: 1, KeyPrefix: "shop:",
			Username: "shop", Password: pulumi.String("correct-horse-battery"),
		})
		if err == nil {
			ctx.Export("address", redis.PrimaryAddress)
		}
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	for _, r := range plan.Resources {
		if strings.HasPrefix(r.Type, "aws:elasticache/replicationGroup") {
			fmt.Println(r.Name, r.Input("nodeType"), r.Input("numCacheClusters"), r.Input("transitEncryptionEnabled"))
		}
	}
	// Output: shop cache.r7g.large 2 true
}
