package tests

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// runName is what `ragscale load run` says of a run that it began.
var runName = regexp.MustCompile(`run (smoke-[0-9-]+): generators 2`)

// began is the name of the run that a command began.
func began(t *testing.T, said string) string {
	t.Helper()
	found := runName.FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("no run of two generators is begun: %s", said)
	}
	return found[1]
}

// generatorPods are a run's, by their number; it waits until both are as they should be.
func generatorPods(t *testing.T, where target, run string, want func(corev1.Pod) bool) map[string]corev1.Pod {
	t.Helper()
	pods := map[string]corev1.Pod{}
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
		list, err := clients(t, where).CoreV1().Pods("loadtest").List(t.Context(), metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + run})
		if err != nil {
			t.Fatal(err)
		}
		for _, pod := range list.Items {
			if want(pod) {
				pods[pod.Annotations[batchv1.JobCompletionIndexAnnotation]] = pod
			}
		}
		if len(pods) == 2 {
			return pods
		}
	}
	t.Fatalf("of the generators of %s there are as wanted %v", run, pods)
	return nil
}

// reported is what `ragscale load report --json` tells of a run, from the bucket.
type reported struct {
	Run             string
	Passed, Partial bool
	Lacking         []int
	Scenario        struct{ Generators int }
	Telemetry       struct {
		Panels []struct{ Name, Source string }
	}
}

// told tells who measured a panel; "" for nobody.
func (r reported) told(panel string) string {
	for _, p := range r.Telemetry.Panels {
		if p.Name == panel {
			return p.Source
		}
	}
	return ""
}

func report(t *testing.T, s *sandboxTarget, run string) (r reported, code int) {
	t.Helper()
	out, errs, code := s.ragscale(t, "", "load", "report", run, "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("load report %s: exit code %d, %v\n%s\n%s", run, code, err, out, errs)
	}
	return r, code
}

// loadGeneratorsRunInPods: a run of smoke is two pods on the group's node, which reach the API by the load balancer's name
// and leave their results in the bucket; while it is under way, no other begins.
func loadGeneratorsRunInPods(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	_, said, code := s.ragscale(t, "", "load", "run", "smoke", "--wait=false")
	if code != 0 {
		t.Fatalf("load run: exit code %d: %s", code, said)
	}
	run := began(t, said)
	if _, errs, code := s.ragscale(t, "", "load", "run", "normal"); code != 1 || !strings.Contains(errs, "run "+run+" is under way since") {
		t.Errorf("a second run: exit code %d: %s", code, errs)
	}
	if out, errs, code := s.ragscale(t, "", "load", "watch"); code != 0 || !strings.Contains(out, "1: smoke: thresholds kept") {
		t.Errorf("load watch: exit code %d\n%s\n%s", code, out, errs)
	}
	ended := func(pod corev1.Pod) bool { return pod.Status.Phase == corev1.PodSucceeded }
	for number, pod := range generatorPods(t, where, run, ended) {
		node, err := clients(t, where).CoreV1().Nodes().Get(t.Context(), pod.Spec.NodeName, metav1.GetOptions{})
		if err != nil || node.Labels["ragscale.io/pool"] != "loadtest" || len(node.Spec.Taints) == 0 {
			t.Errorf("generator %s ran on %s, %v", number, pod.Spec.NodeName, err)
		}
		for _, v := range pod.Spec.Containers[0].Env {
			if v.Name == "TARGET_URL" && !strings.Contains(v.Value, ".elb.amazonaws.com") {
				t.Errorf("generator %s aims at %s, want the load balancer's name", number, v.Value)
			}
		}
	}
	got, code := report(t, s, run)
	if code != 0 || got.Run != run || !got.Passed || got.Partial || got.Scenario.Generators != 2 {
		t.Errorf("load report: exit code %d, %+v", code, got)
	}
	if got.told("replicas") != "Managed Prometheus" || got.told("database-load") != "Performance Insights" {
		t.Errorf("what the stack told meanwhile: %+v", got.Telemetry)
	}
}

// lostGeneratorMakesARunPartial: of two generators one is killed while there is load; the other's result is kept.
func lostGeneratorMakesARunPartial(t *testing.T, where target) {
	s, pods := where.(*sandboxTarget), clients(t, where).CoreV1().Pods("loadtest")
	_, said, code := s.ragscale(t, "", "load", "run", "smoke", "--wait=false")
	if code != 0 {
		t.Fatalf("load run: exit code %d: %s", code, said)
	}
	run := began(t, said)
	begun := func(pod corev1.Pod) bool {
		log, err := pods.GetLogs(pod.Name, &corev1.PodLogOptions{Container: "k6"}).DoRaw(t.Context())
		return err == nil && strings.Contains(string(log), "all 2 generators are there")
	}
	var now int64
	killed := generatorPods(t, where, run, begun)["1"]
	if err := pods.Delete(t.Context(), killed.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := s.ragscale(t, "", "load", "watch", run); code != 1 || !strings.Contains(out+errs, "generator 1 ") {
		t.Errorf("load watch: exit code %d\n%s\n%s", code, out, errs)
	}
	if got, code := report(t, s, run); code != 1 || got.Passed || !got.Partial {
		t.Errorf("load report: exit code %d, %+v", code, got)
	}
}
