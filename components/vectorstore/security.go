package vectorstore

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/restricted"
)

// nonroot is any user but root: the images name none. The volumes' files belong to its group.
const nonroot = 65532

func podSecurity() *corev1.PodSecurityContextArgs {
	context := restricted.PodWithVolumes(nonroot)
	// Else every start walks through all files of the volume.
	context.FsGroupChangePolicy = pulumi.String("OnRootMismatch")
	return context
}
