package stacks_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks"
)

func TestPoolChainOfProductionIsReviewed(t *testing.T) {
	want := strings.TrimPrefix(`
demand     1000 requests/s × 100 ms with a connection = 100 in use (Little's law): 20 write, 80 read
API        a pool of max(4, ⌈in use × 2 / 20 pods⌉): 4 write, 8 read
           25 pods in a rolling update × (4 + 8) = 300 connections to PgBouncer
PgBouncer  max_client_conn 300 + 10 for metrics and people = 310: any one pod may have to take them all
  write    20 in use / 3 pods at least = 6.7 each; pool_size max(2, ⌈6.7 + 2√6.7⌉) = 12; × 8 pods in a rolling update = 96
  read     80 in use / 3 pods at least = 26.7 each; pool_size max(2, ⌈26.7 + 2√26.7⌉) = 37; × 8 pods in a rolling update = 296
primary    96 pooled + 32 worker + 8 migrations + 15 reserve = 151; max_connections 151
replica    296 pooled (each of 1, one of 2 lost) + 15 reserve = 311; max_connections 311`, "\n")
	if diff := cmp.Diff(want, strings.Join(mustParse(t, "prod", nil).Pools().Lines(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestDemandFollowsLittlesLaw(t *testing.T) {
	d := mustParse(t, "prod", nil).Pools().Demand // 1000 requests/s × a twentieth of 2 s
	if d.Busy != 100 || d.Read != 80 || d.Write != 20 {
		t.Errorf("%+v", d)
	}
}

func TestFewestPgBouncerPodsCarryTheDemandWithRoomForBursts(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		p := mustParse(t, stack, nil).Pools()
		if got := float64(p.PgBouncer.MinPods * p.PgBouncer.Write); got < p.Demand.Write {
			t.Errorf("%s: %v server connections for %v transactions that write", stack, got, p.Demand.Write)
		}
		if got := float64(p.PgBouncer.MinPods * p.PgBouncer.Read); got < p.Demand.Read {
			t.Errorf("%s: %v server connections for %v transactions that read", stack, got, p.Demand.Read)
		}
	}
}

func TestPoolsStayUsefulAtLowThroughput(t *testing.T) {
	p := mustParse(t, "prod", map[string]string{"ragscale:slo": `{"throughputRPS": 1}`}).Pools()
	if p.API.Write != 4 || p.API.Read != 4 || p.PgBouncer.Write != 2 || p.PgBouncer.Read != 2 {
		t.Errorf("%+v", p)
	}
}

func TestWithoutReplicasThePrimaryTakesTheReads(t *testing.T) {
	p := mustParse(t, "prod", map[string]string{"ragscale:database": `{"replicas": 0}`}).Pools()
	if want := p.PgBouncer.Pods * (p.PgBouncer.Write + p.PgBouncer.Read); p.Primary.Pooled != want {
		t.Errorf("the primary offers %d pooled connections, want %d", p.Primary.Pooled, want)
	}
	if diff := cmp.Diff(stacks.ConnectionBudget{}, p.Replica); diff != "" {
		t.Error(diff)
	}
}

func TestReplicasThatAreLeftTakeThePartOfOneThatIsLost(t *testing.T) {
	for replicas, share := range map[string]int{"1": 1, "2": 1, "3": 2, "5": 4} {
		p := mustParse(t, "prod", map[string]string{"ragscale:database": `{"replicas": ` + replicas + `}`}).Pools()
		if all := p.PgBouncer.Pods * p.PgBouncer.Read; p.Replica.Pooled*share < all {
			t.Errorf("%s replicas: %d each, want %d read connections to fit on %d of them", replicas, p.Replica.Pooled, all, share)
		}
	}
}

func TestEachReplicaGetsAConnectionFromEveryPgBouncerPod(t *testing.T) {
	p := mustParse(t, "prod", map[string]string{"ragscale:slo": `{"throughputRPS": 1}`, "ragscale:database": `{"replicas": 15}`}).Pools()
	if p.PgBouncer.Read != 15 {
		t.Errorf("the read pool is %d, want 15", p.PgBouncer.Read)
	}
}

func TestOnePgBouncerPodMayTakeAllClients(t *testing.T) {
	p := mustParse(t, "prod", nil).Pools()
	if p.PgBouncer.MaxClients <= p.API.Connections {
		t.Errorf("max_client_conn is %d, the API holds %d", p.PgBouncer.MaxClients, p.API.Connections)
	}
}

func TestPgBouncerScalesOnTheSameTargetsWithItsOwnBounds(t *testing.T) {
	if diff := cmp.Diff(stacks.HPA{MinReplicas: 3, MaxReplicas: 6, CPUPercent: 70, MemoryPercent: 80}, mustParse(t, "prod", nil).PgBouncerHPA()); diff != "" {
		t.Error(diff)
	}
}
