package profile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Pod is one that serves profiles.
type Pod struct {
	Name, Tier string // API or Worker
}

// Source is where pods are found and reached.
type Source interface {
	// Pods are those that are ready now. They may be others the next time.
	Pods(ctx context.Context) ([]Pod, error)
	// Reach makes a pod's admin port answer at an address, host and port, until stop is called.
	Reach(ctx context.Context, pod Pod) (address string, stop func(), err error)
}

// Plan is what is to be taken.
type Plan struct {
	Name    string // of the set
	Run     string // of the load test that goes on, "" for none
	Stack   string
	Kinds   []Kind
	Windows int           // for each pod
	Each    time.Duration // of a window, whole seconds
	Note    func(string)  // hears what goes on; nil for nobody
	// Steady says whether what is to be profiled goes on; nil for always. It is asked before and after each window: one at
	// whose end it does not is left out, and no other is begun.
	Steady func(context.Context) bool
}

// What a plan may want. The longest window is one that fits the API's write timeout.
const (
	mostWindows = 120
	leastEach   = time.Second
	mostEach    = 2 * time.Minute
	// graceful is how long a pod may take beyond a window.
	graceful = 30 * time.Second
)

// Check names all that is wrong with a plan.
func (p Plan) Check() error {
	var faults []error
	if p.Windows < 1 || p.Windows > mostWindows {
		faults = append(faults, fmt.Errorf("windows are %d, want 1 to %d", p.Windows, mostWindows))
	}
	if p.Each < leastEach || p.Each > mostEach || p.Each%time.Second != 0 {
		faults = append(faults, fmt.Errorf("each window is %s, want whole seconds from %s to %s",
			p.Each, leastEach, mostEach))
	}
	if len(p.Kinds) == 0 {
		faults = append(faults, errors.New("there are no kinds, want one or more"))
	}
	for _, k := range p.Kinds {
		faults = append(faults, k.Check())
	}
	return errors.Join(faults...)
}

// collector is a set that grows.
type collector struct {
	Plan
	source Source
	one    sync.Mutex
	ended  bool // the steady phase
	taken  *Profiles
	open   map[Pod]reached
}

type reached struct {
	address string
	stop    func()
}

// Collect takes profiles of all pods, a window at a time, all pods and kinds together. Windows of several pods are
// replicates: a comparison needs some. A pod that goes away, or has no profile, is missing and no error; no profile of
// any pod is one.
func Collect(ctx context.Context, s Source, p Plan) (*Profiles, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	c := collector{Plan: p, source: s, open: map[Pod]reached{}, taken: profilesOf(Set{
		Version: Version, Name: p.Name, Run: p.Run, Stack: p.Stack, TakenAt: time.Now().UTC(),
		Windows: []Window{}, Missing: []Missing{},
	})}
	defer func() {
		for _, r := range c.open {
			r.stop()
		}
	}()
	for number := 1; number <= p.Windows && c.steady(ctx, number); number++ {
		if err := c.window(ctx, number); err != nil {
			return nil, err
		}
	}
	c.steady(ctx, p.Windows+1)
	if len(c.taken.raw) == 0 {
		return nil, c.nothing()
	}
	return c.taken, nil
}

// steady says whether the window of a number may begin. Where not, the one before, in which the load ended, goes.
func (c *collector) steady(ctx context.Context, next int) bool {
	if c.Steady == nil || c.ended || c.Steady(ctx) {
		return !c.ended
	}
	c.ended = true
	last := max(next-1, 1)
	c.missing(fmt.Sprintf("windows %d to %d", last, c.Windows), errors.New("the steady phase of the load ended before"))
	t := c.taken
	t.Windows = slices.DeleteFunc(t.Windows, func(w Window) bool {
		if w.Number < last {
			return false
		}
		for _, file := range w.Files {
			delete(t.raw, file)
			delete(t.parsed, file)
		}
		return true
	})
	c.note("the steady phase is over: windows %d of %d", last-1, c.Windows)
	return false
}

// nothing says why no profile was taken: each reason once.
func (c *collector) nothing() error {
	faults := []error{errors.New("no profile was taken")}
	seen := map[string]bool{}
	for _, m := range c.taken.Missing {
		if !seen[m.Why] {
			faults = append(faults, fmt.Errorf("%s: %s", m.What, m.Why))
		}
		seen[m.Why] = true
	}
	return errors.Join(faults...)
}

func (c *collector) note(format string, a ...any) {
	if c.Note != nil {
		c.Note(fmt.Sprintf(format, a...))
	}
}

// window profiles the pods that are there now.
func (c *collector) window(ctx context.Context, number int) error {
	pods, err := c.source.Pods(ctx)
	if err != nil {
		return err
	}
	if len(pods) == 0 && number == 1 {
		return errors.New("no pod is ready that serves profiles, want one of the API or of its worker")
	}
	c.note("window %d of %d: %s of %d pods", number, c.Windows, c.Each, len(pods))
	before := len(c.taken.Missing)
	var all sync.WaitGroup
	for _, pod := range pods {
		all.Go(func() { c.pod(ctx, number, pod) })
	}
	all.Wait()
	slices.SortFunc(c.taken.Windows, func(a, b Window) int {
		if a.Number != b.Number {
			return a.Number - b.Number
		}
		return strings.Compare(a.Pod, b.Pod)
	})
	if ctx.Err() != nil {
		return ctx.Err() // why each profile is missing then
	}
	for _, m := range c.taken.Missing[before:] {
		c.note("%s: %s", m.What, m.Why)
	}
	return nil
}

func (c *collector) missing(what string, why error) {
	c.one.Lock()
	defer c.one.Unlock()
	c.taken.Missing = append(c.taken.Missing, Missing{what, why.Error()})
}

// pod takes a window of one.
func (c *collector) pod(ctx context.Context, number int, pod Pod) {
	what := fmt.Sprintf("pod %s, window %d", pod.Name, number)
	address, err := c.reach(ctx, pod)
	if err != nil {
		c.missing(what, err)
		return
	}
	within, cancel := context.WithTimeout(ctx, c.Each+graceful)
	defer cancel()
	w := Window{Number: number, Pod: pod.Name, Tier: pod.Tier, Files: map[Kind]string{}}
	before, err := readMetrics(within, address, pod.Tier)
	if err != nil {
		c.lost(pod)
		c.missing(what, err)
		return
	}
	w.BeganAt, w.Build = before.at.UTC(), before.build
	raw := c.kinds(within, address, what, true)
	after, err := readMetrics(within, address, pod.Tier)
	if err == nil {
		w.Served, err = after.since(before)
	}
	if err != nil {
		c.lost(pod)
		c.missing(what, err)
		return
	}
	w.Seconds, w.CPU = after.at.Sub(before.at).Seconds(), after.cpu-before.cpu
	maps.Copy(raw, c.kinds(within, address, what, false))
	c.keep(w, raw)
}

// keep adds a window with what was taken in it.
func (c *collector) keep(w Window, raw map[Kind]taken) {
	c.one.Lock()
	defer c.one.Unlock()
	for kind, t := range raw {
		name := fmt.Sprintf("%s-%04d-%s-%s.pb.gz", c.taken.TakenAt.Format(nameTime), w.Number, w.Pod, kind)
		w.Files[kind] = name
		c.taken.put(kind, name, t.raw, t.Profile)
		if len(t.Mapping) > 0 && w.Build.ID == "" {
			w.Build.ID = t.Mapping[0].BuildID
		}
	}
	if len(raw) > 0 {
		c.taken.Windows = append(c.taken.Windows, w)
	}
}

// reach is where a pod answers: it is reached once.
func (c *collector) reach(ctx context.Context, pod Pod) (string, error) {
	c.one.Lock()
	defer c.one.Unlock()
	if r, there := c.open[pod]; there {
		return r.address, nil
	}
	address, stop, err := c.source.Reach(ctx, pod)
	if err != nil {
		return "", fmt.Errorf("it is not reached: %w", err)
	}
	c.open[pod] = reached{address, stop}
	return address, nil
}

// lost makes a pod be reached anew the next time.
func (c *collector) lost(pod Pod) {
	c.one.Lock()
	defer c.one.Unlock()
	c.open[pod].stop()
	delete(c.open, pod)
}
