package redis

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"

	"github.com/ragscale/ragscale/sandbox/control"
)

// group is one cache: a primary and its replicas.
type group struct {
	server *Server
	id     string

	mu       sync.Mutex // held while the cache is changed
	judged   string     // the spec that the engine found nothing wrong with
	password string     // of the admin user, this process's only

	list  sync.Mutex // guards nodes
	nodes []*node    // the primary first
}

func (g *group) members() []*node {
	g.list.Lock()
	defer g.list.Unlock()
	return append([]*node(nil), g.nodes...)
}

// ensure does the work of Server.Ensure for a spec that was checked.
func (g *group) ensure(ctx context.Context, e *engine, spec control.Cache, addrs []netip.Addr) error {
	if g.password == "" {
		g.password = rand.Text()
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	if string(raw) != g.judged {
		if err := e.judge(ctx, spec); err != nil {
			return err
		}
		g.judged = string(raw)
	}
	if err := g.shrink(ctx, spec.Nodes); err != nil {
		return err
	}
	for n, addr := range addrs {
		if err := g.node(n, e).ensure(ctx, g.wants(spec, addrs[0], addr)); err != nil {
			return fmt.Errorf("node %s: %w", g.nodeID(n), err)
		}
	}
	for _, n := range g.members()[1:] {
		if err := n.awaitLink(ctx); err != nil {
			return fmt.Errorf("node %s: %w", n.id, err)
		}
	}
	return nil
}

// nodeID is ElastiCache's name of a member cluster.
func (g *group) nodeID(n int) string { return fmt.Sprintf("%s-%03d", g.id, n+1) }

// node returns the n-th node, known or new.
func (g *group) node(n int, e *engine) *node {
	g.list.Lock()
	defer g.list.Unlock()
	if n == len(g.nodes) {
		id := g.nodeID(n)
		made := &node{group: g, id: id, dir: filepath.Join(g.server.cfg.StateDir, id), engine: e}
		made.life.Name, made.life.Lock, made.life.Start, made.life.Logf = "cache-"+id, &g.mu, made.start, g.server.logf
		g.nodes = append(g.nodes, made)
	}
	return g.nodes[n]
}

// wants is what one node is to be.
func (g *group) wants(spec control.Cache, primary, addr netip.Addr) wanted {
	d := settings(spec)
	for name, value := range always() {
		d[name] = value
	}
	port := fmt.Sprint(spec.Port)
	d["bind"], d["bind-source-addr"], d["protected-mode"] = addr.String(), addr.String(), "no"
	d["maxclients"] = "65000"           // ElastiCache's; the engine takes what the host's open files allow
	d["shutdown-timeout"] = "0"         // s; replicas of an ending cache need not catch up
	d["repl-diskless-sync-delay"] = "0" // s; all replicas come one by one here
	d["repl-diskless-load"] = "swapdb"  // no file on the way
	d["masteruser"], d["port"] = adminUser, port
	if spec.TLS {
		d["port"], d["tls-port"], d["tls-replication"], d["tls-auth-clients"] = "0", port, "yes", "no"
		d["tls-protocols"] = "TLSv1.2 TLSv1.3"
		d["tls-cert-file"], d["tls-key-file"], d["tls-ca-cert-file"] = inside+"/tls.crt", inside+"/tls.key", inside+"/ca.crt"
	}
	if addr != primary {
		d["replicaof"] = primary.String() + " " + port
	}
	return wanted{directives: d, rules: rules(spec.Users), addr: addr, hosts: []string{spec.PrimaryHost, spec.ReaderHost}}
}

// shrink ends and forgets the nodes from the n-th on, the last first.
func (g *group) shrink(ctx context.Context, n int) error {
	all := g.members()
	for len(all) > n {
		last := all[len(all)-1]
		if err := last.remove(ctx); err != nil {
			return err
		}
		all = all[:len(all)-1]
		g.list.Lock()
		g.nodes = all
		g.list.Unlock()
	}
	return nil
}
