package k6_test

import (
	"slices"
	"testing"

	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/components/loadtest/standin"
)

// generator runs the scripts and ends the test where they do not run at all.
type generator struct {
	*standin.Generator
	t *testing.T
}

type user struct {
	*standin.User
	t *testing.T
}

func newGenerator(t *testing.T, url string, s k6.Scenario) *generator {
	t.Helper()
	g, err := standin.New(t.Context(), url, s)
	if err != nil {
		t.Fatal(err)
	}
	return &generator{g, t}
}

func (g *generator) mustUser(id int) *user {
	g.t.Helper()
	u, err := g.User(id)
	if err != nil {
		g.t.Fatal(err)
	}
	return &user{u, g.t}
}

// act runs n iterations of the user.
func (u *user) act(n int, data any) {
	u.t.Helper()
	if err := u.Act(n, data); err != nil {
		u.t.Fatal(err)
	}
}

// prepare runs setup and returns what it hands to the users.
func (g *generator) prepare() any {
	g.t.Helper()
	data, err := g.mustUser(0).Call("setup")
	if err != nil {
		g.t.Fatal(err)
	}
	return data
}

// wantNoFault reports every check that failed.
func (g *generator) wantNoFault() {
	g.t.Helper()
	for _, name := range g.Failed() {
		g.t.Errorf("%s failed", name)
	}
	if faults := g.Values("faults"); len(faults) == 0 || slices.Contains(faults, 1) {
		g.t.Errorf("faults: %v, want zeros", faults)
	}
}
