// Package prometheus runs the workspaces of Managed Prometheus: Prometheus itself scrapes, keeps, answers and evaluates what
// aws:amp/scraper and aws:amp/ruleGroupNamespace declare, Alertmanager sends what aws:amp/alertManagerDefinition says.
//
// Owns: the configuration of both, starting, reloading, stopping, bounds, and which of their paths AWS has. Does not own: the
// root file system that they run in (debroot), addresses and the scraper's rights in the cluster (the caller's), signatures.
package prometheus

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
)

// Config is what a Server needs to know. All paths are absolute.
type Config struct {
	Root     string                   // root file system of the engines, see debroot
	StateDir string                   // one folder per workspace: configuration, samples, silences
	LogDir   string                   // prometheus-<workspace>.log, alertmanager-<workspace>.log
	Tool     func(name string) string // path of a built program
	Access   string                   // folder with what a pod finds of its service account: token, ca.crt, namespace
	API      netip.Addr               // of the cluster's API server
	SNS      string                   // endpoint of the service that alerts are sent to
	Env      []string                 // credentials for it
	Log      io.Writer                // one line per event
}

// Server runs workspaces. Its methods may be called concurrently; calls on one workspace wait for each other.
type Server struct {
	cfg Config

	mu         sync.Mutex
	workspaces map[string]*workspace
}

// New returns a server that runs nothing yet.
func New(cfg Config) *Server { return &Server{cfg: cfg, workspaces: map[string]*workspace{}} }

var idRule = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// Ensure makes the workspace id what spec says, at addr inside the namespace, and waits until it answers. What does not
// parse is refused, and what the workspace did before goes on.
func (s *Server) Ensure(ctx context.Context, id string, spec control.Workspace, addr netip.Addr) error {
	if !idRule.MatchString(id) {
		return fmt.Errorf("workspace %q: want an id of letters, digits and hyphens", id)
	}
	w := s.workspace(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ensure(ctx, spec, addr); err != nil {
		return fmt.Errorf("workspace %s: %w", id, err)
	}
	return nil
}

// Remove ends the workspace id and its samples. What is not there is fine.
func (s *Server) Remove(ctx context.Context, id string) error {
	if !idRule.MatchString(id) {
		return nil
	}
	w := s.workspace(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.remove(ctx); err != nil {
		return fmt.Errorf("workspace %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.workspaces, id)
	return nil
}

// Stop ends every workspace's processes and keeps its samples.
func (s *Server) Stop(ctx context.Context) error {
	var faults []error
	for _, w := range s.list() {
		w.mu.Lock()
		faults = append(faults, w.stop(ctx))
		w.mu.Unlock()
	}
	return errors.Join(faults...)
}

// Processes describes the processes of all workspaces for the sandbox's status.
func (s *Server) Processes() []control.Process {
	out := []control.Process{}
	for _, w := range s.list() {
		for _, p := range w.programs() {
			if p.life.Running() != nil {
				out = append(out, p.life.Process())
			}
		}
	}
	return out
}

func (s *Server) list() []*workspace {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*workspace, 0, len(s.workspaces))
	for _, w := range s.workspaces {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b *workspace) int { return strings.Compare(a.id, b.id) })
	return out
}

// workspace returns the workspace id, known or new.
func (s *Server) workspace(id string) *workspace {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.workspaces[id]
	if w == nil {
		w = newWorkspace(s, id, filepath.Join(s.cfg.StateDir, id))
		s.workspaces[id] = w
	}
	return w
}

// find returns a workspace that runs.
func (s *Server) find(id string) (*workspace, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.workspaces[id]
	return w, ok && w.prometheus.life.Running() != nil
}

func (s *Server) logf(format string, args ...any) { fmt.Fprintf(s.cfg.Log, format+"\n", args...) }
