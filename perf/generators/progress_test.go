package generators

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestProgressIsThatOfAllGenerators(t *testing.T) {
	before := map[string]told{"a": {users: 10, requests: 100}, "b": {users: 10, requests: 1000, failed: 0.1}}
	now := map[string]told{"a": {users: 12, requests: 300, p95: 40}, "b": {users: 13, requests: 1700, failed: 0.2, p95: 90}}
	want := Progress{Answering: 2, Users: 25, Requests: 90, P95Millis: 90, Failed: 0.17}
	got, known := sumOf(before, now, 10*time.Second)
	if diff := cmp.Diff(want, got); diff != "" || !known {
		t.Error(known, diff)
	}
	for _, earlier := range []map[string]told{nil, {"c": {requests: 5}}} {
		if got, known := sumOf(earlier, now, time.Second); known {
			t.Errorf("of generators that were not asked before: %+v", got)
		}
	}
	if got, known := sumOf(map[string]told{"b": {requests: 1000}}, now, 10*time.Second); !known || got.Requests != 70 {
		t.Errorf("of generators one of which is new: %+v, %v", got, known)
	}
}

// k6 tells of itself as k6's REST API does.
func k6(t *testing.T) string {
	t.Helper()
	samples := map[string]string{"vus": `{"value": 5}`, "http_req_failed": `{"rate": 0.25}`}
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests += 10
		samples["http_reqs"] = fmt.Sprintf(`{"count": %d, "rate": 2}`, requests)
		sample, ok := samples[strings.TrimPrefix(r.URL.Path, "/v1/metrics/")]
		if !ok {
			http.Error(w, `{"errors": []}`, http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, `{"data": {"type": "metrics", "attributes": {"sample": %s}}}`, sample)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// noteProgress is told once.
type noteProgress struct {
	heard
	first chan Progress
}

func (l *noteProgress) Progressed(p Progress) {
	select {
	case l.first <- p:
	default:
	}
}

func TestFollowingTellsProgressOfGeneratorsThatAnswer(t *testing.T) {
	c, _ := peakCluster(t, func(job *batchv1.Job) []corev1.Pod {
		pods := generatorPods(job, 0, 0, 0)
		for i := range pods {
			pods[i].Status.Phase = corev1.PodRunning
			pods[i].Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		}
		return pods
	})
	address, stopped, refused := k6(t), atomic.Int32{}, atomic.Int32{}
	c.ProgressEvery = time.Millisecond
	c.Forward = func(_ context.Context, pod string, port int32) (string, func(), error) {
		if strings.HasSuffix(pod, "-1") || port != k6Port || refused.Add(1) < 3 { // it begins to answer
			return "", nil, errors.New("connection refused")
		}
		return address, func() { stopped.Add(1) }, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	l := &noteProgress{first: make(chan Progress, 1)}
	done := make(chan error)
	go func() { done <- started(t, c).Follow(ctx, l) }()
	got := <-l.first
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || stopped.Load() == 0 {
		t.Errorf("%v, %d connections were given back", err, stopped.Load())
	}
	if got.Requests <= 0 { // of a time that is short
		t.Errorf("it tells %v requests a second before there is a figure", got.Requests)
	}
	got.Requests = 0
	if diff := cmp.Diff(Progress{Answering: 1, Users: 5, Failed: 0.25}, got); diff != "" {
		t.Error(diff)
	}
}
