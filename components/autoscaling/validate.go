package autoscaling

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/components/internal/fault"
)

var (
	minorVersion = regexp.MustCompile(`^1\.[0-9]{2}$`)
	imageTag     = regexp.MustCompile(`^v1\.[0-9]{2}\.[0-9]+$`)
	groupName    = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)
)

// longestName leaves room for the longest suffix of a role and Pulumi's own 8 characters within IAM's 64.
const longestName = 36

type faults struct{ fault.List }

func validate(name string, a Args) error {
	f := faults{fault.In("autoscaling")}
	if name == "" || len(name) > longestName {
		f.Add("name is %q, want 1 to %d characters", name, longestName)
	}
	f.ClusterName("ClusterName", a.ClusterName)
	f.Region("Region", a.Region)
	f.nodes(a.Nodes)
	f.ChartVersion("Vertical.ChartVersion", a.Vertical.ChartVersion, "0.11.0")
	f.headroom(a.Headroom)
	return f.Err()
}

func (f *faults) nodes(n Nodes) {
	f.ChartVersion("Nodes.ChartVersion", n.ChartVersion, "9.59.0")
	if !minorVersion.MatchString(n.KubernetesVersion) {
		f.Add("Nodes.KubernetesVersion is %q, want a Kubernetes minor such as 1.36", n.KubernetesVersion)
	} else if !imageTag.MatchString(n.ImageTag) || !strings.HasPrefix(n.ImageTag, "v"+n.KubernetesVersion+".") {
		f.Add("Nodes.ImageTag is %q, want a release of the cluster's minor such as v%s.0", n.ImageTag, n.KubernetesVersion)
	}
	f.priorities(n.Priorities)
	f.AtLeast("Nodes.ScaleDownUnneededSeconds", n.ScaleDownUnneededSeconds, 1)
	f.AtLeast("Nodes.ScaleDownDelayAfterAddSeconds", n.ScaleDownDelayAfterAddSeconds, 1)
	f.AtLeast("Nodes.MaxNodeProvisionSeconds", n.MaxNodeProvisionSeconds, 1)
	if n.ScaleDownUtilization <= 0 || n.ScaleDownUtilization >= 1 {
		f.Add("Nodes.ScaleDownUtilization is %v, want a share between 0 and 1", n.ScaleDownUtilization)
	}
}

// priorities must name each group once: a group that no pattern matches is never asked.
func (f *faults) priorities(byPriority map[int][]string) {
	if len(byPriority) == 0 {
		f.Add("Nodes.Priorities is empty, want every node group: one without a priority is never asked")
	}
	seen := map[string]bool{}
	for _, priority := range slices.Sorted(maps.Keys(byPriority)) {
		for _, group := range byPriority[priority] {
			switch {
			case !groupName.MatchString(group):
				f.Add("Nodes.Priorities[%d] has %q, want the name of a node group", priority, group)
			case seen[group]:
				f.Add("Nodes.Priorities[%d] has %q again, want each node group once", priority, group)
			}
			seen[group] = true
		}
	}
}

func (f *faults) headroom(h Headroom) {
	f.AtLeast("Headroom.Pods", h.Pods, 0)
	if h.Pods <= 0 {
		return
	}
	f.Quantity("Headroom.CPU", h.CPU)
	f.Quantity("Headroom.Memory", h.Memory)
	f.Image("Headroom.Image", h.Image, "registry.k8s.io/pause:3.10.1")
}
