// Package aws is a Pulumi resource provider for AWS whose cloud is the sandbox on this machine.
//
// Owns: the provider's protocol (check, diff, create, read, update, delete, invoke) and the order of its steps. Does
// not own: what types look like (schema), what AWS refuses (rules), what it answers (outputs), what exists
// (inventory), what runs (engines), what goes wrong on purpose (failures).
package aws

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// Main serves the provider as a Pulumi plugin: it prints its port and ends when the engine ends it. The sandbox is
// the one that the environment names (layout.EnvDir), else the one of the working directory. The result is the
// process's exit code.
func Main() int {
	control.ExitWithParent()
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-aws:", err)
		return 1
	}
	return 0
}

func serve() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	l, err := layout.New(dir)
	if err != nil {
		return err
	}
	p, err := New(l, control.NewClient(l.Socket()))
	if err != nil {
		return err
	}
	h, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Init: func(s *grpc.Server) error {
			pulumirpc.RegisterResourceProviderServer(s, plugin.NewProviderServer(p))
			return nil
		},
		Options: rpcutil.OpenTracingServerInterceptorOptions(nil),
	})
	if err != nil {
		return err
	}
	fmt.Println(h.Port)
	return <-h.Done
}
