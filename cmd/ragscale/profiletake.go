package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/perf/generators"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/profile"
)

// tierNames are the labels of a tier's pods.
var tierNames = map[string]string{profile.API: platform.APIName, profile.Worker: platform.WorkerName}

// profiledPods are the pods of a stack, as profile.Source.
type profiledPods struct {
	cluster *rest.Config
	clients kubernetes.Interface
	tiers   []string
	ports   map[string]podPort // by pod
}

// Pods implements profile.Source.
func (s *profiledPods) Pods(ctx context.Context) (all []profile.Pod, err error) {
	s.ports = map[string]podPort{}
	for _, tier := range s.tiers {
		pods, err := s.clients.CoreV1().Pods(platform.Namespace).List(ctx,
			metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + tierNames[tier]})
		if err != nil {
			return nil, fmt.Errorf("pods of tier %s: %w", tier, err)
		}
		for _, pod := range pods.Items {
			port, found := adminPortOf(pod)
			if found && pod.DeletionTimestamp == nil && isReady(pod) {
				s.ports[pod.Name] = port
				all = append(all, profile.Pod{Name: pod.Name, Tier: tier})
			}
		}
	}
	return all, nil
}

// Reach implements profile.Source.
func (s *profiledPods) Reach(ctx context.Context, pod profile.Pod) (string, func(), error) {
	return s.ports[pod.Name].forward(ctx, s.cluster, s.clients)
}

// takeProfile profiles the stack's pods, keeps what it took and shows it. What cannot be kept is shown nevertheless.
func (c console) takeProfile(ctx context.Context, f profileFlags) error {
	plan := profile.Plan{Stack: f.stack, Windows: f.windows, Each: f.each, Note: func(text string) { c.note("%s", text) }}
	for _, k := range f.kinds {
		plan.Kinds = append(plan.Kinds, profile.Kind(k))
	}
	if err := errors.Join(plan.Check(), checkTiers(f.tiers), f.checkPGO()); err != nil {
		return err
	}
	s, err := openLoaded(c, f.stack)
	if err != nil {
		return err
	}
	cluster, err := s.project.cluster(ctx, f.stack)
	if err != nil {
		return err
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	if err := s.during(ctx, &plan, f.now); err != nil {
		return err
	}
	taken, err := profile.Collect(ctx, &profiledPods{cluster: cluster, clients: s.cluster.Clients, tiers: f.tiers}, plan)
	if err != nil {
		return err
	}
	if err := s.keepProfile(ctx, taken, f.folder); err != nil {
		c.note("the profiles are not kept: %v", err)
	}
	return c.showProfile(taken, f)
}

// checkPGO wants what the compiler's profile is made of, before time is spent.
func (f profileFlags) checkPGO() error {
	if f.pgo != "" && !slices.Contains(f.kinds, string(profile.CPU)) {
		return fmt.Errorf("--pgo wants CPU profiles, and --kind is %s: add cpu", strings.Join(f.kinds, ","))
	}
	return nil
}

func checkTiers(tiers []string) error {
	if len(tiers) == 0 {
		return errors.New("there are no tiers, want api or worker")
	}
	for _, t := range tiers {
		if tierNames[t] == "" {
			return fmt.Errorf("tier is %q, want api or worker", t)
		}
	}
	return nil
}

// during fits a plan to the run that is under way: it is named after it, and waits until all its users are there.
func (s *loaded) during(ctx context.Context, plan *profile.Plan, now bool) error {
	going, err := s.cluster.UnderWay(ctx)
	if err != nil {
		return err
	}
	if len(going) == 0 {
		plan.Name = profile.NewName(time.Now())
		s.note("no load test is under way: profiling what users ask for now, as %s", plan.Name)
		return nil
	}
	run, err := s.cluster.Find(ctx, going[0].Name)
	if err != nil {
		return err
	}
	plan.Name, plan.Run = run.Name, run.Name
	if now {
		return nil
	}
	users, err := s.usersOf(run.Name)
	if err != nil {
		return err
	}
	plan.Steady = func(ctx context.Context) bool { return steady(ctx, run, users) }
	return s.untilSteady(ctx, run, plan.Steady)
}

// steadyTries is how often generators are asked that do not answer: busy ones miss a time.
const steadyTries = 3

// steady says whether the generators that answer have their share of so many users.
func steady(ctx context.Context, run *generators.Run, users float64) bool {
	for range steadyTries {
		if now := run.Now(ctx); now.Answering > 0 {
			return now.Users >= users*float64(now.Answering)/float64(run.Generators)
		}
	}
	return false
}

// usersOf is how many a run has in its steady phase, but for those that one generator rounded away.
func (s *loaded) usersOf(run string) (float64, error) {
	name, err := scenarioOf(s.cfg, run)
	if err != nil {
		return 0, err
	}
	for _, scenario := range s.cfg.LoadScenarios() {
		if scenario.Name == name && !scenario.StopAtFault {
			return 0.99 * float64(scenario.Users), nil
		}
	}
	return 0, fmt.Errorf("run %s has no steady phase: its users become ever more; want --now", run)
}

// untilSteady waits for a run's users; one that ends before is an error.
func (s *loaded) untilSteady(ctx context.Context, run *generators.Run, steady func(context.Context) bool) error {
	said := false
	for !steady(ctx) {
		going, err := s.cluster.UnderWay(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(going, func(g generators.Going) bool { return g.Name == run.Name }) {
			return fmt.Errorf("run %s ended before all its users were there, or its generators do not tell: want a run that goes on, "+
				"or --now", run.Name)
		}
		if !said {
			s.note("run %s: waiting until all its users are there", run.Name)
			said = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
	return nil
}

// keepProfile keeps a set in a folder, or in the stack's bucket.
func (s *loaded) keepProfile(ctx context.Context, taken *profile.Profiles, folder string) (err error) {
	store, scenario := load.Store(load.Folder(folder)), ""
	if folder == "" {
		if store, err = s.project.loadStore(ctx, s.cfg); err != nil {
			return err
		}
	}
	if taken.Run != "" {
		if scenario, err = scenarioOf(s.cfg, taken.Run); err != nil {
			return err
		}
	}
	if err := taken.Keep(ctx, store, scenario); err != nil {
		return err
	}
	s.note("kept as %s: `ragscale profile %s --stack %s` shows it again", store.Name(profile.Prefix(scenario, taken.Name)), taken.Name,
		s.cfg.Stack)
	return nil
}
