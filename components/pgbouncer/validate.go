package pgbouncer

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
)

var (
	labelPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	// imagePattern is a reference with a digest, or with a tag behind the last slash.
	imagePattern = regexp.MustCompile(`^[a-z0-9][^\s@]*(/[^\s/:@]+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|@sha256:[0-9a-f]{64})$`)
)

const (
	leastReplicas            = 2
	mostDrainSeconds         = 300 // the Deployment's progress deadline (600 s) must stay above it
	leastQueryWaitSeconds    = 2   // one for the connection that is lost, one for the next
	mostQueryWaitSeconds     = 600
	mostStabilizationSeconds = 3600
)

// faults collects what is wrong with the arguments: field, fact, want.
type faults []error

func (f *faults) add(format string, values ...any) {
	*f = append(*f, fmt.Errorf("pgbouncer."+format, values...))
}

func validate(a Args) error {
	var f faults
	f.wiring(a)
	f.images(a)
	f.pools(a)
	f.resources(a)
	f.scaling(a.HPA)
	f.between("DrainSeconds", a.DrainSeconds, 1, mostDrainSeconds)
	f.reach(a)
	return errors.Join(f...)
}

func (f *faults) wiring(a Args) {
	missing := map[string]bool{
		"CA.Image":          a.CA.Image == nil,
		"Database.Host":     a.Database.Host == nil,
		"Database.Name":     a.Database.Name == nil,
		"Database.Password": a.Database.Password == nil,
		"Database.Port":     a.Database.Port == nil,
		"Database.User":     a.Database.User == nil,
		"Namespace":         a.Namespace == nil,
	}
	for i, host := range a.Database.ReplicaHosts {
		missing[fmt.Sprintf("Database.ReplicaHosts[%d]", i)] = host == nil
	}
	for _, field := range slices.Sorted(maps.Keys(missing)) {
		if missing[field] {
			f.add("%s is missing, want a value from the component that has it", field)
		}
	}
}

func (f *faults) images(a Args) {
	if !imagePattern.MatchString(a.Image) {
		f.add("Image is %q, want a full reference with a tag or a digest", a.Image)
	}
	if a.ExporterImage != "" && !imagePattern.MatchString(a.ExporterImage) {
		f.add("ExporterImage is %q, want a full reference with a tag or a digest, or nothing", a.ExporterImage)
	}
	if len(a.CA.Args) == 0 {
		f.add("CA.Args is empty, want those that make the image copy its bundle")
	}
}

func (f *faults) pools(a Args) {
	p := a.Pools
	if p.ReadWrite < 1 {
		f.add("Pools.ReadWrite is %d, want 1 or more", p.ReadWrite)
	}
	// A smaller pool would leave a replica without connections until others have grown old.
	if least := max(1, len(a.Database.ReplicaHosts)); p.ReadOnly < least {
		f.add("Pools.ReadOnly is %d, want %d or more: one for each replica", p.ReadOnly, least)
	}
	if p.MaxClientConnections < p.servers() {
		f.add("Pools.MaxClientConnections is %d with %d connections to servers, want no less", p.MaxClientConnections, p.servers())
	}
	f.between("QueryWaitSeconds", a.QueryWaitSeconds, leastQueryWaitSeconds, mostQueryWaitSeconds)
}

func (f *faults) scaling(h HPA) {
	if h.Min < leastReplicas {
		f.add("HPA.Min is %d, want %d or more: every request passes here", h.Min, leastReplicas)
	}
	if h.Max < h.Min {
		f.add("HPA.Max is %d with Min %d, want no less", h.Max, h.Min)
	}
	f.between("HPA.CPUPercent", h.CPUPercent, 1, 95)
	f.between("HPA.StabilizationSeconds", h.StabilizationSeconds, 0, mostStabilizationSeconds)
}

func (f *faults) reach(a Args) {
	if len(a.Clients) == 0 {
		f.add("Clients is empty, want who may connect")
	}
	for i, client := range a.Clients {
		f.label(fmt.Sprintf("Clients[%d].Namespace", i), client.Namespace, "a namespace")
		if client.Name != "" {
			f.label(fmt.Sprintf("Clients[%d].Name", i), client.Name, "the name of an application, or nothing")
		}
	}
	for i, namespace := range a.MetricsNamespaces {
		f.label(fmt.Sprintf("MetricsNamespaces[%d]", i), namespace, "a namespace")
	}
	prefix, err := netip.ParsePrefix(a.VPCCIDR)
	switch {
	case err != nil || !prefix.Addr().Is4():
		f.add("VPCCIDR is %q, want an IPv4 prefix such as 10.0.0.0/16", a.VPCCIDR)
	case prefix != prefix.Masked():
		f.add("VPCCIDR is %q, want %q: the address has bits behind the prefix", a.VPCCIDR, prefix.Masked())
	}
}

func (f *faults) label(field, value, want string) {
	if !labelPattern.MatchString(value) {
		f.add("%s is %q, want %s", field, value, want)
	}
}

func (f *faults) between(field string, value, least, most int) {
	if value < least || value > most {
		f.add("%s is %d, want %d to %d", field, value, least, most)
	}
}

var oneCore = resource.MustParse("1")

// resources need both requests, since the autoscaler counts in CPU's and the scheduler in both, and a memory limit.
func (f *faults) resources(a Args) {
	requests, limits := a.Requests, a.Limits
	cpu := f.quantity("Requests.CPU", requests.CPU)
	memory := f.quantity("Requests.Memory", requests.Memory)
	if cpu != nil && cpu.Cmp(oneCore) > 0 {
		f.add("Requests.CPU is %s, want at most 1: PgBouncer runs on one core", requests.CPU)
	}
	if limits.CPU != "" {
		if most := f.quantity("Limits.CPU", limits.CPU); cpu != nil && most != nil && most.Cmp(*cpu) < 0 {
			f.add("Limits.CPU is %s with Requests.CPU %s, want no less", limits.CPU, requests.CPU)
		}
	}
	most := f.quantity("Limits.Memory", limits.Memory)
	if most == nil {
		return
	}
	if memory != nil && most.Cmp(*memory) < 0 {
		f.add("Limits.Memory is %s with Requests.Memory %s, want no less", limits.Memory, requests.Memory)
	}
	if needed := a.Pools.memoryMiB(); most.Value() < int64(needed)<<20 {
		f.add("Limits.Memory is %s, want %dMi or more for %d connections to servers and %d clients", limits.Memory, needed,
			a.Pools.servers(), a.Pools.MaxClientConnections)
	}
}

// quantity is nil, with a fault added, for what Kubernetes does not take or what is not more than nothing.
func (f *faults) quantity(field, value string) *resource.Quantity {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		f.add("%s is %q, want a quantity above 0 such as 250m or 64Mi", field, value)
		return nil
	}
	return &q
}
