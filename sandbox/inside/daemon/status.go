package daemon

import (
	"context"
	"os"
	"slices"
	"strconv"

	"github.com/ragscale/ragscale/sandbox/control"
)

func (d *daemon) status(ctx context.Context) (control.Status, error) {
	resident, err := residentInside()
	return control.Status{
		PID: d.keeper, StartedAt: d.began, HostIP: d.layout.HostIP(), Cluster: d.cluster.currentName(),
		Databases: d.engines.Databases(ctx),
		Caches:    d.cacheEngines.Caches(ctx),
		Listeners: d.listeners.reachable(),
		Processes: slices.Concat(d.programs.list(), d.engines.Processes(), d.cacheEngines.Processes()),
		RSSBytes:  resident,
	}, err
}

// residentInside adds up the resident memory of every process of the namespace, whose /proc this is. Memory that
// processes share (PostgreSQL's buffers) counts once for each.
func residentInside() (int64, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			sum += residentBytes(pid)
		}
	}
	return sum, nil
}
