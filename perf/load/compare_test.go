package load

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/perf/compare"
)

// several runs, whose noise from run to run is some 2 %.
func several(t *testing.T, name string, slower float64, n int) (runs []*Run) {
	t.Helper()
	for i, noise := range []float64{1, 1.02, 0.98, 1.01, 0.99, 1.02}[:n] {
		run := runOf(t, part{index: 0, slower: slower * noise, uploads: 40})
		run.Name = fmt.Sprintf("peak-%s%d", name, i)
		runs = append(runs, run)
	}
	return runs
}

func answers(c *Comparison) map[string]compare.Outcome {
	all := map[string]compare.Outcome{}
	for _, a := range c.Answers {
		all[a.Figure] = a.Outcome
	}
	return all
}

func TestRunsAreComparedByAllTheirFigures(t *testing.T) {
	then, now := several(t, "a", 1, 6), several(t, "b", 1.15, 3)
	now[0].Environment = map[string]string{"stack": "dev", "region": "eu-central-1", "k6": "2.2", "image": "0.2.0"}
	c, err := Compare(then, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]compare.Outcome{"response p50": compare.Regressed, "response p95": compare.Regressed, "upload p50": compare.Same, "upload p95": compare.Same,
		"faults": compare.Same, "throughput": compare.Same}
	if diff := cmp.Diff(want, answers(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(c.Then) != 6 || len(c.Now) != 3 || len(c.Changes) != 1 || c.Changes[0].Key != "image" {
		t.Errorf("%+v", c)
	}
}

func TestTheNoiseOfOneRunEachIsThatOfOthers(t *testing.T) {
	then, now, others := several(t, "a", 1, 1), several(t, "b", 1.3, 1), several(t, "c", 2, 6)
	if c, err := Compare(then, now, nil); err != nil || answers(c)["response p95"] != compare.NoBaseline {
		t.Errorf("without others: %v, %v", answers(c), err)
	}
	c, err := Compare(then, now, append(others, then...)) // the store has those that are compared, too
	if err != nil || answers(c)["response p95"] != compare.Regressed || c.Alike != 6 {
		t.Errorf("with others: %v of %d, %v", answers(c), c.Alike, err)
	}
	for i, run := range others {
		run.Environment = map[string]string{"stack": "dev", "region": "eu-central-1", "k6": "2.2", "image": fmt.Sprint(i)}
	}
	if c, err := Compare(then, now, others); err != nil || c.Alike != 0 {
		t.Errorf("others that were each made under something else: %d, %v", c.Alike, err)
	}
}

func TestRunsThatCannotBeComparedAreNot(t *testing.T) {
	then := several(t, "a", 1, 3)
	for want, change := range map[string]func(p *part){
		"run peak-1 is of another load than peak-a0: scenario {":                        func(p *part) { p.of = 2 },
		"run peak-1 was cut short: generator 0 ended after 20 of 60 s; want whole runs": func(p *part) { p.took = 20 * time.Second },
		"run peak-1: its generators were what was slow":                                 func(p *part) { p.lag = 80 },
	} {
		var p part
		change(&p)
		parts := []part{p}
		if p.of == 2 {
			parts = append(parts, part{of: 2, index: 1})
		}
		if _, err := Compare(then, []*Run{runOf(t, parts...)}, nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}
