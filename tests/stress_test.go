package tests

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/components/loadtest/standin"
	"github.com/ragscale/ragscale/slo"
)

// stress is a claim that two cores may not hold: it is left out unless RAGSCALE_TEST_STRESS is set (`make test-stress`).
const stress = "TheObjectivesHoldUnderStress"

// The users of the stress scenario come within a minute, as it has it, and then stay for one.
const stressed = time.Minute

// objectivesHoldUnderStress: every user of scenario stress at once, and the thresholds that it declares hold.
func objectivesHoldUnderStress(t *testing.T, where target) {
	api := where.apiURL(t)
	scripts, scenarios := declaredLoad(t, where)
	s := scenarios["stress"]
	s.Generators = 1
	setup := newUser(t, newGenerator(t, api, scripts, s), 0)
	data, err := setup.Call("setup")
	if err != nil {
		t.Fatal(err)
	}
	all := crowd(t, api, scripts, s, data)
	if _, err := setup.Call("teardown", data); err != nil {
		t.Error(err)
	}
	for _, fault := range all.faults(s.Thresholds) {
		t.Error(fault)
	}
	t.Logf("%d users: %s", s.Users, all)
}

// answers are what a crowd of users got.
type answers struct {
	response, complexSearch []time.Duration
	upload                  []float64 // s per MB
	requests, failed        int
	wrong                   map[string]int // checks that failed
	within                  time.Duration
}

// crowd lets every user of s act until the end, each a generator of its own, and gathers their answers.
func crowd(t *testing.T, api string, scripts map[string]string, s k6.Scenario, data any) *answers {
	t.Helper()
	all := &answers{wrong: map[string]int{}}
	var one sync.Mutex
	var users sync.WaitGroup
	began, rampUp := time.Now(), time.Duration(s.RampUpSeconds)*time.Second
	end := began.Add(rampUp + stressed)
	for id := range s.Users {
		g := newGenerator(t, api, scripts, s)
		users.Go(func() {
			time.Sleep(rampUp * time.Duration(id) / time.Duration(s.Users))
			u, err := g.User(id + 1)
			if err == nil {
				err = u.ActWhile(func() bool { return time.Now().Before(end) }, data)
			}
			one.Lock()
			defer one.Unlock()
			if err != nil {
				all.wrong[err.Error()]++
			}
			all.add(g)
		})
	}
	users.Wait()
	all.within = time.Since(began)
	return all
}

func (a *answers) add(g *standin.Generator) {
	for _, r := range g.Requests {
		a.requests++
		if r.Status < 200 || r.Status > 399 {
			a.failed++
		}
		switch r.Tags["objective"] {
		case "response":
			a.response = append(a.response, r.Took)
		case "complex-search":
			a.complexSearch = append(a.complexSearch, r.Took)
		}
	}
	a.upload = append(a.upload, g.Values("upload_seconds_per_mb")...)
	for _, check := range g.Failed() {
		a.wrong[check]++
	}
}

// faults are the thresholds that were missed, and what was never asked.
func (a *answers) faults(limits slo.LoadTest) []string {
	var all []string
	for _, o := range []struct {
		name         string
		value, limit float64
		asked        int
	}{
		{name: "ms, p95 of answers", value: millis(a.response), limit: float64(limits.ResponseMillis), asked: len(a.response)},
		{name: "ms, p95 of complex searches", value: millis(a.complexSearch), limit: float64(limits.ComplexSearchMillis), asked: len(a.complexSearch)},
		{name: "s per MB, p95 of uploads", value: p95(a.upload), limit: limits.UploadSecondsPerMB, asked: len(a.upload)},
		{name: "of the requests failed", value: float64(a.failed) / float64(max(1, a.requests)), limit: limits.FailedRatio, asked: a.requests},
	} {
		if o.asked == 0 || o.value > o.limit {
			all = append(all, fmt.Sprintf("%v %s, of %d; want at most %v", o.value, o.name, o.asked, o.limit))
		}
	}
	wrong := 0
	for _, n := range a.wrong {
		wrong += n
	}
	if float64(wrong) > limits.FailedRatio*float64(a.requests) {
		all = append(all, fmt.Sprintf("%d checks failed of %d requests: %v", wrong, a.requests, a.wrong))
	}
	return all
}

func (a *answers) String() string {
	return fmt.Sprintf("%.0f requests/s, %d of %d failed, p95 %.0f ms, complex searches %.0f ms, uploads %.1f s per MB; failed checks %v",
		float64(a.requests)/a.within.Seconds(), a.failed, a.requests, millis(a.response), millis(a.complexSearch), p95(a.upload), a.wrong)
}

func millis(took []time.Duration) float64 { return float64(p95(took).Microseconds()) / 1000 }

// p95 is the nearest rank's, 0 of none.
func p95[T time.Duration | float64](all []T) T {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)*95/100, len(all)-1)]
}
