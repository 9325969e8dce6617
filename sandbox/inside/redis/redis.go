// Package redis runs the caches behind aws:elasticache/replicationGroup: a primary and its replicas under the
// parameters that the ElastiCache parameter group declares, with TLS and the user group's access rules.
//
// The engine is Valkey 8.1, not Redis 8: it descends from Redis 7.2 and has its commands and parameters, where Redis 8
// has vector sets and hash field expiry, which a program would learn to rely on here and miss on ElastiCache 7.1.
//
// Owns: configuration, users, replication, starting, changing, stopping, health. Does not own: the root file system
// that the engine runs in (debroot), certificates (pki), names and addresses (the caller's). A cache keeps no data on
// disk: one that is started again is empty, as a replaced node is on ElastiCache.
package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
)

// Packages are the Debian packages that the engine's root must hold.
func Packages() []string { return []string{"valkey-server"} }

// Config is what a Server needs to know. All paths are absolute.
type Config struct {
	Root     string // root file system holding Packages, see debroot
	StateDir string // one folder per node: socket, certificate, files of a transfer
	LogDir   string // cache-<node>.log
	CAFile   string // PEM; signs what Issue issues
	// Issue makes, or returns the present, server certificate for a node's address and names (pki.Issuer).
	Issue func(name string, addr netip.Addr, hosts ...string) (pki.Pair, error)
	Log   io.Writer // one line per event
}

// Server runs caches. Its methods may be called concurrently; calls on one cache wait for each other.
type Server struct {
	cfg Config

	mu     sync.Mutex
	engine *engine // found at first use
	groups map[string]*group
}

// New returns a server that runs nothing yet.
func New(cfg Config) *Server {
	return &Server{cfg: cfg, groups: map[string]*group{}}
}

var idRule = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)

// Ensure makes the cache id what spec says, its nodes at addrs (the primary's first) inside the namespace, and waits
// until every node answers and every replica is linked. A running cache is changed in place where the engine can.
// Faults in spec are reported before anything changes, all at once.
func (s *Server) Ensure(ctx context.Context, id string, spec control.Cache, addrs []netip.Addr) (control.CacheInfo, error) {
	if !idRule.MatchString(id) {
		return control.CacheInfo{}, fmt.Errorf("cache %q: want an id of lower case letters, digits and single hyphens", id)
	}
	e, err := s.findEngine(ctx)
	if err != nil {
		return control.CacheInfo{}, fmt.Errorf("cache %s: %w", id, err)
	}
	if err := checkSpec(spec, len(addrs)); err != nil {
		return control.CacheInfo{}, fmt.Errorf("cache %s: %w", id, err)
	}
	g := s.group(id)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.ensure(ctx, e, spec, addrs); err != nil {
		return control.CacheInfo{}, fmt.Errorf("cache %s: %w", id, err)
	}
	info := control.CacheInfo{EngineVersion: e.version}
	for _, n := range g.members() {
		info.Members = append(info.Members, n.id)
	}
	return info, nil
}

// Remove ends the cache id and confirms that it is gone. What is not there is fine.
func (s *Server) Remove(ctx context.Context, id string) error {
	if !idRule.MatchString(id) {
		return nil
	}
	g := s.group(id)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.shrink(ctx, 0); err != nil {
		return fmt.Errorf("cache %s: %w", id, err)
	}
	s.mu.Lock()
	delete(s.groups, id)
	s.mu.Unlock()
	return nil
}

// Stop ends every cache and returns when all their processes are gone.
func (s *Server) Stop(ctx context.Context) error {
	var faults []error
	for _, g := range s.list() {
		g.mu.Lock()
		for _, n := range g.members() {
			faults = append(faults, n.stop(ctx))
		}
		g.mu.Unlock()
	}
	return errors.Join(faults...)
}

// Caches lists the nodes of all caches.
func (s *Server) Caches(ctx context.Context) []control.CacheStatus {
	out := []control.CacheStatus{}
	for _, g := range s.list() {
		for _, n := range g.members() {
			out = append(out, n.status(ctx))
		}
	}
	return out
}

// Processes describes the engine's processes for the sandbox's status.
func (s *Server) Processes() []control.Process {
	out := []control.Process{}
	for _, g := range s.list() {
		for _, n := range g.members() {
			out = append(out, n.life.Process())
		}
	}
	return out
}

func (s *Server) list() []*group {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*group, 0, len(s.groups))
	for _, g := range s.groups {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *group) int { return strings.Compare(a.id, b.id) })
	return out
}

// group returns the cache id, known or new.
func (s *Server) group(id string) *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[id]
	if g == nil {
		g = &group{server: s, id: id}
		s.groups[id] = g
	}
	return g
}

func (s *Server) findEngine(ctx context.Context) (*engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine != nil {
		return s.engine, nil
	}
	e, err := findEngine(ctx, s.cfg.Root, filepath.Join(s.cfg.StateDir, ".judge"))
	if err != nil {
		return nil, err
	}
	s.engine = e
	return e, nil
}

func (s *Server) logf(format string, args ...any) {
	if s.cfg.Log != nil {
		fmt.Fprintf(s.cfg.Log, format+"\n", args...)
	}
}
