package components_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
)

// wantFault runs a program that must end with exactly this report, one fault a line, and register nothing.
func wantFault(t *testing.T, program func(*pulumi.Context) error, want string) {
	t.Helper()
	if diff := cmp.Diff(want, faultOf(t, program)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// wantFaultsOf runs a program that must end with a fault of each of the fields among others, and register nothing.
func wantFaultsOf(t *testing.T, program func(*pulumi.Context) error, component string, fields ...string) {
	t.Helper()
	report := faultOf(t, program)
	for _, field := range fields {
		if !strings.Contains(report, component+"."+field+" is ") {
			t.Errorf("%s is not among the faults:\n%s", field, report)
		}
	}
}

// wantNames makes a component of names that are none; each must be the only fault.
func wantNames(t *testing.T, component string, longest int, declare func(ctx *pulumi.Context, name string) error) {
	t.Helper()
	for _, name := range []string{"Main", "a--b", "1main", "main-", strings.Repeat("a", longest+1), ""} {
		wantFault(t, func(ctx *pulumi.Context) error { return declare(ctx, name) },
			fmt.Sprintf("%s.name is %q, want at most %d lower-case letters, digits and single hyphens, a letter first", component, name, longest))
	}
}

// wantPasswordsRefused runs a program with each password; none may be taken, nor be in the error.
func wantPasswordsRefused(t *testing.T, declare func(pulumi.String) func(*pulumi.Context) error, passwords ...string) {
	t.Helper()
	for _, password := range passwords {
		_, err := graph.Try("dev", false, declare(pulumi.String(password)))
		if err == nil {
			t.Errorf("%q is taken, want it refused", password)
		} else if strings.Contains(err.Error(), password) {
			t.Errorf("the error quotes the password: %v", err)
		}
	}
}

// faultOf is the program's own error, without the engine's words around it.
func faultOf(t *testing.T, program func(*pulumi.Context) error) string {
	t.Helper()
	var fault error
	g, err := graph.Try("dev", false, func(ctx *pulumi.Context) error {
		fault = program(ctx)
		return fault
	})
	if err == nil || fault == nil {
		t.Fatalf("the program ends with %v, the engine with %v, want faults", fault, err)
	}
	for _, r := range g.Resources {
		if !strings.HasPrefix(r.Type, "pulumi:") {
			t.Errorf("%s is registered, want nothing", r.Path)
		}
	}
	return fault.Error()
}
