package dbreport_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/ragscale/ragscale/perf/dbreport"
)

// findings of every severity, with what an answer may consist of.
func findings() []dbreport.Finding {
	return []dbreport.Finding{
		{Check: "replicas", Severity: dbreport.Critical, Subject: "rag", Fact: "0 of 1 replicas stream", Answer: "read the replica's log", SQL: "SELECT 1;", Stack: "ragscale:database.replicas"},
		{Check: "slow statement", Severity: dbreport.Warning, Subject: "SELECT a < b", Fact: "takes 600 ms on average",
			Evidence: []dbreport.Figure{{Name: "mean", Value: 600, Unit: "ms"}}, Answer: "read its plan", SQL: `SELECT '<script>alert("x")</script>' WHERE a < b AND c > d;`},
		{Check: "unused index", Severity: dbreport.Info, Subject: "chunks_old", Fact: "no scan of it", Answer: "look again"},
	}
}

// written parses the page of a report: every element's name, and the text a reader sees.
func written(t *testing.T, r dbreport.Report) (elements map[string]int, text string, blocks []string) {
	t.Helper()
	var page strings.Builder
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(page.String()))
	if err != nil {
		t.Fatal(err)
	}
	elements = map[string]int{}
	var seen strings.Builder
	for n := range root.Descendants() {
		switch {
		case n.Type == html.ElementNode:
			elements[n.Data]++
			if n.Data == "pre" {
				blocks = append(blocks, n.FirstChild.FirstChild.Data)
			}
		case n.Type == html.TextNode && n.Parent.Data != "style":
			seen.WriteString(n.Data)
		}
	}
	return elements, seen.String(), blocks
}

func TestThePageHasEveryFindingWithWhatAnswersIt(t *testing.T) {
	_, text, blocks := written(t, dbreport.Report{Server: dbreport.Server{Database: "rag", Version: "17.12"}, Findings: findings()})
	after := 0
	for _, f := range findings() {
		at := strings.Index(text, f.Check+": "+f.Subject)
		if at < after || !strings.Contains(text, f.Fact) || !strings.Contains(text, f.Answer) {
			t.Errorf("finding %q is not there whole and in order", f.Check)
		}
		after = at
		for _, block := range []string{f.SQL, f.Stack} {
			if block != "" && !slices.Contains(blocks, block) {
				t.Errorf("%s is not among the blocks to copy: %q", block, blocks)
			}
		}
	}
	for _, want := range []string{"Something has to be done now.", "1 critical, 1 warning, 1 info", "600 ms"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestThePageNeedsNothingElseAndRunsNothing(t *testing.T) {
	var page strings.Builder
	report := dbreport.Report{Server: dbreport.Server{Database: `"><script>`}, Findings: findings(), Frequent: []dbreport.Statement{{Query: "<img src=x>", Calls: 1}}}
	if err := report.HTML(&page); err != nil {
		t.Fatal(err)
	}
	elements, _, _ := written(t, report)
	for _, foreign := range []string{"script", "img", "link", "iframe"} {
		if elements[foreign] > 0 {
			t.Errorf("the page has %d <%s>, want none", elements[foreign], foreign)
		}
	}
	for _, reference := range []string{"http://", "https://", "url(", "@import"} {
		if strings.Contains(page.String(), reference) {
			t.Errorf("the page refers to something by %q", reference)
		}
	}
}

func TestThePageOfAnEmptyReportSaysSo(t *testing.T) {
	elements, text, _ := written(t, dbreport.Report{Server: dbreport.Server{Database: "rag", Version: "17.12", At: time.Date(2026, 11, 24, 5, 50, 0, 0, time.UTC)}})
	for _, want := range []string{"Database rag", "PostgreSQL 17.12", "24 November 2026, 05:50 UTC", "Nothing was found.", "No finding", "None is known.", "No replica", "No table is partitioned by day."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
	if elements["table"] > 0 {
		t.Errorf("%d tables without a row, want none", elements["table"])
	}
}

func TestThePageListsWhatTheDatabaseLooksLike(t *testing.T) {
	lag, day := 0.25, time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	_, text, _ := written(t, dbreport.Report{
		Slowest:      []dbreport.Statement{{Query: "SELECT slow", Calls: 7, MeanMillis: 12.5}},
		Frequent:     []dbreport.Statement{{Query: "SELECT often", Calls: 70000}},
		Indexes:      []dbreport.Index{{Name: "chunks_body", Table: "chunks", Bytes: 3 << 20, Scans: 41}},
		Tables:       []dbreport.Table{{Name: "chunks", Bytes: 5 << 20, Live: 300, Dead: 100, DeadPercent: 25}},
		Cache:        dbreport.Cache{HitBlocks: 990, ReadBlocks: 10, HitPercent: 99, SharedBuffersBytes: 1 << 30},
		Transactions: []dbreport.Transaction{{PID: 4711, State: "idle in transaction", AgeSeconds: 90, Query: "SELECT held"}},
		Replicas:     []dbreport.Replica{{Name: "rag-replica-1", State: "streaming", LagSeconds: &lag, Bytes: 2048}},
		Partitions:   []dbreport.PartitionedTable{{Name: "query_log", Partitions: 33, Oldest: &day, Newest: &day}},
	})
	for _, want := range []string{
		"SELECT slow", "12.5 ms", "SELECT often", "70000", "chunks_body", "3 MiB", "25.0 %", "never", "99.0 %", "1 GiB", "4711", "1m30s", "SELECT held",
		"rag-replica-1", "250ms", "2 KiB", "query_log", "33", "2026-11-24",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
