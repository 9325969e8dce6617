package main_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const headroom = "Deployment rag-prod-headroom"

func TestOnlyThePauseImageIsExcusedFromServing(t *testing.T) {
	s := declare(t, "prod")
	s.set(headroom, apiContainer+"image", "registry.k8s.io/pause-and-serve:3.10")
	want := []string{"container-probes", "rollout-keeps-capacity"}
	if diff := cmp.Diff(want, s.stopped()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAContainerBesidePauseIsNotExcused(t *testing.T) {
	s := declare(t, "prod")
	beside := map[string]any{"name": "pause", "image": "registry.k8s.io/pause:3.10"}
	s.set(apiDeployment, "spec.template.spec.initContainers", []any{beside})
	s.set(apiDeployment, apiContainer+"readinessProbe", nil)
	if !slices.Contains(s.stopped(), "container-probes") {
		t.Errorf("stopped by %v", s.stopped())
	}
}

func TestAnInstanceThatReplicatesNothingIsNotExcusedAsAReplica(t *testing.T) {
	s := declare(t, "prod")
	s.set("rds/instance:Instance rag-prod-replica-1", "replicateSourceDb", nil)
	want := []string{"data-protected", "rds-backup", "rds-kept", "rds-multi-az", "rds-private", "rds-replicas"}
	if diff := cmp.Diff(want, s.stopped()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheKeyOfTopicsIsProtectedWhenDataUseItToo(t *testing.T) {
	s := declare(t, "prod")
	key, data := s.resource("kms/key:Key rag-prod-alarms"), s.resource("secretsmanager/secret:Secret rag-prod")
	data.Sources = maps.Clone(data.Sources)
	data.Sources["kmsKeyId"] = []string{key.URN}
	if want := []string{"data-protected"}; !slices.Equal(s.stopped(), want) {
		t.Errorf("stopped by %v, want %v", s.stopped(), want)
	}
}

func TestAlertsCountAsWatches(t *testing.T) {
	s := declare(t, "prod")
	s.drop("RuleGroupNamespace rag-prod-scaling")
	if want := []string{"objectives-watched"}; !slices.Equal(s.stopped(), want) {
		t.Errorf("stopped by %v, want %v", s.stopped(), want)
	}
}
