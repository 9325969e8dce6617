package admission_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ragscale/ragscale/ragapi/admission"
)

func TestLowPriorityIsShedFirst(t *testing.T) {
	gate := admission.NewGate(4)
	let := func(p admission.Priority) bool {
		_, err := gate.Enter(p)
		var over *admission.Overloaded
		if err != nil && (!errors.As(err, &over) || over.Reason != admission.Requests || over.Priority != p) {
			t.Errorf("%v: error %v", p, err)
		}
		return err == nil
	}
	for i, step := range []struct {
		p    admission.Priority
		want bool
	}{
		{admission.Low, true}, {admission.Low, true}, {admission.Low, false}, {admission.Normal, true}, {admission.Low, false},
		{admission.Normal, true}, {admission.Normal, false},
	} {
		if got := let(step.p); got != step.want {
			t.Errorf("step %d, %v: let in %v, want %v", i, step.p, got, step.want)
		}
	}
}

func TestWhoLeavesMakesRoom(t *testing.T) {
	gate := admission.NewGate(1)
	for range 3 {
		leave, err := gate.Enter(admission.Normal)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gate.Enter(admission.Normal); err == nil {
			t.Error("two are in, want one")
		}
		leave()
	}
}

func TestThePriorityIsTheContexts(t *testing.T) {
	if p := admission.Of(context.Background()); p != admission.Normal {
		t.Errorf("without one it is %v", p)
	}
	if p := admission.Of(admission.With(context.Background(), admission.Low)); p != admission.Low {
		t.Errorf("it is %v, want low", p)
	}
}
