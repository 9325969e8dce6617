package main_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNoStackOfTheProjectIsStopped(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		s := declare(t, stack)
		for _, name := range s.stopped() {
			t.Errorf("%s: %s", stack, name)
		}
	}
}

func TestProductionIsNotEvenAdvised(t *testing.T) {
	if names := declare(t, "prod").advised(); len(names) > 0 {
		t.Errorf("prod: %v", names)
	}
}

func TestDevelopmentIsAdvisedWhereItDiffers(t *testing.T) {
	want := []string{"cluster-endpoint", "nat-per-zone", "node-type", "public-api-over-tls", "rds-class", "rds-multi-az"}
	if diff := cmp.Diff(want, declare(t, "dev").advised()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
