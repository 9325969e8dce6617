package diagnose

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// of simulates a world, and returns what a diagnosis is made of.
func of(t *testing.T, change plant) (*load.Run, *telemetry.Telemetry, world) {
	t.Helper()
	w := healthy()
	change(&w)
	s := simulate(w, 1)
	run, err := load.Merge("normal-1", []load.Result{s.result(w.stackOf(t))})
	if err != nil {
		t.Fatal(err)
	}
	return run, s.told(), w
}

func TestARunOfAnotherStackIsRefused(t *testing.T) {
	run, told, w := of(t, func(*world) {})
	cfg := w.stackOf(t)
	cfg.Stack = "other"
	if _, err := Of(run, told, cfg); err == nil || !strings.Contains(err.Error(), `run normal-1 is of stack "prod", want one of "other"`) {
		t.Errorf("%v", err)
	}
}

// Without telemetry a run that missed nothing has no bottleneck, and of one that did nothing is guessed.
func TestWithoutTelemetryNothingIsGuessed(t *testing.T) {
	run, _, w := of(t, func(w *world) { w.dbMillis = 60 })
	d, err := Of(run, nil, w.stackOf(t))
	if err != nil || d.Outcome != NotEnough || len(d.Findings) > 0 || !strings.Contains(d.Says, "the steady part of ") ||
		!strings.Contains(d.Says, "the run has no telemetry") {
		t.Errorf("%v: %s: %s, %v", err, d.Outcome, d.Says, names(d))
	}
	run, _, w = of(t, func(w *world) { w.users = 50 })
	if d, err = Of(run, nil, w.stackOf(t)); err != nil || d.Outcome != None || strings.Contains(d.Says, "before any tier") {
		t.Errorf("%v: %s: %s", err, d.Outcome, d.Says)
	}
}

// A cause whose signs were not kept is open, and takes from the confidence in another, or leaves none.
func TestASeriesThatWasNotKeptIsNamed(t *testing.T) {
	run, told, w := of(t, func(w *world) { w.dbMillis = 60 })
	kept := told.Panels[:0]
	for _, p := range told.Panels {
		if p.Name != "database-cpu" {
			kept = append(kept, p)
		}
	}
	told.Panels = kept
	d, err := Of(run, told, w.stackOf(t))
	if err != nil || d.Outcome == None || len(d.Open) == 0 {
		t.Fatalf("%v: %s: %v", err, d.Outcome, names(d))
	}
	if len(d.Findings) > 0 && d.Findings[0].Confidence == "high" {
		t.Errorf("%s with high confidence", names(d))
	}
	if text := written(t, d); !strings.Contains(text, "the run kept no panel database-cpu") {
		t.Errorf("does not name the panel:\n%s", text)
	}
}

func written(t *testing.T, d *Diagnosis) string {
	t.Helper()
	var b strings.Builder
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What the parts and the rest add up to is the time of the client.
func TestTheBudgetAddsUp(t *testing.T) {
	for _, fault := range []plant{func(*world) {}, faults["missing index: database-cpu"], faults["slow Chroma: vectors"]} {
		w := healthy()
		fault(&w)
		d := w.diagnosed(t, 1)
		sum := d.Split.Unexplained
		for _, p := range d.Split.Parts {
			sum += p.Millis
		}
		if math.Abs(sum-d.Split.Total()) > 1e-6*d.Split.Total() {
			t.Errorf("parts and rest are %v ms, want %v", sum, d.Split.Total())
		}
		// Waiting for one of the API's processors has no series: at 30 % of them in use it is some 2 ms.
		if math.Abs(d.Split.Unexplained) > 3+0.1*d.Split.Total() {
			t.Errorf("%.0f %% without an explanation\n%s", 100*d.Split.UnexplainedShare, d.debug())
		}
	}
}

// Demands of the simulated tiers are those that it was given, and what binds is what stands first.
func TestTheLawsFindWhatWasBuiltIn(t *testing.T) {
	w := healthy()
	d := w.diagnosed(t, 1)
	for name, want := range map[string]float64{"API's processors": 6 / 0.94, "thread of the cache": 0.05} {
		found := false
		for _, tier := range d.Laws.Tiers {
			if tier.Name == name {
				found = true
				if math.Abs(tier.Demand-want) > 0.1*want {
					t.Errorf("demand of %s is %.3g ms, want %.3g", name, tier.Demand, want)
				}
			}
		}
		if !found {
			t.Errorf("no %s: %v", name, d.Laws.Lacking)
		}
	}
	for _, c := range d.Laws.Checks {
		if c.Violated || c.Lacking != "" {
			t.Errorf("%s", c)
		}
	}
}

// A gauge that counts something else than the histogram does is a violation, and named.
func TestAViolatedLawIsNamed(t *testing.T) {
	run, told, w := of(t, func(*world) {})
	p := told.Panel("api-in-flight")
	for i := range p.Series[0].Values {
		p.Series[0].Values[i] = 3*p.Series[0].Values[i] + 20
	}
	d, err := Of(run, told, w.stackOf(t))
	if err != nil {
		t.Fatal(err)
	}
	if text := written(t, d); !strings.Contains(text, "VIOLATED: at the API") || !strings.Contains(strings.Join(d.Notes, " "), "a law is violated") {
		t.Errorf("%s", text)
	}
}

func TestAChangedFileIsNoted(t *testing.T) {
	run, told, w := of(t, func(*world) {})
	run.Environment["configuration"] = "0123456789ab"
	d, err := Of(run, told, w.stackOf(t))
	if err != nil || !strings.Contains(strings.Join(d.Notes, " "), "the stack's file has changed since the run (configuration 0123456789ab") {
		t.Errorf("%v: %v", err, d.Notes)
	}
}

func TestTextAndJSONSayTheVerdict(t *testing.T) {
	w := healthy()
	faults["missing index: database-cpu"](&w)
	d := w.diagnosed(t, 1)
	text := written(t, d)
	for _, want := range []string{"first cause database-cpu (confidence high)", "CPU of the busiest database: ", "limit 70 % (slo.cpuPercent); database-cpu replica-0",
		"counted beyond its time", "binds at", "docs/operations.md: Database CPU"} {
		if !strings.Contains(text, want) {
			t.Errorf("does not say %q:\n%s", want, text)
		}
	}
	var got struct {
		Run, Outcome string
		Findings     []struct{ Cause, Confidence string }
		Split        struct{ UnexplainedMillis *float64 }
	}
	asJSON, err := json.Marshal(d)
	if err == nil {
		err = json.Unmarshal(asJSON, &got)
	}
	if err != nil || got.Run != "normal-1" || got.Outcome != "cause" || got.Findings[0].Cause != "database-cpu" || got.Split.UnexplainedMillis == nil {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestEveryCauseIsPlantedAndHasASection(t *testing.T) {
	planted := map[string]bool{"database-slow": true, "vectors-gone": true, "cache-gone": true} // of what is not simulated
	for name := range faults {
		_, cause, _ := strings.Cut(name, ": ")
		planted[cause] = true
	}
	seen := map[string]bool{}
	for _, c := range causes {
		if !planted[c.id] || seen[c.id] || c.section == "" || len(c.bears) == 0 {
			t.Errorf("%s is not planted, there twice, or does not say everything", c.id)
		}
		seen[c.id] = true
	}
	for _, c := range causes {
		for _, lead := range c.leads {
			if !seen[lead] {
				t.Errorf("%s leads to %s, which is no cause", c.id, lead)
			}
		}
	}
}

// With -v it prints what the documentation shows.
func TestAnAnswerIsReadable(t *testing.T) {
	for _, fault := range []string{"small PgBouncer pool: pgbouncer-pool", "slow database, small pool: database-cpu"} {
		w := healthy()
		faults[fault](&w)
		text := written(t, w.diagnosed(t, 1))
		for i, line := range strings.Split(text, "\n") {
			if len([]rune(line)) > 260 {
				t.Errorf("line %d of %s has %d characters", i, fault, len([]rune(line)))
			}
		}
		t.Logf("%s\n%s", fault, text)
	}
}

// A run that is too short for telemetry is told so in a line that says what to do, and gaps are bounded.
func TestGapsAreTold(t *testing.T) {
	run, told, w := of(t, func(w *world) { w.dbMillis = 60 })
	run.Scenario.DurationSeconds, run.Scenario.RampUpSeconds = 10, 2
	told.Panels = nil
	for range 40 {
		told.Missing = append(told.Missing, telemetry.Missing{What: "Requests by route", Why: strings.Repeat("no series of the run's time\n", 500)})
	}
	d, err := Of(run, told, w.stackOf(t))
	if err != nil || d.Outcome != NotEnough || len(d.Says) > 150 ||
		!strings.Contains(d.Says, "the steady part of 8 s has no telemetry: `ragscale load run normal --stack prod` lasts long enough") {
		t.Errorf("%v: %s: %s", err, d.Outcome, d.Says)
	}
	text := written(t, d)
	if n := strings.Count(text, "\n"); n > 45 {
		t.Errorf("%d lines, want 45 at most\n%s", n, text)
	}
	for _, line := range strings.Split(text, "\n") {
		if len([]rune(line)) > 210 {
			t.Errorf("a line of %d characters: %s", len([]rune(line)), line)
		}
	}
}

// A run that was cut short missed nothing so far: that is all that is said.
func TestARunThatWasCutShortIsToldSo(t *testing.T) {
	run, told, w := of(t, func(w *world) { w.users = 50 })
	run.Partial = true
	for _, told := range []*telemetry.Telemetry{told, nil} {
		d, err := Of(run, told, w.stackOf(t))
		if err != nil || d.Outcome != None || !strings.Contains(d.Says, "the run was cut short") {
			t.Errorf("%v: %s: %s", err, d.Outcome, d.Says)
		}
	}
}

// Parts that overlap are no time without an explanation.
func TestPartsThatOverlapAreToldSo(t *testing.T) {
	run, told, w := of(t, func(*world) {})
	for _, s := range told.Panel("cpu").Series {
		for i := range s.Values {
			s.Values[i] *= 3
		}
	}
	d, err := Of(run, told, w.stackOf(t))
	if err != nil {
		t.Fatal(err)
	}
	text := written(t, d)
	if d.Split.UnexplainedShare >= -unexplainedMost || !strings.Contains(text, "parts overlap: ") ||
		!strings.Contains(text, "counted beyond its time") || strings.Contains(text, "without an explanation") {
		t.Errorf("%v\n%s", d.Split.UnexplainedShare, text)
	}
	if says := doubtOf(-0.77); !strings.Contains(says, "77 % more than there was") || strings.Contains(says, "-") {
		t.Error(says)
	}
}

// Telemetry comes from a file: series of one name, and values beyond all measure, are no reason to panic, and JSON takes the answer.
func TestOddTelemetryIsDiagnosed(t *testing.T) {
	run, told, w := of(t, func(*world) {})
	for i := range told.Panels {
		for _, v := range []float64{0, 1e-310, 1e21, -1e21, math.NaN()} {
			p := told.Panels[i]
			p.Series = nil
			for range 3 {
				values := make(telemetry.Values, 40)
				for j := range values {
					values[j] = v
				}
				p.Series = append(p.Series, telemetry.Series{Name: told.Panels[i].Series[0].Name, Values: values})
			}
			odd := *told
			odd.Panels = append([]telemetry.Panel{p}, told.Panels...)
			d, err := Of(run, &odd, w.stackOf(t))
			if err != nil {
				t.Fatal(err)
			}
			written(t, d)
			if _, err := json.Marshal(d); err != nil {
				t.Errorf("panel %s of %v: %v", p.Name, v, err)
			}
		}
	}
}
