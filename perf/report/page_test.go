package report

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/ragscale/ragscale/perf/profile"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// elements are those of a page, by name.
func elements(t *testing.T, page string) map[string][]*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]*html.Node{}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all[n.Data] = append(all[n.Data], n)
		}
	}
	return all
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var all strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			all.WriteString(d.Data)
		}
	}
	return all.String()
}

func TestThePageHasItsSectionsInOrder(t *testing.T) {
	run := planted{}.run(t)
	for _, a := range []Against{alone, against(t, run, 1)} {
		var got []string
		for _, h := range elements(t, written(t, New(run, a, nil), HTML))["h2"] {
			got = append(got, textOf(h))
		}
		if want := "Objectives, Diagnosis, Recommendations, Profile, Over time, Endpoints, Distribution, Comparison, Configuration, Not measured"; strings.Join(got, ", ") != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

func TestThePageNeedsNothingElseAndRunsNothing(t *testing.T) {
	run := planted{}.run(t)
	page := written(t, New(run, against(t, run, 1), told()), HTML)
	all := elements(t, page)
	for _, foreign := range []string{"script", "img", "link", "iframe", "object", "embed", "base", "form", "use", "image"} {
		if len(all[foreign]) > 0 {
			t.Errorf("the page has a <%s>, want none", foreign)
		}
	}
	if found := regexp.MustCompile(`(?i)https?://|url\(|@import|//[a-z]|src=|srcset|ping=`).FindString(page); found != "" {
		t.Errorf("the page refers to something by %q", found)
	}
	for _, a := range all["a"] {
		if !strings.HasPrefix(attribute(a, "href"), "#") {
			t.Errorf("a link leads to %q", attribute(a, "href"))
		}
	}
	if policy := attribute(all["meta"][1], "content"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("the policy is %q", policy)
	}
}

func TestChartsAndTablesAreNamedForWhoDoesNotSeeThem(t *testing.T) {
	run := planted{}.run(t)
	all := elements(t, written(t, New(run, against(t, run, 1), told()), HTML))
	charts := 0
	for _, svg := range all["svg"] {
		if attribute(svg, "aria-hidden") == "true" {
			continue
		}
		charts++
		if label := attribute(svg, "aria-label"); attribute(svg, "role") != "img" || !strings.Contains(label, " from ") {
			t.Errorf("a chart is named %q", label)
		}
	}
	if charts == 0 || len(all["rect"]) == 0 || len(all["title"]) < 10 {
		t.Errorf("%d charts with %d places for a pointer and %d titles", charts, len(all["rect"]), len(all["title"]))
	}
	for _, th := range all["th"] {
		if attribute(th, "scope") == "" {
			t.Errorf("header %q has no scope", textOf(th))
		}
	}
	ids := map[string]bool{}
	for _, nodes := range all {
		for _, n := range nodes {
			if id := attribute(n, "id"); id != "" && ids[id] {
				t.Errorf("id %q is there twice", id)
			} else {
				ids[id] = true
			}
		}
	}
}

func TestTheDistributionIsDrawnWithItsObjectivesAndTheOtherRuns(t *testing.T) {
	run := planted{}.run(t)
	d := New(run, against(t, run, 2), nil).Spread()
	var names []string
	for _, p := range d.Paths {
		names = append(names, p.Name)
		if !strings.HasPrefix(p.D, "M") || strings.Contains(p.D, "NaN") {
			t.Errorf("%s is drawn as %.40q", p.Name, p.D)
		}
	}
	if got := strings.Join(names, "; "); got != "response; complex search; response, normal-00; complex search, normal-00" {
		t.Errorf("lines %s", got)
	}
	if len(d.Marks) != 2 || d.Marks[1].Label != "Response time p95: 2,000 ms" {
		t.Errorf("limits %+v", d.Marks)
	}
}

func TestWhatTheStackToldIsDrawnOnTheTimeOfTheLoad(t *testing.T) {
	run := planted{}.run(t)
	run.BeganAt = run.BeganAt.Add(-30 * time.Second) // the stack's first value is half a minute into the load
	all := map[string]Drawing{}
	for _, d := range New(run, alone, told()).Drawings() {
		all[d.ID] = d
	}
	latency, replicas, routes := all["told-api-latency"], all["told-replicas"], all["told-api-routes"]
	if len(latency.Marks) != 1 || latency.Marks[0].Label != "Response time p95: 2,000 ms" {
		t.Errorf("limits %+v", latency.Marks)
	}
	if p := latency.Paths[0]; strings.Count(p.D, "M") != 2 || len(p.Dots) != 1 { // the value between the gaps stands alone
		t.Errorf("gaps: %s, %v", p.D, p.Dots)
	}
	if len(routes.Paths) != mostLines || !strings.HasSuffix(routes.Title, ", the 8 largest of 10") {
		t.Errorf("%s has %d lines", routes.Title, len(routes.Paths))
	}
	if first := replicas.Rows[0]; strings.Join(first, ", ") != "0:30, 2, 2" {
		t.Errorf("the first row is %v", first)
	}
	if s := replicas.Slots[5].Text; s != "3:00\napi wanted: 4\napi ready: 2" {
		t.Errorf("a pointer finds %q", s)
	}
	x := func(d Drawing) (all []float64) {
		for _, tick := range d.XTicks {
			all = append(all, tick.At)
		}
		return all
	}
	if !slices.Equal(x(latency), x(replicas)) || len(x(latency)) < 5 {
		t.Errorf("axes of time differ: %v and %v", x(latency), x(replicas))
	}
}

// The load of a database is a whole of its parts: each stands on the one before, and those without a line are one.
func TestPartsOfAWholeAreStacked(t *testing.T) {
	all := map[string]Drawing{}
	for _, d := range New(planted{}.run(t), alone, told()).Drawings() {
		all[d.ID] = d
	}
	d := all["told-database-load"]
	if len(d.Paths) != mostLines || d.Lines[7].Name != "other" || math.Abs(d.Lines[7].Points[2].Value-1.2) > 1e-9 { // 0.3, 0.2 and 0.1, twice
		t.Fatalf("%d lines, the last %+v", len(d.Paths), d.Lines[len(d.Lines)-1])
	}
	if at := d.Lines[0].Points[1].At; at != 90 || d.Note != "of each minute" {
		t.Errorf("the second minute is at %v s, noted %q", at, d.Note)
	}
	coordinates := regexp.MustCompile(`[ML]([\d.]+) ([\d.]+)`)
	below := -1.0 // how high the line below came in the third minute; less is higher
	for i, p := range d.Paths {
		if strings.Count(p.Area, "M") != 2 || strings.Count(p.Area, "Z") != 2 || strings.Contains(p.Area, "NaN") {
			t.Errorf("%s has the area %s, want two around the gap", p.Name, p.Area)
		}
		points := coordinates.FindAllStringSubmatch(p.Area, -1) // 4 minutes there, and 4 back
		edge, floor := points[2][2], points[5][2]
		if (i == 0 && floor != fmt.Sprint(d.Bottom)) || (i > 0 && floor != fmt.Sprint(below)) {
			t.Errorf("%s stands at %s, want %v", p.Name, floor, below)
		}
		if _, err := fmt.Sscan(edge, &below); err != nil || below < d.Top {
			t.Errorf("%s comes to %s", p.Name, edge)
		}
	}
	if s := d.Slots[2].Text; !strings.HasPrefix(s, "2:30\nCPU: 2\nIO:DataFileRead: 1.8\n") || !strings.HasSuffix(s, "\nother: 1.2\ntogether: 11") {
		t.Errorf("a pointer finds %q", s)
	}
	if edge := all["told-edge-hits"]; len(edge.Rows) != 10 || edge.Rows[1][0] != "1:30" || edge.Rows[1][1] != "50 %" {
		t.Errorf("the edge's rows are %v", edge.Rows)
	}
}

// Of dozens of charts those that tell most come first, the others as they were asked for.
func TestTheForemostChartsComeFirst(t *testing.T) {
	var got []string
	for _, c := range New(planted{}.run(t), alone, told()).Charts {
		if name, is := strings.CutPrefix(c.ID, "told-"); is {
			got = append(got, name)
		}
	}
	if want := "api-latency replicas database-load cache edge-hits api-routes"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	known, err := os.ReadFile("../telemetry/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range foremost {
		if !strings.Contains(string(known), "//\t"+name+" ") {
			t.Errorf("panel %s is one that no stack has", name)
		}
	}
}

// A chart as browsers get it.
func TestTheFigureOfAStackedChart(t *testing.T) {
	p := loaded()
	p.Series = []telemetry.Series{p.Series[0], p.Series[1]}
	stack := told()
	stack.Panels = []telemetry.Panel{p}
	for _, d := range New(planted{}.run(t), alone, stack).Drawings() {
		if d.ID == "told-database-load" {
			var b strings.Builder
			if err := page.ExecuteTemplate(&b, "figure", d); err != nil {
				t.Fatal(err)
			}
			golden(t, "database-load.html", strings.TrimSpace(b.String())+"\n")
		}
	}
}

// What lasts longer than a run is drawn within it.
func TestWhatIsBesideARunIsDrawnAtItsEdge(t *testing.T) {
	stack := told()
	stack.Panels = []telemetry.Panel{{Name: "x", From: noon.Add(-30 * time.Second), StepSeconds: 900, Series: []telemetry.Series{{Name: "y", Values: telemetry.Values{1, 2}}}}}
	charts := New(planted{}.run(t), alone, stack).Charts
	if p := charts[len(charts)-1].Lines[0].Points; p[0].At != 0 || p[1].At != 600 {
		t.Errorf("drawn at %+v", p)
	}
}

// Values of every size have an axis on which they are within the plot.
func TestAxesHoldTheirValues(t *testing.T) {
	for _, values := range [][]float64{{0}, {1e-6, 3e-6}, {0.2, 40000}, {5, 5}, {1e9, 3e9}, {1999.9}, {math.NaN()}, nil} {
		for _, unit := range []string{"ms", "/s"} {
			c := Chart{Unit: unit, Lines: []Line{{Name: "l"}}}
			for i, v := range values {
				c.Lines[0].Points = append(c.Lines[0].Points, Point{float64(i), v})
			}
			y, ticks := c.values()
			if len(ticks) < 2 || len(ticks) > 20 {
				t.Errorf("%v %s: labels %v", values, unit, ticks)
			}
			for _, v := range c.all() {
				if at := y.at(v); math.IsNaN(at) || at < top || at > height-bottom {
					t.Errorf("%v %s: %v is drawn at %v", values, unit, v, at)
				}
			}
		}
	}
}

func TestWhatUsersGotIsDrawnOverTheTimeOfTheLoad(t *testing.T) {
	all := map[string]Drawing{}
	for _, d := range New(planted{generators: 2, wrong: 60}.run(t), alone, nil).Drawings() {
		all[d.ID] = d
	}
	response := all["response"]
	if len(response.Rows) != 60 || len(response.Marks) != 1 || response.Marks[0].Label != "Response time p95: 2,000 ms" {
		t.Fatalf("%d slices, limits %+v", len(response.Rows), response.Marks)
	}
	for i, p := range response.Lines[1].Points { // p95
		if slow := p.Value > 1000; slow != (i/6 == 2) || p.At != float64(10*i+5) {
			t.Errorf("slice %d at %v s: p95 %v", i, p.At, p.Value)
		}
	}
	wrong := all["throughput"].Lines[1].Points
	if wrong[23].Value != 0 || wrong[24].Value != 2 || len(all["faults"].Marks) != 1 {
		t.Errorf("wrong answers a second: %v and %v, limits %+v", wrong[23], wrong[24], all["faults"].Marks)
	}
	if kinds := all["kinds"]; len(kinds.Paths) != 6 || len(all["complex"].Marks) != 1 {
		t.Errorf("%d kinds", len(kinds.Paths))
	}
}

func TestResultsWithoutSlicesSaySo(t *testing.T) {
	r := New(planted{old: true}.run(t), alone, nil)
	if len(r.Drawings()) != 0 || !strings.Contains(written(t, r, HTML), "the results have no slices of time") {
		t.Errorf("%d charts", len(r.Drawings()))
	}
}

func TestFiguresOfLongRunsAreEvenlyFew(t *testing.T) {
	c := Chart{Lines: []Line{{Name: "l"}}, Figures: 60}
	for i := range 150 {
		c.Lines[0].Points = append(c.Lines[0].Points, Point{float64(i), float64(i)})
	}
	d := c.draw(150)
	if len(d.Rows) != 50 || len(d.Slots) != 50 || d.Every != 3 || d.Rows[49][1] != "147" || strings.Count(d.Paths[0].D, "L") != 149 {
		t.Errorf("%d rows, %d slots, one of %d, %d points are drawn", len(d.Rows), len(d.Slots), d.Every, strings.Count(d.Paths[0].D, "L")+1)
	}
	if c.Figures = 0; len(c.draw(150).Rows) != 150 || c.draw(150).Every != 1 {
		t.Error("all figures are not all")
	}
}

// manyPanels are more series than any stack tells of three hours.
func manyPanels() *telemetry.Telemetry {
	stack := told()
	stack.StepSeconds = 600.0 / 179 // all of them within the run
	for i := range 55 {
		p := telemetry.Panel{Name: fmt.Sprint(i), Title: fmt.Sprint("Panel ", i)}
		for j := range mostLines {
			s := telemetry.Series{Name: fmt.Sprintf("/v1/documents/{id}/%d", j)}
			for k := range 180 {
				s.Values = append(s.Values, 12345.678*float64(k+1))
			}
			p.Series = append(p.Series, s)
		}
		stack.Panels = append(stack.Panels, p)
	}
	return stack
}

// A page of the most that there can be stays small, with profiles of very many calls.
func TestAPageOfALongRunIsSmall(t *testing.T) {
	run, stack := planted{}.run(t), manyPanels()
	e := Explanation{Profile: profiles()}
	for i := range e.Profile.Trees {
		root := &profile.Node{Name: "api"}
		for j := range 200 {
			n := &profile.Node{Name: fmt.Sprintf("github.com/ragscale/ragscale/ragapi/server.(*api).f%d%s", j, strings.Repeat("x", 60)), Value: 1e6 / float64(j+1)}
			root.Value, root.Below = root.Value+n.Value, append(root.Below, n)
			for k := range 40 {
				below := &profile.Node{Name: fmt.Sprintf("github.com/example/library/package/%d.(*Type).Function%d", j, k), Value: n.Value - float64(k)}
				n.Below, n = append(n.Below, below), below
			}
		}
		e.Profile.Trees[i], e.Profile.Hotspots[i].Kind = root, profile.CPU
	}
	r := New(run, against(t, run, 1), stack)
	r.Explain(e)
	size := len(written(t, r, HTML))
	t.Logf("%d charts of %d points, %d flame graphs: %d bytes", len(stack.Panels), 180*mostLines, len(r.Flames()), size)
	if size > 3e6 {
		t.Errorf("%d bytes, want 3 MB at most", size)
	}
}
