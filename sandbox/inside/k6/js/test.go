// Package js runs a load test's script: a JavaScript runtime for each virtual user, with the modules that k6 documents.
//
// Owns: loading modules, the init and the user context, the event loop, k6's modules but those that talk to servers.
// Does not own: when a user acts, requests, what becomes of samples.
//
// Source: https://grafana.com/docs/k6/latest/javascript-api/ ; read 2026-11-30.
package js

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

// Test is what all users of a run share.
type Test struct {
	Loader  *Loader
	Engine  *metrics.Engine
	Options *options.Options
	Exports []byte // the options as they are in effect, as JSON
	Env     map[string]string
	Log     *Log
	Groups  *Group // the root
	Began   time.Time
	// Abort ends the run with a reason; Fail lets it end as failed.
	Abort func(reason string)
	Fail  func(reason string)
	// Now and Sleep are the scripts' time; nil for the machine's.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration)

	Active, Initialized    atomic.Int64 // users
	Completed, Interrupted atomic.Int64 // iterations

	one    sync.Mutex
	shared map[string]*sharedArray
	users  int64 // made
	system map[string]bool
}

// Aborted is how a script ends the run.
type Aborted struct{ Reason string }

func (a *Aborted) Error() string { return a.Reason }

// Elapsed is how long the load runs.
func (t *Test) Elapsed() time.Duration {
	if t.Began.IsZero() {
		return 0
	}
	return time.Since(t.Began)
}

// System tells whether samples have a system tag.
func (t *Test) System(tag string) bool { return t.system[tag] }

// SetOptions gives the test its options, which the init context of its first user has exported.
func (t *Test) SetOptions(o *options.Options) {
	t.Options, t.system = o, map[string]bool{}
	for _, tag := range o.SystemTags {
		t.system[tag] = true
	}
}

// Group is a group of a script, with what its checks saw.
type Group struct {
	Name, Path string

	one    sync.Mutex
	groups map[string]*Group
	checks map[string]*Check
	order  []string // of groups
	named  []string // checks, in order
}

// Check is how often a condition held.
type Check struct {
	Name, Path    string
	Passes, Fails int64
}

// NewGroup is a root.
func NewGroup() *Group { return &Group{groups: map[string]*Group{}, checks: map[string]*Check{}} }

// separator between the names of groups in a path.
const separator = "::"

func (g *Group) group(name string) *Group {
	g.one.Lock()
	defer g.one.Unlock()
	child, ok := g.groups[name]
	if !ok {
		child = NewGroup()
		child.Name, child.Path = name, g.Path+separator+name
		g.groups[name] = child
		g.order = append(g.order, name)
	}
	return child
}

func (g *Group) check(name string, ok bool) {
	g.one.Lock()
	defer g.one.Unlock()
	c, known := g.checks[name]
	if !known {
		c = &Check{Name: name, Path: g.Path + separator + name}
		g.checks[name] = c
		g.named = append(g.named, name)
	}
	if ok {
		c.Passes++
	} else {
		c.Fails++
	}
}

// Children are the groups in this one, in the order in which they came.
func (g *Group) Children() []*Group {
	g.one.Lock()
	defer g.one.Unlock()
	all := make([]*Group, 0, len(g.order))
	for _, name := range g.order {
		all = append(all, g.groups[name])
	}
	return all
}

// Checks are those of the group itself, in the order in which they came.
func (g *Group) Checks() []Check {
	g.one.Lock()
	defer g.one.Unlock()
	all := make([]Check, 0, len(g.named))
	for _, name := range g.named {
		all = append(all, *g.checks[name])
	}
	return all
}

// Log writes what a run says.
type Log struct {
	To io.Writer

	one sync.Mutex
}

// Write writes a line with fields.
func (l *Log) Write(level, message string, fields map[string]string) {
	l.one.Lock()
	defer l.one.Unlock()
	fmt.Fprintf(l.To, "time=%q level=%s msg=%q", time.Now().Format(time.RFC3339), level, message)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(l.To, " %s=%s", name, fields[name])
	}
	fmt.Fprintln(l.To)
}

// errInit is what happens where a script wants in the init context what only users may.
var errInit = errors.New("it is called in the init context, want it in a function of the script")
