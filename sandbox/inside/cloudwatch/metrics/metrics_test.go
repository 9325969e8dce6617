package metrics

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func requests() ID { return Of("r", "AWS/ApplicationELB", "RequestCount", "LoadBalancer", "a") }

func TestPercentilesAreWithinAHundredthOfAMeasuredValue(t *testing.T) {
	var s Set
	for i := 1; i <= 1000; i++ {
		s.add(float64(i)/1000, 1)
	}
	for _, p := range []float64{0, 1, 50, 95, 99.9, 100} {
		want := max(p/100, 0.001)
		if got := s.percentile(p); math.Abs(got-want)/want > 0.011 {
			t.Errorf("p%v is %v, want %v", p, got, want)
		}
	}
	if s.Count != 1000 || math.Abs(s.Sum-500.5) > 1e-6 || s.Min != 0.001 || s.Max != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestAMinuteIsSeenOnceItIsOver(t *testing.T) {
	s := NewStore()
	for at := range 90 {
		if err := s.Observe(requests(), noon.Add(time.Duration(at)*time.Second), 1, 1); err != nil {
			t.Fatal(err)
		}
	}
	seen := func() int { return s.Window(requests(), noon, time.Hour).Count }
	if s.Publish(noon); seen() != 0 || len(s.List(Filter{Region: "r"})) != 0 {
		t.Errorf("at its begin: %d", seen())
	}
	if s.Publish(noon.Add(time.Minute)); seen() != 60 || len(s.List(Filter{Region: "r"})) != 1 || len(s.List(Filter{Region: "x"})) != 0 {
		t.Errorf("at its end: %d", seen())
	}
}

func TestADayIsKeptAndNoMore(t *testing.T) {
	s := NewStore()
	for minute := range 3 * 24 * 60 {
		at := noon.Add(time.Duration(minute) * time.Minute)
		if err := s.Observe(requests(), at, 1, 1); err != nil {
			t.Fatal(err)
		}
		s.Publish(at)
	}
	if n := len(s.all[requests().key()].minutes); n > 24*60+1 {
		t.Errorf("%d minutes are kept", n)
	}
	s.Publish(noon.Add(5 * 24 * time.Hour))
	if len(s.all) != 0 {
		t.Error("a metric without data is still there")
	}
}

func TestAMetricOutsideTheTableIsADefectAndMetricsAreBounded(t *testing.T) {
	s := NewStore()
	for _, id := range []ID{Of("r", "AWS/RDS", "Nonsense", "DBInstanceIdentifier", "x"), Of("r", "AWS/RDS", "CPUUtilization", "Other", "x")} {
		if err := s.Observe(id, noon, 1, 1); err == nil {
			t.Errorf("%s is taken", id)
		}
	}
	var last error
	for i := range mostSeries + 1 {
		last = s.Observe(Of("r", "AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", fmt.Sprint(i)), noon, 1, 1)
	}
	if last == nil || len(s.all) != mostSeries {
		t.Errorf("%d metrics: %v", len(s.all), last)
	}
}

func TestMetricMath(t *testing.T) {
	none := math.NaN()
	series := map[string]Points{"a": {1, 2, none, 4}, "b": {10, 0, 30, 40}, "n": {none, none, none, none}}
	of := func(id string) (Points, error) {
		if p, ok := series[id]; ok {
			return p, nil
		}
		return nil, fmt.Errorf("there is no %s", id)
	}
	for text, want := range map[string]string{
		"a + 1":                           "[2 3 NaN 5]",
		"a / b":                           "[0.1 NaN NaN 0.1]",
		"-a * 2":                          "[-2 -4 NaN -8]",
		"100 * a / (a + b)":               "[9.090909090909092 100 NaN 9.090909090909092]",
		"FILL(a, 0)":                      "[1 2 0 4]",
		"FILL(a, REPEAT)":                 "[1 2 2 4]",
		"FILL(a, LINEAR)":                 "[1 2 3 4]",
		"FILL(a, b)":                      "[1 2 30 4]",
		"(FILL(n, 0) + b) / FILL(n, 0)":   "[NaN NaN NaN NaN]",
		"(FILL(n,0)+FILL(a,0))/FILL(b,0)": "[0.1 NaN 0 0.1]",
		"SUM([a, b])":                     "[11 2 30 44]",
		"MAX([FILL(a, 0), 3])":            "[3 3 3 4]",
		"AVG(b) + 0 * b":                  "[20 20 20 20]",
		"IF(b > 20, 1, 0)":                "[0 0 1 1]",
		"IF(a > 1 AND b > 1, a, -1)":      "[-1 -1 NaN 4]",
		"RATE(b)":                         "[NaN -0.16666666666666666 0.5 0.16666666666666666]",
		"CEIL(b / PERIOD(b))":             "[1 0 1 1]",
		"[a, b]":                          "the expression is an array",
		"c + 1":                           "there is no c",
		"a ^ 2":                           "the operator ^ is not answered here",
		"SEARCH('x', 'y')":                "the function SEARCH is not answered here",
		"FILL(a)":                         "FILL has 1 arguments, want 2",
		"a; b":                            "does not parse",
		strings.Repeat("(", 3000):         "at most 2048",
		"func() { for {} }()":             "a call of something that is no function",
	} {
		got := evaluate(text, 4, of)
		if got != want && !strings.Contains(got, want) {
			t.Errorf("%.40s: %s, want %s", text, got, want)
		}
	}
}

func evaluate(text string, n int, of func(string) (Points, error)) string {
	e, err := ParseExpression(text)
	if err != nil {
		return err.Error()
	}
	points, err := e.Evaluate(n, 60, of)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint([]float64(points))
}

func TestAPercentileNeedsEnoughValues(t *testing.T) {
	for name, enough := range map[string]int{"p95": 200, "p99": 1000, "p50": 20, "p5": 200, "Average": 0, "p100": 0} {
		stat, err := ParseStatistic(name)
		if err != nil {
			t.Fatal(err)
		}
		if !stat.Enough(enough) || enough > 0 && stat.Enough(enough-1) {
			t.Errorf("%s: %d", name, enough)
		}
	}
}
