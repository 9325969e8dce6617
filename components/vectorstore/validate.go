package vectorstore

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/api/resource"
)

var (
	namePattern      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	namespacePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	labelPattern     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)
	imagePattern     = regexp.MustCompile(`^(?:[a-z0-9][a-z0-9.-]*(?::[0-9]+)?/)?[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$`)

	sharedNamespaces = []string{"default", "kube-system", "kube-public", "kube-node-lease"}
)

const (
	longestName = 40
	// mostGiB is what every region gives a gp3 volume.
	mostGiB  = 16384
	mostKept = 365
	// mostTags is how many the EBS driver and AWS take beside those that they set themselves.
	mostTags = 40
)

// faults collects what is wrong with the arguments: field, fact, want.
type faults []error

func (f *faults) add(format string, values ...any) {
	*f = append(*f, fmt.Errorf("vectorstore."+format, values...))
}

func validate(name string, a Args) error {
	var f faults
	if !namePattern.MatchString(name) || len(name) > longestName {
		f.add("name is %q, want at most %d lower-case letters, digits and single hyphens, a letter first", name, longestName)
	}
	f.namespace(a.Namespace)
	f.image("Image", a.Image)
	f.gib("StorageGiB", a.StorageGiB)
	f.resources(a.Requests, a.Limits)
	f.clients(a.Clients)
	f.snapshot(a.Snapshot)
	if len(a.Tags) > mostTags {
		f.add("Tags has %d, want at most %d", len(a.Tags), mostTags)
	}
	return errors.Join(f...)
}

func (f *faults) namespace(namespace string) {
	if !namespacePattern.MatchString(namespace) {
		f.add("Namespace is %q, want at most 63 lower-case letters, digits and hyphens", namespace)
	}
	if slices.Contains(sharedNamespaces, namespace) {
		f.add("Namespace is %q, want one of its own: it is created and deleted here", namespace)
	}
}

// image wants a pinned one: a tag that is no moving one, or a digest.
func (f *faults) image(field, image string) {
	m := imagePattern.FindStringSubmatch(image)
	switch {
	case m == nil:
		f.add("%s is %q, want an image such as chromadb/chroma:1.3.4", field, image)
	case m[2] == "" && (m[1] == "" || m[1] == ":latest"):
		f.add("%s is %q, want a tag that names a version: what runs must not change by itself", field, image)
	}
}

func (f *faults) gib(field string, gib int) {
	if gib < 1 || gib > mostGiB {
		f.add("%s is %d, want 1 to %d", field, gib, mostGiB)
	}
}

func (f *faults) clients(clients []Client) {
	if len(clients) == 0 {
		f.add("Clients is empty, want who may connect")
	}
	for i, c := range clients {
		if !namespacePattern.MatchString(c.Namespace) {
			f.add("Clients[%d].Namespace is %q, want at most 63 lower-case letters, digits and hyphens", i, c.Namespace)
		}
		if len(c.Pods) == 0 {
			f.add("Clients[%d].Pods is empty, want names of workloads: an empty one is every pod", i)
		}
		for _, pod := range c.Pods {
			if !labelPattern.MatchString(pod) {
				f.add("Clients[%d].Pods has %q, want a value of the label app.kubernetes.io/name", i, pod)
			}
		}
	}
}

func (f *faults) snapshot(s Snapshot) {
	if s.Schedule == "" {
		return
	}
	if _, err := cron.ParseStandard(s.Schedule); err != nil || len(strings.Fields(s.Schedule)) != 5 {
		f.add(`Snapshot.Schedule is %q, want five fields such as "30 2 * * *"`, s.Schedule)
	}
	if s.Keep < 1 || s.Keep > mostKept {
		f.add("Snapshot.Keep is %d, want 1 to %d", s.Keep, mostKept)
	}
	f.gib("Snapshot.StorageGiB", s.StorageGiB)
	f.image("Snapshot.Image", s.Image)
}

// resources need both requests, for the scheduler and the autoscaler, and a memory limit, for the node's other pods.
func (f *faults) resources(requests, limits Resources) {
	cpu := f.quantity("Requests.CPU", requests.CPU)
	memory := f.quantity("Requests.Memory", requests.Memory)
	if limits.CPU != "" {
		if most := f.quantity("Limits.CPU", limits.CPU); cpu != nil && most != nil && most.Cmp(*cpu) < 0 {
			f.add("Limits.CPU is %s with Requests.CPU %s, want no less", limits.CPU, requests.CPU)
		}
	}
	if most := f.quantity("Limits.Memory", limits.Memory); memory != nil && most != nil && most.Cmp(*memory) < 0 {
		f.add("Limits.Memory is %s with Requests.Memory %s, want no less", limits.Memory, requests.Memory)
	}
}

// quantity is nil, with a fault added, for what Kubernetes does not take or what is not more than nothing.
func (f *faults) quantity(field, value string) *resource.Quantity {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		f.add("%s is %q, want a quantity above 0 such as 250m or 512Mi", field, value)
		return nil
	}
	return &q
}
