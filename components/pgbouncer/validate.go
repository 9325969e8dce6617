package pgbouncer

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ragscale/ragscale/components/internal/fault"
)

const (
	leastReplicas            = 2
	mostDrainSeconds         = 300 // the Deployment's progress deadline (600 s) must stay above it
	leastQueryWaitSeconds    = 2   // one for the connection that is lost, one for the next
	mostQueryWaitSeconds     = 600
	mostStabilizationSeconds = 3600
)

type faults struct{ fault.List }

func validate(a Args) error {
	f := faults{fault.In("pgbouncer")}
	f.wiring(a)
	f.images(a)
	f.pools(a)
	f.resources(a)
	f.scaling(a.HPA)
	a.VerticalAutoscaling.Check(&f.List, "VerticalAutoscaling", "cpu")
	f.Between("DrainSeconds", a.DrainSeconds, 1, mostDrainSeconds)
	f.reach(a)
	return f.Err()
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
	f.Missing(missing)
}

func (f *faults) images(a Args) {
	f.Image("Image", a.Image, "ghcr.io/cloudnative-pg/pgbouncer:1.25.2")
	if a.ExporterImage != "" {
		f.Image("ExporterImage", a.ExporterImage, "quay.io/prometheuscommunity/pgbouncer-exporter:v0.12.1")
	}
	if len(a.CA.Args) == 0 {
		f.Add("CA.Args is empty, want those that make the image copy its bundle")
	}
}

func (f *faults) pools(a Args) {
	p := a.Pools
	f.AtLeast("Pools.ReadWrite", p.ReadWrite, 1)
	// A smaller pool would leave a replica without connections until others have grown old.
	if least := max(1, len(a.Database.ReplicaHosts)); p.ReadOnly < least {
		f.Add("Pools.ReadOnly is %d, want %d or more: one for each replica", p.ReadOnly, least)
	}
	if p.MaxClientConnections < p.servers() {
		f.Add("Pools.MaxClientConnections is %d with %d connections to servers, want no less", p.MaxClientConnections,
			p.servers())
	}
	f.Between("QueryWaitSeconds", a.QueryWaitSeconds, leastQueryWaitSeconds, mostQueryWaitSeconds)
}

func (f *faults) scaling(h HPA) {
	if h.Min < leastReplicas {
		f.Add("HPA.Min is %d, want %d or more: every request passes here", h.Min, leastReplicas)
	}
	if h.Max < h.Min {
		f.Add("HPA.Max is %d with Min %d, want no less", h.Max, h.Min)
	}
	f.Between("HPA.CPUPercent", h.CPUPercent, 1, 95)
	f.Between("HPA.StabilizationSeconds", h.StabilizationSeconds, 0, mostStabilizationSeconds)
}

func (f *faults) reach(a Args) {
	if len(a.Clients) == 0 {
		f.Add("Clients is empty, want who may connect")
	}
	for i, client := range a.Clients {
		at := fmt.Sprintf("Clients[%d]", i)
		f.Namespace(at+".Namespace", client.Namespace)
		if client.Name != "" {
			f.Label(at+".Name", client.Name, nameLabel)
		}
	}
	for i, namespace := range a.MetricsNamespaces {
		f.Namespace(fmt.Sprintf("MetricsNamespaces[%d]", i), namespace)
	}
	f.IPv4Range("VPCCIDR", a.VPCCIDR, "10.0.0.0/16")
}

var oneCore = resource.MustParse("1")

// resources need, beside what every container does, memory for the pools, and no more CPU than PgBouncer can use.
func (f *faults) resources(a Args) {
	f.Resources("", a.Requests, a.Limits)
	if cpu, err := resource.ParseQuantity(a.Requests.CPU); err == nil && cpu.Cmp(oneCore) > 0 {
		f.Add("Requests.CPU is %s, want at most 1: PgBouncer runs on one core", a.Requests.CPU)
	}
	most, err := resource.ParseQuantity(a.Limits.Memory)
	if needed := a.Pools.memoryMiB(); err == nil && most.Sign() > 0 && most.Value() < int64(needed)<<20 {
		f.Add("Limits.Memory is %s, want %dMi or more for %d connections to servers and %d clients", a.Limits.Memory, needed,
			a.Pools.servers(), a.Pools.MaxClientConnections)
	}
}
