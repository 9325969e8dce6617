package redis

import (
	"context"
	"fmt"
)

// Info is what a running node says of itself.
type Info struct {
	ID, Group string
	Addr      string
	Replica   bool
	PID       int               // of its first process
	Says      map[string]string // INFO: "used_memory", "keyspace_hits"
}

// Infos asks the nodes of all caches that run, each over one kept connection. Those that do not answer are in the error.
func (s *Server) Infos(ctx context.Context) (out []Info, faults []error) {
	for _, g := range s.list() {
		for _, n := range g.members() {
			proc := n.life.Running()
			if proc == nil || proc.Ended() {
				continue
			}
			says, err := n.asked(ctx)
			if err != nil {
				faults = append(faults, fmt.Errorf("cache node %s: %w", n.id, err))
				continue
			}
			want := n.wanted()
			out = append(out, Info{ID: n.id, Group: g.id, Addr: want.addr.String(), Replica: want.replica(), PID: proc.PID(), Says: says})
		}
	}
	return out, faults
}

// asked is INFO over the kept connection, which is made anew the next time if it broke.
func (n *node) asked(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	n.watching.Lock()
	defer n.watching.Unlock()
	if n.watch.client == nil {
		a, err := n.admin()
		if err != nil {
			return nil, err
		}
		n.watch = a
	}
	info, err := n.watch.info(ctx)
	if err != nil {
		n.watch.close()
		n.watch.client = nil
	}
	return info, err
}
