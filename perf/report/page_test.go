package report

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
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
		for _, h := range elements(t, written(t, New(run, a), HTML))["h2"] {
			got = append(got, textOf(h))
		}
		if want := "Objectives, Over time, Endpoints, Distribution, Comparison, Configuration, Not measured"; strings.Join(got, ", ") != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

func TestThePageNeedsNothingElseAndRunsNothing(t *testing.T) {
	run := planted{}.run(t)
	page := written(t, New(run, against(t, run, 1)), HTML)
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
	all := elements(t, written(t, New(run, against(t, run, 1)), HTML))
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
	d := New(run, against(t, run, 2)).Spread()
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
