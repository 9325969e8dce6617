package components_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
)

// wantGraphs declares a component in the shape of each stack; its graph must be that of testdata/COMPONENT-STACK.golden.
func wantGraphs[Args any](t *testing.T, component string, shapes map[string]func() Args, declare func(Args) func(*pulumi.Context) error) {
	t.Helper()
	for stack, args := range shapes {
		t.Run(stack, func(t *testing.T) {
			graph.Golden(t, "testdata/"+component+"-"+stack+".golden", graph.Run(t, stack, declare(args())).Text())
		})
	}
}
