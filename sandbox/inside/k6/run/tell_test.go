package run

import (
	"net"
	"strings"
	"testing"
)

// freeAddress is one of loopback at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.86.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// asks has its own user ask the run for its status, and for its iterations until now.
const asks = `
import http from 'k6/http';
import { check } from 'k6';
export const options = { iterations: 2 };
export default function () {
  const status = http.get('http://' + __ENV.AT + '/v1/status');
  check(status, { 'it runs': (r) => r.json('data.attributes.running') && r.json('data.attributes.vus') === 1 });
  const done = http.get('http://' + __ENV.AT + '/v1/metrics/iterations');
  console.log(done.status === 404 ? 'none' : String(done.json('data.attributes.sample.count')));
}`

func TestARunTellsOfItselfWhereItIsAsked(t *testing.T) {
	at := freeAddress(t)
	got := runScript(t, "", asks, "--address", at, "--env", "AT="+at)
	if said := strings.Join(got.said(t), " "); got.code != Fine || said != "none 1" || got.metrics["checks"]["fails"] != 0.0 {
		t.Errorf("exit code %d, iterations before each of two: %q, checks %v\n%s", got.code, said, got.metrics["checks"], got.errs)
	}
}

func TestARunGoesOnWhereItCannotTellOfItself(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.86.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := runScript(t, "", `export default function () {}`, "--address", l.Addr().String())
	if got.code != Fine || got.count("iterations") != 1 || !strings.Contains(got.errs, "Error from API server") {
		t.Errorf("exit code %d, %d iterations\n%s", got.code, got.count("iterations"), got.errs)
	}
}
