package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/perf/generators"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/stacks"
)

// loadNamespace is where the load tests are declared.
const loadNamespace = "loadtest"

// How often a run is looked at, and is told where it is.
const (
	lookEvery     = time.Second
	progressEvery = 10 * time.Second
)

// runFlags say how a run is made.
type runFlags struct{ wait, gate, allowProduction bool }

func loadRunCommand(c console) *cobra.Command {
	var stack string
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run a load test now and say whether its objectives were kept",
		Long: "Makes a Job from the scenario's CronJob, as `kubectl create job --from` does, prints what the generators say, and waits for\n" +
			"their end. An interrupt ends the run and keeps its results so far; of a terminal or connection that is lost the run knows\n" +
			"nothing: `ragscale load watch` goes on. The verdict is that of `ragscale load report`, with --gate that of\n" +
			"`ragscale load compare` with the baseline too, and every budget (perf:budgets) has to be told. " + loadExits,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openLoaded(c, stack)
			if err != nil {
				return err
			}
			return s.run(cmd.Context(), args[0], f)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	cmd.Flags().BoolVar(&f.wait, "wait", true, "follow the run until it ends")
	cmd.Flags().BoolVar(&f.gate, "gate", false, "compare the run with the scenario's baseline, too")
	cmd.Flags().BoolVar(&f.allowProduction, "allow-production", false, "load a stack that serves real users")
	return cmd
}

// loaded is a stack whose load tests are run.
type loaded struct {
	console
	project project
	cfg     *stacks.Config
	cluster generators.Cluster
}

func openLoaded(c console, stack string) (*loaded, error) {
	p, err := openProject()
	if err != nil {
		return nil, err
	}
	cfg, err := p.config(stack)
	return &loaded{console: c, project: p, cfg: cfg}, err
}

// connect reaches the stack's cluster.
func (s *loaded) connect(ctx context.Context) error {
	cfg, err := s.project.cluster(ctx, s.cfg.Stack)
	if err != nil {
		return err
	}
	clients, err := kubernetes.NewForConfig(cfg)
	s.cluster = generators.Cluster{
		Clients: clients, Namespace: loadNamespace, Every: lookEvery, ProgressEvery: progressEvery,
		Forward: func(ctx context.Context, pod string, port int32) (string, func(), error) {
			return podPort{namespace: loadNamespace, pod: pod, port: port}.forward(ctx, cfg, clients)
		},
	}
	return err
}

// run makes load to its end and judges it. What is wrong is refused before anything is made.
func (s *loaded) run(ctx context.Context, scenario string, f runFlags) error {
	if err := checkLoad(s.cfg, scenario, f.allowProduction); err != nil {
		return err
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	images, err := s.cluster.Images(ctx, platform.Namespace)
	if err != nil {
		s.note("the run's fingerprint says nothing of its images: %v", err)
	}
	r, err := s.cluster.Start(ctx, scenario, generators.Options{
		AllowProduction: f.allowProduction, Revision: s.project.revision(ctx), Images: images,
	})
	if err != nil {
		return err
	}
	s.note("run %s: generators %d, at most %s; `ragscale load stop` ends it from elsewhere", r.Name, r.Generators, r.Longest)
	if !f.wait {
		return nil
	}
	fault := r.Follow(ctx, s.hears(ctx, r))
	if ctx.Err() != nil {
		return s.interrupted(ctx, r)
	}
	return told(fault, s.judge(ctx, r.Name, f.gate))
}

// interrupted ends the run and tells what it measured until then. A second interrupt ends the waiting, too.
func (s *loaded) interrupted(ctx context.Context, r *generators.Run) error {
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	s.note("ending run %s: its results so far are kept", r.Name)
	after := context.WithoutCancel(ctx)
	if err := r.End(after, s.hears(after, r)); err != nil {
		return err
	}
	return told(fmt.Errorf("run %s was interrupted: %w", r.Name, ctx.Err()), s.judge(after, r.Name, false))
}

// told is the error of a run that ended otherwise than it should have, with its verdict: what was missed then tells
// little, and is printed.
func told(fault, verdict error) error {
	if fault != nil && errors.Is(verdict, errUnhealthy) {
		return fault
	}
	return errors.Join(fault, verdict)
}

// judge judges a run that is over by the results of all its generators, and by the baseline where that is asked for.
func (s *loaded) judge(ctx context.Context, name string, gate bool) error {
	store, err := s.project.loadStore(ctx, s.cfg)
	if err != nil {
		return s.notJudged(name, err)
	}
	scenario, err := scenarioOf(s.cfg, name)
	if err != nil {
		return err
	}
	run, err := load.Read(ctx, store, scenario, name)
	if err != nil {
		return s.notJudged(name, err)
	}
	return s.console.judge(ctx, s.cfg, store, run, s.project.gather(ctx, s.console, s.cfg.Stack, store, run, nil), gate)
}

func (s *loaded) notJudged(name string, why error) error {
	return fmt.Errorf("run %s is over and not judged, which `ragscale load report %s --stack %s` does: %w", name, name, s.cfg.Stack, why)
}

// hears prints what happens to a run.
func (s *loaded) hears(ctx context.Context, r *generators.Run) heard {
	return heard{console: s.console, several: r.Generators > 1, replicas: func() string { return s.replicas(ctx) }}
}

// replicas are how many pods of the API are ready; "-" where that is not known.
func (s *loaded) replicas(ctx context.Context) string {
	within, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	api, err := s.cluster.Clients.AppsV1().Deployments(platform.Namespace).Get(within, platform.APIName, metav1.GetOptions{})
	if err != nil {
		return "-"
	}
	return strconv.Itoa(int(api.Status.ReadyReplicas))
}

// heard implements generators.Listener.
type heard struct {
	console
	several  bool
	replicas func() string
}

// Progressed implements generators.Listener.
func (h heard) Progressed(p generators.Progress) {
	p95 := "-" // before the first answer
	if p.P95Millis > 0 {
		p95 = fmt.Sprintf("%.0f ms", p.P95Millis)
	}
	h.note("%s  users %.0f, requests %.0f /s, p95 %s, failed %.2f %%, API pods %s", time.Now().Format(time.TimeOnly),
		p.Users, p.Requests, p95, 100*p.Failed, h.replicas())
}

// Said implements generators.Listener.
func (h heard) Said(generator, line string) {
	if h.several {
		line = generator + ": " + line
	}
	fmt.Fprintln(h.out, line)
}

// Noted implements generators.Listener.
func (h heard) Noted(note string) { h.note("%s", note) }
