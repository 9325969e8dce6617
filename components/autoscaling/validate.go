package autoscaling

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	// clusterName is EKS's rule for names.
	clusterName  = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)
	chartVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	imageTag     = regexp.MustCompile(`^v1\.[0-9]{2}\.[0-9]+$`)
	groupName    = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)
	quantity     = regexp.MustCompile(`^[1-9][0-9]*(m|Ki|Mi|Gi)?$`)
)

// longestName leaves room for the longest suffix of a role and Pulumi's own 8 characters within IAM's 64.
const longestName = 36

// faults collects what is wrong with the arguments: field, fact, want.
type faults []error

func (f *faults) add(format string, values ...any) {
	*f = append(*f, fmt.Errorf("autoscaling."+format, values...))
}

func validate(name string, a Args) error {
	var f faults
	if name == "" || len(name) > longestName {
		f.add("name is %q, want 1 to %d characters", name, longestName)
	}
	if !clusterName.MatchString(a.ClusterName) {
		f.add("ClusterName is %q, want 1 to 100 letters, digits, - and _", a.ClusterName)
	}
	if a.Region == "" {
		f.add(`Region is "", want an AWS region such as eu-central-1`)
	}
	f.nodes(a.Nodes)
	if !chartVersion.MatchString(a.Vertical.ChartVersion) {
		f.add("Vertical.ChartVersion is %q, want a pinned version such as 0.11.0", a.Vertical.ChartVersion)
	}
	f.headroom(a.Headroom)
	return errors.Join(f...)
}

func (f *faults) nodes(n Nodes) {
	if !chartVersion.MatchString(n.ChartVersion) {
		f.add("Nodes.ChartVersion is %q, want a pinned version such as 9.59.0", n.ChartVersion)
	}
	if n.ImageTag != "" && !imageTag.MatchString(n.ImageTag) {
		f.add("Nodes.ImageTag is %q, want a release of the cluster's minor such as v1.36.0", n.ImageTag)
	}
	f.priorities(n.Priorities)
	for _, s := range []struct {
		field string
		value int
	}{
		{"ScaleDownUnneededSeconds", n.ScaleDownUnneededSeconds},
		{"ScaleDownDelayAfterAddSeconds", n.ScaleDownDelayAfterAddSeconds},
		{"MaxNodeProvisionSeconds", n.MaxNodeProvisionSeconds},
	} {
		if s.value < 1 {
			f.add("Nodes.%s is %d, want 1 or more", s.field, s.value)
		}
	}
	if n.ScaleDownUtilization <= 0 || n.ScaleDownUtilization >= 1 {
		f.add("Nodes.ScaleDownUtilization is %v, want a share between 0 and 1", n.ScaleDownUtilization)
	}
}

// priorities must name each group once: a group that no pattern matches is never asked.
func (f *faults) priorities(byPriority map[int][]string) {
	if len(byPriority) == 0 {
		f.add("Nodes.Priorities is empty, want every node group: one without a priority is never asked")
	}
	seen := map[string]bool{}
	for _, priority := range slices.Sorted(maps.Keys(byPriority)) {
		for _, group := range byPriority[priority] {
			switch {
			case !groupName.MatchString(group):
				f.add("Nodes.Priorities[%d] has %q, want the name of a node group", priority, group)
			case seen[group]:
				f.add("Nodes.Priorities[%d] has %q again, want each node group once", priority, group)
			}
			seen[group] = true
		}
	}
}

func (f *faults) headroom(h Headroom) {
	if h.Pods < 0 {
		f.add("Headroom.Pods is %d, want 0 or more", h.Pods)
	}
	if h.Pods <= 0 {
		return
	}
	for _, q := range []struct{ field, value string }{{"CPU", h.CPU}, {"Memory", h.Memory}} {
		if !quantity.MatchString(q.value) {
			f.add("Headroom.%s is %q, want a quantity such as 500m or 512Mi", q.field, q.value)
		}
	}
	if name, tag, _ := strings.Cut(h.Image, ":"); name == "" || tag == "" || tag == "latest" {
		f.add("Headroom.Image is %q, want an image with a pinned tag", h.Image)
	}
}
