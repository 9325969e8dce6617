package engines

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

func applyBucket(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	in := control.Bucket{Region: r.Region, ForceDestroy: props.Bool(r.State, "forceDestroy", false)}
	return nil, e.Sandbox.Put(ctx, control.KindBucket, props.Str(r.State, "bucket"), in, nil)
}
