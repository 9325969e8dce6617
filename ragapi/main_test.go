package main

import (
	"bytes"
	"strings"
	"testing"
)

// runWith runs a command that needs no database.
func runWith(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	code = run(t.Context(), args, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, &out, &log)
	return code, out.String(), log.String()
}

func TestAnUnknownCommandShowsTheKnownOnes(t *testing.T) {
	for _, args := range [][]string{nil, {"fly"}, {"serve", "now"}} {
		if code, _, stderr := runWith(t, nil, args...); code != exitUsage || !strings.Contains(stderr, "Commands:") {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
}

func TestVersionNeedsNoEnvironment(t *testing.T) {
	if code, stdout, _ := runWith(t, nil, "version"); code != exitFine || !strings.HasPrefix(stdout, "dev ") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
}

func TestAnInvalidEnvironmentStartsNothing(t *testing.T) {
	code, _, stderr := runWith(t, map[string]string{"DATABASE_PORT": "x"}, "serve")
	if code != exitUsage || !strings.Contains(stderr, "DATABASE_HOST is not set") || !strings.Contains(stderr, `DATABASE_PORT is "x"`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	env := map[string]string{"DATABASE_HOST": "localhost", "DATABASE_NAME": "x", "DATABASE_USER": "x", "DATABASE_PASSWORD": "x", "DATABASE_SSLMODE": "disable", "ADMIN_ADDR": busyPort(t)}
	code, _, stderr := runWith(t, env, "serve")
	if code != exitFailed || !strings.Contains(stderr, "ADMIN_ADDR "+env["ADMIN_ADDR"]) || !strings.Contains(stderr, "address already in use") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
