package generators

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Progress is where a run is. It tells of the generators that answer.
type Progress struct {
	Answering int     // generators
	Users     float64 // at the moment
	Requests  float64 // a second, since the last time, of generators that answered then too
	P95Millis float64 // of the slowest generator: of the requests that the objective is about, until now; 0 for none
	Failed    float64 // share of requests, since the beginning
}

const (
	// k6Port is where k6 tells of itself in a generator's pod, on loopback: run.sh.
	k6Port = 6565
	// answerWithin is how long a generator may take: one that is busy is asked again the next time.
	answerWithin = 3 * time.Second
	mostAnswer   = 1 << 20 // bytes

	responseMetric = "http_req_duration{objective:response}"
)

// told is what one generator tells of itself.
type told struct{ users, requests, failed, p95 float64 }

// Now is where the run is at this moment, by the generators that answer; its rate of requests is not known.
func (r *Run) Now(ctx context.Context) Progress {
	now, _ := sumOf(nil, r.ask(ctx), time.Second)
	return now
}

// progress asks all generators every so often until ctx ends. A rate takes two answers: until then nothing is told.
func (r *Run) progress(ctx context.Context, l Listener) {
	tick := time.NewTicker(r.cluster.ProgressEvery)
	defer tick.Stop()
	before, at := r.ask(ctx), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := r.ask(ctx)
		if p, known := sumOf(before, now, time.Since(at)); known && ctx.Err() == nil {
			r.one.Lock()
			l.Progressed(p)
			r.one.Unlock()
		}
		before, at = now, time.Now()
	}
}

// sumOf is the run's progress from what its generators told now and the time before. It is not known where none of them
// told anything both times.
func sumOf(before, now map[string]told, since time.Duration) (p Progress, known bool) {
	p = Progress{Answering: len(now)}
	var all, failed float64
	for pod, t := range now {
		p.Users += t.users
		all += t.requests
		failed += t.failed * t.requests
		p.P95Millis = max(p.P95Millis, t.p95)
		if earlier, both := before[pod]; both {
			known = true
			p.Requests += max(0, t.requests-earlier.requests) / since.Seconds()
		}
	}
	if all > 0 {
		p.Failed = failed / all
	}
	return p, known
}

// ask asks the generators that run, all at once, by their pods' names.
func (r *Run) ask(ctx context.Context) map[string]told {
	limited, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	pods, err := r.cluster.Clients.CoreV1().Pods(r.cluster.Namespace).List(limited,
		metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + r.Name})
	if err != nil {
		return nil // Follow says that the cluster does not answer
	}
	all := map[string]told{}
	var one sync.Mutex
	var asked sync.WaitGroup
	for _, pod := range pods.Items {
		if s := statusOf(pod, k6Container); s == nil || s.State.Running == nil {
			continue
		}
		asked.Go(func() {
			if t, err := r.askOne(limited, pod); err == nil { // one that waits for the others does not answer yet
				one.Lock()
				defer one.Unlock()
				all[pod.Name] = t
			}
		})
	}
	asked.Wait()
	return all
}

func (r *Run) askOne(ctx context.Context, pod corev1.Pod) (t told, err error) {
	address, stop, err := r.cluster.Forward(ctx, pod.Name, k6Port)
	if err != nil {
		return t, err
	}
	defer stop()
	for _, of := range []struct {
		metric, statistic string
		to                *float64
	}{
		{"vus", "value", &t.users}, {"http_reqs", "count", &t.requests}, {"http_req_failed", "rate", &t.failed},
		{responseMetric, "p(95)", &t.p95},
	} {
		if *of.to, err = statistic(ctx, address, of.metric, of.statistic); err != nil {
			return t, err
		}
	}
	return t, nil
}

// statistic is one of a metric until now, from k6's REST API; 0 before its first sample.
// Source: https://grafana.com/docs/k6/latest/reference/k6-rest-api/ ; read 2026-11-30.
func statistic(ctx context.Context, address, metric, name string) (float64, error) {
	at := "http://" + address + "/v1/metrics/" + url.PathEscape(metric)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return 0, nil
	}
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answers %s", at, answer.Status)
	}
	var body struct {
		Data struct {
			Attributes struct{ Sample map[string]float64 }
		}
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, mostAnswer)).Decode(&body)
	return body.Data.Attributes.Sample[name], err
}
