package main_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/policies/rules"
)

func TestNoStackOfTheProjectIsStopped(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		s := declare(t, stack)
		for _, name := range s.stopped() {
			rule, _ := rules.Named(name)
			for _, f := range s.findings(rule) {
				t.Errorf("%s: %s: %s: %s", stack, name, f.URN, f)
			}
		}
	}
}

func TestProductionIsNotEvenAdvised(t *testing.T) {
	if names := declare(t, "prod").advised(); len(names) > 0 {
		t.Errorf("prod: %v", names)
	}
}

func TestDevelopmentIsAdvisedWhereItDiffers(t *testing.T) {
	want := []string{"cache-failover", "cluster-endpoint", "nat-per-zone", "node-type", "public-api-over-tls", "rds-class", "rds-multi-az"}
	if diff := cmp.Diff(want, declare(t, "dev").advised()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
