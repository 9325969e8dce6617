package loadscripts

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/ragapi/embedding"
)

// topicsOf are the topics that setup hands over.
func topicsOf(prepared any) []map[string]any {
	var all []map[string]any
	for _, topic := range prepared.(map[string]any)["topics"].([]any) {
		all = append(all, topic.(map[string]any))
	}
	return all
}

// Each word of a topic is in its documents alone, and each mark in one of them: what is relevant is known by construction.
func TestTopicsHaveWordsOfTheirOwn(t *testing.T) {
	a, url := newAPI(t)
	topics := topicsOf(newGenerator(t, url, smoke()).prepare())
	if len(topics) != 8 {
		t.Fatalf("%d topics, want 8", len(topics))
	}
	holders := func(word any) (ids []any) {
		for _, d := range a.documents {
			if strings.Contains(d.text, word.(string)) {
				ids = append(ids, d.ID)
			}
		}
		return ids
	}
	for _, topic := range topics {
		documents := topic["documents"].([]any)
		for _, word := range topic["words"].([]any) {
			if diff := cmp.Diff(documents, holders(word)); diff != "" || len(documents) != 5 {
				t.Errorf("%v is in (-want +got):\n%s", word, diff)
			}
		}
		for i, mark := range topic["marks"].([]any) {
			if diff := cmp.Diff(documents[i:i+1], holders(mark)); diff != "" {
				t.Errorf("%v is in (-want +got):\n%s", mark, diff)
			}
		}
	}
	for _, d := range a.documents {
		if about := strings.Contains(d.text, "is about "); d.Bytes > 4000 || about && d.Bytes > 1000 {
			t.Errorf("a document has %d bytes, want some 3 kB; of a topic one chunk, 1,000", d.Bytes)
		}
	}
}

func TestInventedWordsAreTheSameForTheSameName(t *testing.T) {
	_, url := newAPI(t)
	u := newGenerator(t, url, smoke()).mustUser(1)
	seen := map[string]bool{}
	for i := range 2000 {
		name := fmt.Sprintf("lt%dg0 topic %d word %d", i/40, i/4%10, i%4)
		word := u.mustCall("callIn", "topics.js", "invented", name).(string)
		if again := u.mustCall("callIn", "topics.js", "invented", name); again != word || len(word) != 11 || seen[word] {
			t.Fatalf("%s is %q, then %q; seen before: %v", name, word, again, seen[word])
		}
		seen[word] = true
	}
	if word := u.mustCall("callIn", "topics.js", "invented", "lt0g0 topic 0 word 0"); word != "kusijedodiz" {
		t.Errorf("a word is %q, want that of all runs before", word)
	}
}

// Each kind of question has its own relevant documents, and a hit that is none of them does not count.
func TestQuestionsKnowWhatIsRelevant(t *testing.T) {
	a, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	u, prepared := g.mustUser(1), g.prepare()
	questions := map[string]map[string]any{}
	for i := range 60 {
		for _, mode := range []string{"simple", "complex"} {
			q := u.evaluate("scripts['topics.js'].question(%s, %q, (() => { let n = %d; return () => (n = (n * 16807) %% 2147483647) / 2147483647; })())",
				asJSON(t, prepared.(map[string]any)["topics"]), mode, 1000*i+7).(map[string]any)
			questions[mode+" "+q["q"].(string)] = q
		}
	}
	kinds := map[string]int{}
	for name, q := range questions {
		mode, text, _ := strings.Cut(name, " ")
		var found []any
		for _, d := range a.documents {
			if matches(d, text, mode) {
				found = append(found, d.ID)
			}
		}
		relevant := slices.Clone(q["relevant"].([]any))
		slices.SortFunc(relevant, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		if diff := cmp.Diff(relevant, found); diff != "" {
			t.Errorf("%s (-relevant +found by its words):\n%s", name, diff)
		}
		kinds[fmt.Sprint(mode, len(relevant), q["excluded"] != "")]++
	}
	if diff := cmp.Diff([]string{"complex3 false", "simple4 true", "simple5 false"}, sortedKeys(kinds)); diff != "" || len(questions) < 80 {
		t.Errorf("%d questions of kinds %v", len(questions), kinds)
	}
}

// The built-in embedding finds a topic's documents by their misspelt words, and no others; words find none.
func TestMisspeltWordsAreFoundByVectorsAlone(t *testing.T) {
	a, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	u, prepared := g.mustUser(1), g.prepare()
	const farthest = 0.75 // cosine distance, of ragapi/vector
	missed := 0
	for i := range 40 {
		both := u.evaluate("scripts['topics.js'].misspelt(%s, () => %v)", asJSON(t, prepared.(map[string]any)["topics"]), (float64(i)+0.5)/40).([]any)
		q := both[i%2].(string)
		texts := []string{q}
		for _, d := range a.documents {
			if matches(d, q, "complex") {
				t.Errorf("%s is found by words, in %s", q, d.Title)
			}
			texts = append(texts, d.text[:min(len(d.text), 1000)])
		}
		vectors, err := embedding.Hashing{}.Embed(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		near, ofTopic := 0, 0
		for j, v := range vectors[1:] {
			if distance(vectors[0], v) <= farthest {
				near++
				if resembles(a.documents[j], q) {
					ofTopic++
				}
			}
		}
		missed += 5 - ofTopic
		if near-ofTopic > 1 {
			t.Errorf("%s: near are %d documents, of which %d are of the topic", q, near, ofTopic)
		}
	}
	if missed > 10 { // one topic of eight
		t.Errorf("of 40 questions for five documents each vectors miss %d", missed)
	}
}

func distance(a, b []float32) float64 {
	product := 0.0
	for i := range a {
		product += float64(a[i]) * float64(b[i])
	}
	return 1 - product
}

// A cache that shows an answer for ten seconds, as the contract allows, costs quality nothing, and measuring costs the load little.
func TestMeasuringIsATwentiethOfTheRequests(t *testing.T) {
	a, url := newAPI(t)
	s := smoke()
	s.DurationSeconds = 36000
	g := newGenerator(t, url, s)
	prepared := g.prepare()
	a.keeps, a.now = 10*time.Second, func() time.Time { return g.now }
	before := len(g.requests())
	for id := range 3 {
		g.mustUser(id+1).act(1000, prepared)
	}
	g.wantNoFault()
	all := len(g.requests()) - before
	asked := 0
	for _, tags := range g.requests() {
		if tags["kind"] == "freshness" {
			asked++
			if tags["objective"] != "" {
				t.Fatalf("a question for freshness counts for %s", tags["objective"])
			}
		}
	}
	recall, freshness := g.values("recall"), g.values("freshness_seconds")
	complexes := float64(len(g.values("without_vectors")))
	// A complex one wants three documents, and is followed by one for vectors; others want four or five.
	searches := 2*complexes + (float64(len(recall))-3*complexes)/4
	t.Logf("of %d requests %d ask for freshness, %.0f for recall", all, asked, searches)
	if share := (float64(asked) + searches) / float64(all); share > 0.05 || share < 0.02 {
		t.Errorf("measuring has %.1f %% of %d requests, want 2 to 5 %%", 100*share, all)
	}
	if slices.Contains(recall, 0) || len(recall) < 60 || slices.Contains(g.values("degraded"), 1) || slices.Contains(g.values("without_vectors"), 1) {
		t.Errorf("recall %v, degraded %v, without vectors %v", recall, g.values("degraded"), g.values("without_vectors"))
	}
	if len(freshness) < 10 || slices.Max(freshness) > 15 || slices.Max(freshness) < 10 {
		t.Errorf("freshness %v, want some ten seconds", freshness)
	}
}

func TestAFreshAnswerIsWaitedForNoLongerThanItsObjective(t *testing.T) {
	a, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	prepared := g.prepare()
	a.keeps = time.Hour
	g.mustUser(1).act(6, prepared)
	g.wantNoFault()
	if got := g.values("freshness_seconds"); len(got) != 1 || got[0] < 30 || got[0] > 35 || countFreshness(g) > 15 {
		t.Errorf("freshness %v s after %d questions, want the objective's 30 and a few", got, countFreshness(g))
	}
}

func countFreshness(g *generator) (n int) {
	for _, tags := range g.requests() {
		if tags["kind"] == "freshness" {
			n++
		}
	}
	return n
}

// What cannot be told before the run ends is not begun.
func TestFreshnessIsNotMeasuredAtTheVeryEnd(t *testing.T) {
	_, url := newAPI(t)
	s := smoke()
	s.GracefulSeconds = 5
	g := newGenerator(t, url, s)
	g.mustUser(1).act(6, g.prepare())
	if n := countFreshness(g); n != 0 || len(g.values("freshness_seconds")) != 0 || len(g.values("upload_seconds_per_mb")) != 1 {
		t.Errorf("%d questions in a run of 15 s, whose objective is 30 s", n)
	}
}

// A generator whose share of documents has no room for a topic loads alone; the first always measures.
func TestOfManyGeneratorsTheFirstMeasures(t *testing.T) {
	for index, want := range map[string]int{"0": 1, "1": 0} {
		a, url := newAPI(t)
		s := smoke()
		s.Users, s.Generators = 50, 50
		g := newGenerator(t, url, s)
		g.Env["JOB_COMPLETION_INDEX"] = index
		prepared := g.prepare()
		if n := len(topicsOf(prepared)); n != want || len(a.documents) > 6 {
			t.Errorf("generator %s has %d topics and %d documents, want %d topics", index, n, len(a.documents), want)
		}
		g.mustUser(1).act(6, prepared)
		g.wantNoFault()
		if n := len(g.values("recall")); (n > 0) != (want > 0) {
			t.Errorf("generator %s measures %d times", index, n)
		}
	}
}

// planted is what may be wrong with an API, and which metrics a run then misses; every other is kept.
var planted = map[string]struct {
	plant  func(a *api)
	missed []string
}{
	"healthy, with a cache": {func(a *api) { a.keeps = 300 * time.Millisecond }, nil},
	"vector store off":      {func(a *api) { a.vectorOff = true }, []string{"degraded", "without_vectors"}},
	"text-only fallback":    {func(a *api) { a.textOnly = true }, []string{"recall", "without_vectors"}},
	"stale cache":           {func(a *api) { a.keeps = time.Hour }, []string{"freshness_seconds"}},
}

// Nothing else than the answers' quality is worse in these, and no faster answer hides it.
func TestWorseAnswersAreFlagged(t *testing.T) {
	for name, p := range planted {
		for program, runner := range runners(t) {
			t.Run(name+" "+program, func(t *testing.T) {
				t.Parallel()
				a, url := newAPI(t)
				a.quick = true
				p.plant(a)
				run := judged(t, startK6(t, runner, url, quality()))
				var missed []string
				for _, v := range run.Verdicts {
					if v.Outcome == load.Missed {
						missed = append(missed, v.Metric)
					} else if v.Outcome != load.Kept {
						t.Errorf("%+v", v)
					}
				}
				if diff := cmp.Diff(p.missed, missed); diff != "" || len(run.Verdicts) < 7 {
					t.Errorf("of %d verdicts are missed (-want +got):\n%s", len(run.Verdicts), diff)
				}
				healthy := len(p.missed) == 0
				if run.Passed != healthy || run.Missed() == healthy {
					t.Errorf("passed %v, missed %v", run.Passed, run.Missed())
				}
			})
		}
	}
}

// quality is a run that is short enough to test with, and says of each answer what it is.
func quality() k6.Scenario {
	s := brief(6)
	s.AnswersOnly, s.GracefulSeconds = true, 20
	s.Thresholds.FreshnessSeconds = 6
	return s
}

// judged is what perf/load makes of what a run left.
func judged(t *testing.T, r ended) *load.Run {
	t.Helper()
	result, err := load.Parse("summary.json", r.text)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.out)
	}
	run, err := load.Merge("smoke-1", []load.Result{result})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func sortedKeys(of map[string]int) []string { return slices.Sorted(maps.Keys(of)) }
