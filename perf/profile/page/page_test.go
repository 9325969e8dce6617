package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/profile"
)

// report has a function whose name is markup.
func report() *profile.Report {
	evil := `example.com/x.F[go.shape.<script>alert("1")</script>]`
	leaf := &profile.Node{Name: evil, Value: 6e5}
	small := &profile.Node{Name: "runtime.tiny", Value: 100}
	root := &profile.Node{Name: "api", Value: 1e6, Below: []*profile.Node{
		{Name: "github.com/ragscale/ragscale/ragapi/server.(*api).handle", Value: 9.999e5, Below: []*profile.Node{leaf, {Name: "runtime.mallocgc", Value: 3e5}}}, small,
	}}
	return &profile.Report{
		Name: "normal-20261130-170000", Run: "normal-20261130-170000", Stack: "local", TakenAt: time.Unix(1.8e9, 0), Windows: 6, Pods: 2,
		Hotspots: []profile.Hotspots{{
			Kind: profile.CPU, Tier: profile.API, Unit: "ns", Per: "request", Of: 12345, Value: 1e6, Samples: 1234, Pods: 2, Windows: 12,
			Builds:    []profile.Build{{Version: "v1"}},
			Functions: []profile.Function{{Name: evil, Flat: 6e5, Cum: 6e5, Share: 0.6, CumPart: 0.6, Samples: 740}},
			Labels: []profile.Label{
				{Key: "mode", Name: "complex", Value: 5e5, Share: 0.5},
				{Key: "route", Name: "/v1/search", Value: 7e5, Share: 0.7, Own: 1.4e6, OwnOf: 6172}, {Key: "route", Value: 3e5, Share: 0.3},
			},
		}},
		Trees: []*profile.Node{root}, Notes: []string{"a note"}, Missing: []profile.Missing{{What: "mutex", Why: "it was not taken"}},
	}
}

func comparison() *profile.Comparison {
	return &profile.Comparison{
		Then: []string{"normal-1"}, Now: []string{"normal-2"}, Kind: profile.CPU, Tier: profile.API, Unit: "ns", Per: "request",
		Windows: [2]int{12, 12}, Served: [2]float64{1000, 1100}, Samples: [2]float64{50000, 51000}, See: 0.05, Untested: 200,
		Total: compare.Answer{Outcome: compare.Same, Then: 1e6, Now: 1.01e6, Change: 0.01, Low: -0.01, High: 0.03}, Notes: []string{"the builds differ"},
		Functions: []profile.Change{
			{Name: "<b>f</b>", Outcome: profile.More, Then: 1e5, Now: 1.1e5, Samples: [2]float64{30000, 33000}, Change: 0.1, Low: 0.08, High: 0.12, P: 1e-9, Smallest: 0.04},
			{Name: "g", Outcome: profile.TooFew, Why: "more samples", P: 0.3, Samples: [2]float64{300, 330}, Smallest: 0.5},
		},
	}
}

// wellFormed reads a page as XML does, but for what HTML leaves open.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, is := token.(xml.StartElement); is {
			if e.Name.Local == "script" || e.Name.Local == "link" || e.Name.Local == "img" || e.Name.Local == "b" {
				t.Errorf("the page has a <%s>", e.Name.Local)
			}
		}
	}
}

func TestAPageNeedsNothingElseAndRunsNothing(t *testing.T) {
	var one, two bytes.Buffer
	if err := errors.Join(HTML(&one, report()), ComparisonHTML(&two, comparison())); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{one.String(), two.String()} {
		wellFormed(t, text)
		if strings.Contains(text, "http") && strings.Contains(text, "src=") || strings.Contains(text, "ZgotmplZ") {
			t.Error("the page asks for something")
		}
		for _, want := range []string{"prefers-color-scheme: dark", "default-src 'none'"} {
			if !strings.Contains(text, want) {
				t.Errorf("the page has no %q", want)
			}
		}
	}
}

func TestAFlameGraphIsAsWideAsItsParts(t *testing.T) {
	r := report()
	f := draw(r.Hotspots[0], r.Trees[0], mostFrames)
	if len(f.Frames) != 4 || f.Left != 1 || f.Height != 3*rowHeight {
		t.Fatalf("%+v", f)
	}
	want := []string{
		"0 0 1199.5 root api", "0 18 1199.4 own server.(*api).handle",
		`0 36 719.5 module x.F[go.shape.<script>alert("1")</script>]`, "720 36 359.5 runtime runtime.mallocgc",
	}
	for i, frame := range f.Frames {
		if got := fmt.Sprint(frame.X, frame.Y, frame.Width, " ", frame.Class, " ", frame.Text); got != want[i] {
			t.Errorf("frame is %q, want %q", got, want[i])
		}
	}
	if got := f.Frames[3].Title; got != "runtime.mallocgc\n300 µs per request, 30.0 %" {
		t.Errorf("its title is %q", got)
	}
	if got := fit("github.com/x/y.(*Table).Method", 60); got != "y.(*Tab…" {
		t.Errorf("a narrow frame says %q", got)
	}
	if got := fit("f.g", 10); got != "" {
		t.Errorf("a frame without room says %q", got)
	}
	if got := draw(r.Hotspots[0], &profile.Node{}, mostFrames); len(got.Frames) != 0 || got.Summary == "" {
		t.Errorf("nothing is drawn as %+v", got)
	}
}

func TestTextTellsTheSame(t *testing.T) {
	var one, two bytes.Buffer
	if err := errors.Join(Text(&one, report()), Comparison(&two, comparison())); err != nil {
		t.Fatal(err)
	}
	for text, wants := range map[string][]string{
		one.String(): {
			"windows 6, pods 2, during run normal-20261130-170000", "CPU OF THE API: 1.00 ms per request, of 12,345 requests; samples 1,234, pods 2, windows of pods 12",
			"1.40 ms of 6,172", "note: a note", "missing: mutex: it was not taken", "(none)",
		},
		two.String(): {
			"CPU per request: SAME, then 1.00 ms, now 1.01 ms, +1.0 % (95 % between -1.0 % and +3.0 %)",
			"1 functions cost more beside the others, 0 less, 0 the same; of 1 the samples are too few for 5.0 %, and of 200 for any answer.",
			"<b>f</b>", "MORE", "+10.0 %", "note: the builds differ",
		},
	} {
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("there is no %q in\n%s", want, text)
			}
		}
	}
}

func TestNamesInTextHaveNoTypes(t *testing.T) {
	for name, want := range map[string]string{"a/b.F[go.shape.[]int,x/y.Z].func1": "a/b.F[…].func1", "a.(*T).M": "a.(*T).M", "]x[": "]x["} {
		if got := plain(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestAmountsHaveThreeFigures(t *testing.T) {
	for want, got := range map[string]string{
		"1.23 ms": amount(1.234e6, "ns"), "0.500 ns": amount(0.5, "ns"), "12.3 kB": amount(12345, "B"), "123 MB": amount(123e6, "B"),
		"0 ns": amount(0, "ns"), "7.00": amount(7, ""), "-1.50 s": amount(-1.5e9, "ns"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
