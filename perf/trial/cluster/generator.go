package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/trial"
)

const (
	generatorName = "trial-generator"
	k6Container   = "k6"
	// idle is what the generator's container does between blocks.
	idle = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait; done"
	// scripts is where the declared pods have them.
	scripts = "/opt/loadtest"
	// script does the steps of a trial.
	script = "trial.js"
	// counted samples of right answers, and of all answers.
	counted = "phase:counted"
	right   = counted + ",expected_response:true"
)

// raiseGenerator makes a pod like those of the scenario's runs, which waits for commands.
func (s *Stage) raiseGenerator(ctx context.Context) error {
	config, err := s.Clients.CoreV1().ConfigMaps(s.LoadNamespace).Get(ctx, "k6-scripts", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("config map k6-scripts: %w", err)
	}
	if config.Data[script] == "" {
		return fmt.Errorf("config map k6-scripts has no %s, want the scripts of this version: `ragscale up` brings them", script)
	}
	from, err := s.Clients.BatchV1().CronJobs(s.LoadNamespace).Get(ctx, s.Scenario, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("scenario %s: %w", s.Scenario, err)
	}
	spec := from.Spec.JobTemplate.Spec.Template.Spec.DeepCopy()
	spec.InitContainers = nil // which wait for the results of a run
	i := slices.IndexFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == k6Container })
	if i < 0 {
		return fmt.Errorf("scenario %s has no container %s", s.Scenario, k6Container)
	}
	spec.Containers[i].Command, spec.Containers[i].Args = []string{"/bin/sh", "-c", idle}, nil
	end := int64(endSeconds)
	spec.TerminationGracePeriodSeconds = &end
	pod, err := s.Clients.CoreV1().Pods(s.LoadNamespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: generatorName, Labels: map[string]string{Label: "generator", nameLabel: generatorName}},
		Spec:       *spec,
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("generator: %w", err)
	}
	s.generator = pod.Name
	return nil
}

// step runs a step of the script at an arm.
func (s *Stage) step(ctx context.Context, step string, side trial.Side, env ...string) ([]byte, error) {
	command := append([]string{"env", "TRIAL_STEP=" + step, "TARGET_URL=" + s.addresses[side], "GENERATORS=1",
		"JOB_COMPLETION_INDEX=0"}, env...)
	return s.Exec(ctx, s.LoadNamespace, s.generator, k6Container, append(command, "k6", "run", "--no-usage-report", "--no-color",
		"--quiet", "--new-machine-readable-summary=false", scripts+"/"+script))
}

// Block implements trial.Stage.
func (s *Stage) Block(ctx context.Context, side trial.Side, length, discarded time.Duration) ([]load.Figure, error) {
	s.block++
	before := s.cpuSeconds(ctx, side)
	text, err := s.step(ctx, "block", side, "BLOCK="+strconv.Itoa(s.block),
		"BLOCK_SECONDS="+seconds(length), "DISCARDED_SECONDS="+seconds(discarded), "USERS="+strconv.Itoa(s.Users))
	if err != nil {
		return nil, err
	}
	after := s.cpuSeconds(ctx, side)
	var result struct {
		Metrics map[string]measured `json:"metrics"`
	}
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, fmt.Errorf("result of a block: %w", err)
	}
	figures := figuresOf(result.Metrics, length-discarded)
	if used, ok := used(before, after); ok && result.Metrics["faults"].right() > 0 {
		figures = append(figures, load.Figure{Name: "CPU", Unit: "ms/right answer", Better: load.Lower,
			Value: 1000 * used / result.Metrics["faults"].right(), Samples: result.Metrics["faults"].right()})
	}
	return figures, nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) }

// measured is a metric of k6's summary.
type measured struct {
	Values map[string]float64 `json:"values"`
}

// right are the answers of a metric of faults that were none.
func (m measured) right() float64 { return m.Values["fails"] }

// figuresOf a block, of right answers alone but for faults.
func figuresOf(metrics map[string]measured, length time.Duration) []load.Figure {
	var all []load.Figure
	for _, objective := range []struct{ tag, name string }{{"response", "response"}, {"complex-search", "complex search"}} {
		m := metrics["http_req_duration{"+right+",objective:"+objective.tag+"}"].Values
		for _, percentile := range []struct {
			name, statistic string
			least           float64 // samples
		}{{"p50", "med", 2}, {"p95", "p(95)", 20}} {
			if m["count"] >= percentile.least {
				all = append(all, load.Figure{Name: objective.name + " " + percentile.name, Unit: "ms", Better: load.Lower,
					Value: m[percentile.statistic], Samples: m["count"]})
			}
		}
	}
	answers := metrics["faults{"+counted+"}"]
	wrong := answers.Values["passes"]
	n := wrong + answers.right()
	if n == 0 {
		return all
	}
	return append(all,
		load.Figure{Name: "faults", Unit: "ratio", Better: load.Lower, Value: wrong / n, Samples: n, Events: wrong},
		load.Figure{Name: "throughput", Unit: "right answers/s", Better: load.Higher, Value: answers.right() / length.Seconds(), Samples: n})
}

// cpuSeconds are what the processes of an arm's pods have used so far, by pod; none of a pod that does not say.
func (s *Stage) cpuSeconds(ctx context.Context, side trial.Side) map[string]float64 {
	all := map[string]float64{}
	pods, err := s.Clients.CoreV1().Pods(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: Label + "=" + strings.ToLower(string(side))})
	if err != nil {
		return all
	}
	for _, pod := range pods.Items {
		page, err := s.Metrics(ctx, pod.Namespace, pod.Name, port(pod.Spec, "metrics"))
		if err != nil {
			continue
		}
		if used, ok := processSeconds(page); ok {
			all[pod.Name] = used
		}
	}
	return all
}

// processSeconds reads process_cpu_seconds_total of a metrics page.
func processSeconds(page []byte) (float64, bool) {
	for line := range bytes.Lines(page) {
		if value, ok := bytes.CutPrefix(line, []byte("process_cpu_seconds_total ")); ok {
			used, err := strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
			return used, err == nil
		}
	}
	return 0, false
}

// used is the CPU between two looks at the same processes; false where they are not the same, or nothing is known.
func used(before, after map[string]float64) (float64, bool) {
	var sum float64
	for pod, value := range after {
		sum += value - before[pod]
	}
	same := slices.Equal(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	return sum, same && len(after) > 0 && sum > 0
}
