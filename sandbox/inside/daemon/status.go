package daemon

import (
	"context"
	"slices"

	"github.com/prometheus/procfs"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/supervise"
)

func (d *daemon) status(ctx context.Context) (control.Status, error) {
	resident, err := residentInside()
	return control.Status{
		PID: d.keeper, StartedAt: d.began, HostIP: d.layout.HostIP(), Cluster: d.cluster.currentName(),
		Databases: d.engines.Databases(ctx),
		Caches:    d.cacheEngines.Caches(ctx),
		Listeners: d.listeners.reachable(),
		Processes: slices.Concat(d.programs.List(), d.engines.Processes(), d.cacheEngines.Processes(), d.metrics.Processes()),
		RSSBytes:  resident,
	}, err
}

// residentInside adds up the resident memory of every process of the namespace, whose /proc this is. Memory that
// processes share (PostgreSQL's buffers) counts once for each.
func residentInside() (int64, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, p := range all {
		sum += supervise.ResidentBytes(p.PID)
	}
	return sum, nil
}
