package components_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
)

// wantFault runs a program that must end with exactly this fault, and register nothing.
func wantFault(t *testing.T, program func(*pulumi.Context) error, want string) {
	t.Helper()
	g, err := graph.Try("dev", false, program)
	if err == nil {
		t.Fatalf("no error, want %s", want)
	}
	component, _, _ := strings.Cut(want, ".")
	var got []string
	for line := range strings.Lines(err.Error()) {
		if at := strings.Index(line, component+"."); at >= 0 {
			got = append(got, strings.TrimSpace(line[at:]))
		}
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("faults:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
	}
	for _, r := range g.Resources {
		if strings.HasPrefix(r.Type, "aws:") {
			t.Errorf("%s is registered, want nothing", r.Path)
		}
	}
}
