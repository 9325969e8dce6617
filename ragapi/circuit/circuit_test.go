package circuit_test

import (
	"testing"
	"time"

	"github.com/ragscale/ragscale/ragapi/circuit"
)

func TestItOpensAfterFailuresInARow(t *testing.T) {
	b := circuit.Breaker{Failures: 2, Pause: time.Hour}
	for _, ok := range []bool{false, true, false} {
		b.Done(ok)
	}
	if !b.Allow() || b.Open() {
		t.Error("open after single failures")
	}
	b.Done(false)
	if b.Allow() || !b.Open() {
		t.Error("closed after two failures in a row")
	}
}

func TestAfterThePauseOneMayTry(t *testing.T) {
	b := circuit.Breaker{Failures: 1, Pause: 300 * time.Millisecond}
	b.Done(false)
	for !b.Allow() {
		time.Sleep(time.Millisecond)
	}
	if b.Allow() {
		t.Error("a second one may try at the same time")
	}
	b.Done(true)
	if !b.Allow() || b.Open() {
		t.Error("still open after a success")
	}
}
