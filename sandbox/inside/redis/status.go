package redis

import (
	"context"
	"strconv"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
)

const (
	statusLimit = 2 * time.Second
	rolePrimary = "primary"
	roleReplica = "replica"
)

func (n *node) status(ctx context.Context) control.CacheStatus {
	out := control.CacheStatus{ID: n.id, Role: rolePrimary}
	if n.wanted().replica() {
		out.Role = roleReplica
	}
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	a, err := n.admin()
	if err != nil {
		return out
	}
	defer a.close()
	info, err := a.info(ctx)
	if err != nil {
		return out
	}
	out.Healthy = out.Role == rolePrimary || info["master_link_status"] == "up"
	out.UsedBytes = number(info["used_memory"])
	out.MemoryBytes = number(info["maxmemory"])
	return out
}

// number reads a figure of the engine; 0 for none.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
