package cluster

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
)

// Limits of node groups.
const (
	// maxNodes is EKS's quota of nodes per managed node group.
	// Source: https://docs.aws.amazon.com/general/latest/gr/eks.html ; read 2026-11-23.
	maxNodes = 450
	// maxTaints per node group. Source: taints of aws.eks.NodeGroup, pulumi-aws v6.83.4.
	maxTaints = 50
	// minDiskGiB is the size of the smallest AMI snapshot in use, maxDiskGiB the largest gp3 volume.
	// Source of the latter: LaunchTemplateEbsBlockDeviceRequest of
	// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ec2@v1.307.0/types ; read 2026-11-23.
	minDiskGiB, maxDiskGiB = 20, 65536
)

// taintEffects maps EKS's spelling to Kubernetes'.
var taintEffects = map[string]string{
	"NO_SCHEDULE":        "NoSchedule",
	"PREFER_NO_SCHEDULE": "PreferNoSchedule",
	"NO_EXECUTE":         "NoExecute",
}

var (
	// groupName leaves room for what AWS appends to it: names of roles and groups end at 63 characters.
	groupName = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$`)
)

func (f *faults) nodeGroups(groups []NodeGroup) {
	seen := map[string]bool{}
	home := false
	for i, g := range groups {
		path := fmt.Sprintf("nodeGroups[%s]", g.Name)
		if !groupName.MatchString(g.Name) {
			f.Add("nodeGroups[%d].name is %q, want 1 to 20 lower-case letters, digits and -, the first a letter", i, g.Name)
			path = fmt.Sprintf("nodeGroups[%d]", i)
		} else if seen[g.Name] {
			f.Add("nodeGroups[%d].name is %q again, want each name once", i, g.Name)
		}
		seen[g.Name] = true
		home = home || g.Min > 0 && len(g.Taints) == 0
		f.size(path, g)
		f.machines(path, g)
		f.labels(path, g.Labels)
		f.taints(path, g.Taints)
	}
	if !home {
		f.Add("nodeGroups has no group with min 1 or more and no taints, want one: add-ons and controllers run there")
	}
}

func (f *faults) size(path string, g NodeGroup) {
	f.Between(path+".max", g.Max, 1, maxNodes)
	if g.Min < 0 || g.Min > g.Max {
		f.Add("%s.min is %d, want 0 to max (%d)", path, g.Min, g.Max)
	}
	if g.Desired < g.Min || g.Desired > g.Max {
		f.Add("%s.desired is %d, want min (%d) to max (%d)", path, g.Desired, g.Min, g.Max)
	}
	f.Between(path+".diskGiB", g.DiskGiB, minDiskGiB, maxDiskGiB)
}

func (f *faults) machines(path string, g NodeGroup) {
	if g.CapacityType != onDemand && g.CapacityType != spot {
		f.Add("%s.capacityType is %q, want %s or %s", path, g.CapacityType, onDemand, spot)
	}
	if len(g.InstanceTypes) == 0 {
		f.Add("%s.instanceTypes is empty, want one or more of one architecture", path)
		return
	}
	ami, known := images[g.AMIType]
	if !known && g.AMIType != "" {
		f.Add("%s.amiType is %q, want one of %v", path, g.AMIType, slices.Sorted(maps.Keys(images)))
	}
	for i, typ := range g.InstanceTypes {
		has := architecture(typ)
		switch {
		case has == "":
			f.Add("%s.instanceTypes[%d] is %q, want an EC2 instance type such as m7g.large", path, i, typ)
		case slices.Index(g.InstanceTypes, typ) < i:
			f.Add("%s.instanceTypes[%d] is %q again, want each type once", path, i, typ)
		case known && has != ami.arch:
			f.Add("%s.instanceTypes[%d] is %q (%s), want %s: the group's amiType is %s", path, i, typ, has, ami.arch, g.AMIType)
		}
	}
}

func (f *faults) labels(path string, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		switch {
		case len(content.IsLabelKey(key)) > 0:
			f.Add("%s.labels[%s] is no Kubernetes label key, want [prefix/]name", path, key)
		case reserved(key):
			f.Add("%s.labels[%s] is reserved, want a prefix of your own", path, key)
		case len(content.IsLabelValue(labels[key])) > 0:
			f.Add("%s.labels[%s] is %q, want at most 63 letters, digits, -, _ and .", path, key, labels[key])
		}
	}
}

// reserved prefixes are those that kubelets may not set on themselves and those that EKS sets.
func reserved(key string) bool {
	prefix, _, found := strings.Cut(key, "/")
	if !found {
		return false
	}
	for _, owner := range []string{"kubernetes.io", "k8s.io", "eks.amazonaws.com"} {
		if prefix == owner || strings.HasSuffix(prefix, "."+owner) {
			return true
		}
	}
	return false
}

func (f *faults) taints(path string, taints []Taint) {
	if len(taints) > maxTaints {
		f.Add("%s.taints has %d entries, want at most %d", path, len(taints), maxTaints)
	}
	seen := map[string]bool{}
	for i, taint := range taints {
		at := fmt.Sprintf("%s.taints[%d]", path, i)
		if len(content.IsLabelKey(taint.Key)) > 0 || len(taint.Key) > 63 {
			f.Add("%s.key is %q, want a Kubernetes label key of at most 63 characters", at, taint.Key)
		}
		if len(content.IsLabelValue(taint.Value)) > 0 {
			f.Add("%s.value is %q, want at most 63 letters, digits, -, _ and .", at, taint.Value)
		}
		if taintEffects[taint.Effect] == "" {
			f.Add("%s.effect is %q, want NO_SCHEDULE, PREFER_NO_SCHEDULE or NO_EXECUTE", at, taint.Effect)
		}
		if seen[taint.Key+taint.Effect] {
			f.Add("%s is %s %s again, want each key and effect once", at, taint.Key, taint.Effect)
		}
		seen[taint.Key+taint.Effect] = true
	}
}
