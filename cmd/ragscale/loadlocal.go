package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/stacks"
)

// localLoad is a run against stack local: what a generator's pod runs, outside of pods. Its results are left in the
// sandbox's folder; those of pods go to the stack's bucket.
type localLoad struct {
	console
	generator image.Image
	clients   kubernetes.Interface
	folder    string // of the run
	run       string
	revision  string // of the checkout; "" where it is not known
	target    string // URL of the API
}

// runLocalLoad runs a scenario on this machine and names the run. It says what is missing before anything is made.
func (p project) runLocalLoad(ctx context.Context, c console, scenario stacks.LoadScenario) (run string, err error) {
	status, err := control.NewClient(p.layout.Socket()).Status(ctx)
	if err != nil {
		return "", err
	}
	if len(status.Listeners) == 0 {
		return "", errors.New("stack local is not up: no load balancer listens, want `ragscale up` first")
	}
	clients, err := clientset(p.layout.Kubeconfig())
	if err != nil {
		return "", err
	}
	run = load.NewRun(scenario.Name, time.Now())
	l := &localLoad{
		console: c, generator: loadGenerator(p.layout), clients: clients, run: run, revision: p.revision(ctx), target: "http://" + status.Listeners[0],
		folder: load.Folder(p.loadFolder()).Name(load.RunPrefix(scenario.Name, run)),
	}
	return run, l.start(ctx, scenario)
}

// start runs k6 to its end and maps its exit code.
func (l *localLoad) start(ctx context.Context, scenario stacks.LoadScenario) error {
	scripts, results := filepath.Join(l.folder, "scripts"), filepath.Join(l.folder, "generator-0")
	if err := errors.Join(os.MkdirAll(scripts, 0o700), os.MkdirAll(results, 0o700)); err != nil {
		return err
	}
	for _, config := range []string{"k6-scripts", "scenario-" + scenario.Name} {
		if err := l.write(ctx, config, scripts); err != nil {
			return err
		}
	}
	length := time.Duration(scenario.DurationSeconds+scenario.GracefulSeconds) * time.Second
	l.note("run %s: load for at most %s, with documents stored before and deleted after", l.run, length)
	cmd := exec.CommandContext(ctx, "/bin/sh", filepath.Join(scripts, "run.sh"))
	cmd.Env = os.Environ()
	for name, value := range l.generator.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "GENERATORS=1", "JOB_COMPLETION_INDEX=0", "JOB_NAME="+l.run, "RESULTS_FOLDER="+results,
		"TARGET_URL="+l.target, "SCENARIO_FILE="+filepath.Join(scripts, "scenario.json"),
		"ENVIRONMENT_FILE="+filepath.Join(scripts, "environment.json"), revisionVariable+"="+l.revision)
	cmd.Stdout, cmd.Stderr = l.out, l.notes
	// A terminal's interrupt would reach k6 too, and the second that it gets ends it without a result.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Duration(scenario.GracefulSeconds)*time.Second + time.Minute
	err := cmd.Run()
	l.note("results are in %s", results)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return l.verdict(err)
}

// write puts the files of a ConfigMap in a folder, as a pod mounts them.
func (l *localLoad) write(ctx context.Context, config, folder string) error {
	files, err := l.clients.CoreV1().ConfigMaps(loadNamespace).Get(ctx, config, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("config map %s: %w", config, err)
	}
	for name, text := range files.Data {
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(name)), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// verdict is nil when there is a result to judge, else why there is none.
func (l *localLoad) verdict(ended error) error {
	var exit *exec.ExitError
	switch {
	case ended == nil, errors.As(ended, &exit) && exit.ExitCode() == thresholdsMissed:
		return nil
	}
	return fmt.Errorf("run %s: k6: %w", l.run, ended)
}
