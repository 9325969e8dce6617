package settings_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks/settings"
)

type server struct {
	Name    string         `json:"name" rule:"match=word"`
	Size    int            `json:"size" rule:"min=1 max=ours.Most"`
	Mode    string         `json:"mode" rule:"of=modes"`
	Ports   []int          `json:"ports" rule:"min=1 max=65535 maxItems=2"`
	Labels  map[string]int `json:"labels" rule:"keys=word min=0 max=9"`
	Hidden  string         `json:"-"`
	Created bool           `json:"created"`
}

var words = &settings.Vocabulary{
	Forms:  map[string]settings.Form{"word": settings.Pattern(`[a-z]+`, "small letters")},
	Limits: map[string]float64{"ours.Most": 10},
	Lists:  map[string][]string{"modes": {"fast", "slow"}},
}

func read(text string) (server, string) {
	s, f := server{Name: "default", Size: 5, Mode: "fast"}, &settings.Faults{}
	settings.Decoder{Faults: f, Words: words}.Top("at", text, reflect.ValueOf(&s).Elem(), settings.Rule{})
	if err := f.Err(); err != nil {
		return s, err.Error()
	}
	return s, ""
}

func TestWhatIsSaidReplacesDefaultsAndNothingElseDoes(t *testing.T) {
	got, fault := read(`{"size": 10, "ports": [1], "labels": {"a": 9}, "created": true}`)
	want := server{Name: "default", Size: 10, Mode: "fast", Ports: []int{1}, Labels: map[string]int{"a": 9}, Created: true}
	if diff := cmp.Diff(want, got); diff != "" || fault != "" {
		t.Errorf("%s %s", fault, diff)
	}
}

func TestEveryFaultIsToldAtOnceWithItsPath(t *testing.T) {
	_, got := read(`{"name": "A", "size": 11, "size": 0, "mode": "fasd", "ports": [1, 2, 70000], "labels": {"B": 1, "c": 10}, "sise": 1, "Hidden": "x"}`)
	want := `at.size is given twice, want one value`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_, got = read(`{"name": "A", "size": 11, "mode": "fasd", "ports": [1, 2, 70000], "labels": {"B": 1, "c": 10}, "sise": 1, "Hidden": "x"}`)
	want = `at.Hidden is no known key, want one of name, size, mode, ports, labels, created
at.labels.B is no key here, want small letters
at.labels.c is 10, want a whole number from 0 to 9
at.mode is "fasd" (did you mean fast?), want one of fast, slow
at.name is "A", want small letters
at.ports has 3 entries, want at most 2
at.ports[2] is 70000, want a whole number from 1 to 65535
at.sise is no known key (did you mean size?), want one of name, size, mode, ports, labels, created
at.size is 11, want a whole number from 1 to 10`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFaultLiesWithinItsBlock(t *testing.T) {
	f := &settings.Faults{}
	f.Add("ragscale:api.port", "is 1", "2")
	if !f.Within("ragscale:api") || !f.Within("ragscale:api.port") || f.Within("ragscale:ap") || f.Copy().Within("ragscale:cache") {
		t.Error("a fault of api.port lies in api and api.port alone")
	}
}
