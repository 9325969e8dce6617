package main

import (
	"strings"
	"testing"
)

const messages = `
{"config": {"scanner_name": "govulncheck"}}
{"osv": {"id": "GO-1", "summary": "a fault"}}
{"finding": {"osv": "GO-0", "trace": [{"module": "a.example/unused", "version": "v1.0.0"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.1.0", "trace": [{"module": "a.example/m", "version": "v1.0.0", "package": "a.example/m/p"}]}}
{"finding": {"osv": "GO-2", "trace": [{"module": "b.example/m", "version": "v2.0.0", "package": "b.example/m"}]}}
`

func TestWhatIsFoundIsKnownOrAFault(t *testing.T) {
	for _, c := range []struct{ known, want string }{
		{"# id, reason\nGO-1 m: its reason\nGO-2 m: another\n", "nothing but the 2 that are known\n"},
		{"GO-2 m: a reason\n", "GO-1: a.example/m v1.0.0, fixed in v1.1.0: https://pkg.go.dev/vuln/GO-1\n"},
		{"GO-1 m: a reason\nGO-2 m: a reason\nGO-3 m: it is gone\n", "GO-3 is in tools/vuln/known.txt and not found: take it out\n"},
		{"GO-1\nGO-2 m: a reason\n", "GO-1: a.example/m v1.0.0, fixed in v1.1.0: https://pkg.go.dev/vuln/GO-1\n"}, // no reason
	} {
		found := map[string]finding{}
		if err := collect(strings.NewReader(messages), found); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		err := judge(found, known(c.known), &said)
		if said.String() != c.want || (err == nil) != strings.HasPrefix(c.want, "nothing") {
			t.Errorf("with %q known: %q, error %v; want %q", c.known, said.String(), err, c.want)
		}
	}
}

func TestEveryKnownFaultHasAReason(t *testing.T) {
	for line := range strings.Lines(knownText) {
		id, reason, _ := strings.Cut(line, " ")
		if id != "#" && (!strings.HasPrefix(id, "GO-") || len(strings.Fields(reason)) < 3) {
			t.Errorf("%q: want an id, a module and a reason", line)
		}
	}
}
