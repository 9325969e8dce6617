package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks"
)

func TestPlanPoolsShowsTheArithmetic(t *testing.T) {
	out, errs, code := ragscale(t, "plan", "pools", "--stack", "prod")
	want := "primary    96 pooled + 32 worker + 8 migrations + 15 reserve = 151; max_connections 151\n"
	if code != 0 || !strings.Contains(out, want) {
		t.Errorf("exit code %d, %s, output\n%s\nwant in it\n%s", code, errs, out, want)
	}
}

func TestPlanPoolsAsJSONIsThePoolChain(t *testing.T) {
	out, errs, code := ragscale(t, "plan", "pools", "--stack", "prod", "--json")
	if code != 0 {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	var got stacks.PoolChain
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	values, err := stacks.ReadFile("Pulumi.prod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := stacks.Parse("prod", values)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cfg.Pools(), got); diff != "" {
		t.Error(diff)
	}
}

func TestPlanPoolsOfAFaultyStackNamesTheKey(t *testing.T) {
	_, errs, code := ragscale(t, "plan", "pools", "--stack", "staging")
	if code != exitFailed || !strings.Contains(errs, `stack is "staging", want one of: dev, local, prod`) {
		t.Errorf("exit code %d, message %q", code, errs)
	}
}
