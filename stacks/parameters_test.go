package stacks_test

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/stacks"
)

func byName(group []stacks.Parameter) map[string]string {
	values := map[string]string{}
	for _, p := range group {
		values[p.Name] = p.Value
	}
	return values
}

func TestReplicasOwnSettingsAreThoseOfMemoryConnectionsAndReplay(t *testing.T) {
	c := mustParse(t, "prod", map[string]string{"ragscale:database": `{"replicaClass": "db.r7g.large"}`})
	primary, replica := byName(c.DatabaseParameters()), byName(c.ReplicaParameters())
	got := map[string]string{}
	for name, value := range replica {
		if primary[name] != value {
			got[name] = value
		}
	}
	want := map[string]string{
		"max_connections": "311", "work_mem": "8192", "maintenance_work_mem": "482304", "max_parallel_workers": "2",
		"max_parallel_workers_per_gather": "1", "hot_standby_feedback": "1", "max_standby_streaming_delay": "5000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutReplicasThereIsNoGroupForThem(t *testing.T) {
	if got := mustParse(t, "dev", nil).ReplicaParameters(); got != nil {
		t.Errorf("%v", got)
	}
}

func TestStacksOwnParameterReplacesTheDerivedOneOnEveryServer(t *testing.T) {
	c := mustParse(t, "prod", map[string]string{"ragscale:database": `{"parameters": {"random_page_cost": "2", "checkpoint_timeout": "900", "max_standby_streaming_delay": "1000"}}`})
	primary, replica := byName(c.DatabaseParameters()), byName(c.ReplicaParameters())
	for name, want := range map[string]string{"random_page_cost": "2", "checkpoint_timeout": "900"} {
		if primary[name] != want || replica[name] != want {
			t.Errorf("%s is %q on the primary and %q on the replicas, want %s", name, primary[name], replica[name], want)
		}
	}
	if _, set := primary["max_standby_streaming_delay"]; set || replica["max_standby_streaming_delay"] != "1000" {
		t.Errorf("max_standby_streaming_delay is %q on the replicas, and on the primary: %t", replica["max_standby_streaming_delay"], set)
	}
}

func TestEvictionPolicyFollowsTheWorkload(t *testing.T) {
	for workload, want := range map[string]string{
		"recent": "volatile-lru", "expiring": "volatile-ttl", "durable": "noeviction",
	} {
		c := mustParse(t, "prod", map[string]string{"ragscale:cache": `{"workload": "` + workload + `"}`})
		if got := byName(c.CacheParameters())["maxmemory-policy"]; got != want {
			t.Errorf("%s: %s, want %s", workload, got, want)
		}
	}
}

func TestSmallCacheNodesKeepMoreInReserve(t *testing.T) {
	for node, want := range map[string]string{"cache.t4g.micro": "50", "cache.t4g.small": "30", "cache.r7g.large": "25"} {
		c := mustParse(t, "prod", map[string]string{"ragscale:cache": `{"nodeType": "` + node + `", "workingSetMiB": 16}`})
		if got := byName(c.CacheParameters())["reserved-memory-percent"]; got != want {
			t.Errorf("%s keeps %s %%, want %s", node, got, want)
		}
	}
}

func TestCacheMemoryIsWhatIsLeftOfTheReserveAndTheObjective(t *testing.T) {
	got := mustParse(t, "prod", nil).CacheMemory()
	want := stacks.CacheMemory{Node: 14037181030, Usable: 10527885772, Objective: 8422308617, WorkingSet: 6144 * catalogue.MiB}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSlowLogFollowsTheResponseObjective(t *testing.T) {
	c := mustParse(t, "prod", map[string]string{"ragscale:slo": `{"responseSeconds": 1}`})
	if got := byName(c.CacheParameters())["slowlog-log-slower-than"]; got != "5000" {
		t.Errorf("%s µs, want 5000", got)
	}
}

// Over many configurations, each accepted: every value is in its range and method, what each group allows at once fits its
// class, replicas do not fall behind the primary, and no link of the pool chain asks more than the next has.
func TestEveryAcceptedConfigurationKeepsTheRules(t *testing.T) {
	random := rand.New(rand.NewSource(20261123))
	accepted := 0
	for range 600 {
		values := randomConfig(random)
		c, err := parse(values)
		if err != nil {
			continue
		}
		accepted++
		for _, fault := range brokenRules(c) {
			t.Errorf("%s\n%v", fault, values)
		}
	}
	if accepted < 100 {
		t.Errorf("%d configurations of 600 are accepted: the property is hardly tried", accepted)
	}
}

func randomConfig(random *rand.Rand) map[string]string {
	pick := func(names []string) string { return names[random.Intn(len(names))] }
	database := fmt.Sprintf(`"instanceClass": %q, "replicas": %d, "storageGiB": %d`, pick(rds.Names()), random.Intn(16), 20+random.Intn(300))
	if random.Intn(2) == 0 {
		database += fmt.Sprintf(`, "replicaClass": %q`, pick(rds.Names()))
	}
	if random.Intn(3) == 0 {
		database += fmt.Sprintf(`, "parameters": {"work_mem": "%d", "max_connections": "%d"}`, 64<<random.Intn(14), 50+random.Intn(500))
	}
	least := 2 + random.Intn(4)
	return map[string]string{
		"ragscale:database":  "{" + database + "}",
		"ragscale:slo":       fmt.Sprintf(`{"throughputRPS": %d, "responseSeconds": %v}`, 1+random.Intn(2000), 0.1+random.Float64()*4),
		"ragscale:pgbouncer": fmt.Sprintf(`{"min": %d, "max": %d}`, least, least+random.Intn(5)),
		"ragscale:cache": fmt.Sprintf(`{"nodeType": %q, "workingSetMiB": %d, "workload": %q}`, pick(redis.NodeTypes()), 16+random.Intn(4000),
			pick([]string{"recent", "expiring", "durable"})),
	}
}

func brokenRules(c *stacks.Config) []string {
	faults := checkGroup(c.DatabaseParameters(), c.Database.InstanceClass)
	faults = append(faults, checkGroup(c.ReplicaParameters(), c.ReplicaClass())...)
	faults = append(faults, checkBehind(c)...)
	faults = append(faults, checkChain(c.Pools())...)
	for _, p := range c.CacheParameters() {
		setting, err := redis.Lookup(p.Name)
		if err == nil {
			err = setting.Check(p.Value, parameter.Instance{})
		}
		if err != nil {
			faults = append(faults, p.Name+": "+err.Error())
		}
	}
	if m := c.CacheMemory(); m.WorkingSet > m.Objective || m.Objective > m.Usable || m.Usable > m.Node {
		faults = append(faults, fmt.Sprintf("cache memory %+v", m))
	}
	return faults
}

// checkGroup recalculates a group's memory from its text: shared buffers, vacuum workers and an index build, and two
// work_mem and 2 MiB for each connection and parallel worker, in three quarters of the class.
func checkGroup(group []stacks.Parameter, class string) []string {
	if group == nil {
		return nil
	}
	db, err := rds.Lookup(class)
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	value := map[string]float64{}
	for _, p := range group {
		setting, err := postgres.Lookup(p.Name)
		if err == nil {
			err = setting.Check(p.Value, db.Instance())
		}
		if err != nil {
			faults = append(faults, p.Name+": "+err.Error())
			continue
		}
		if n, err := setting.Number(p.Value, db.Instance()); err == nil {
			value[p.Name] = n
		}
		if setting.Static != (p.ApplyMethod == stacks.PendingReboot) {
			faults = append(faults, p.Name+" is applied "+p.ApplyMethod)
		}
	}
	backends := value["max_connections"] + value["max_parallel_workers"]
	used := value["shared_buffers"]*8192 + (value["autovacuum_max_workers"]+1)*value["maintenance_work_mem"]*1024 + backends*(2<<20+2*1024*value["work_mem"])
	if most := 0.75 * float64(db.ParameterMemory()); used > most {
		faults = append(faults, fmt.Sprintf("%s may use %.0f MiB of %.0f", class, used/(1<<20), most/(1<<20)))
	}
	return faults
}

// checkBehind wants every setting that replay depends on to be at least the primary's, and a plain number.
func checkBehind(c *stacks.Config) []string {
	replica := byName(c.ReplicaParameters())
	if len(replica) == 0 {
		return nil
	}
	var faults []string
	for _, p := range c.DatabaseParameters() {
		setting, err := postgres.Lookup(p.Name)
		if err != nil || setting.Standby != parameter.AtLeastOf {
			continue
		}
		var own, primary int
		if _, err := fmt.Sscan(replica[p.Name]+" "+p.Value, &own, &primary); err != nil || own < primary {
			faults = append(faults, fmt.Sprintf("%s is %s on a replica, %s on the primary", p.Name, replica[p.Name], p.Value))
		}
	}
	return faults
}

func checkChain(p stacks.PoolChain) []string {
	var faults []string
	link := func(name string, asks, has int) {
		if asks > has {
			faults = append(faults, fmt.Sprintf("%s: %d are asked of %d", name, asks, has))
		}
	}
	link("clients of one PgBouncer pod", p.API.Pods*(p.API.Write+p.API.Read), p.PgBouncer.MaxClients)
	reads := p.PgBouncer.Pods * p.PgBouncer.Read
	primary := p.PgBouncer.Pods*p.PgBouncer.Write + p.Primary.Worker + p.Primary.Migration + stacks.AdminReserve
	switch n := p.Replica.Servers; n {
	case 0:
		primary += reads
	default:
		link("replicas but one", reads, max(1, n-1)*(p.Replica.MaxConnections-stacks.AdminReserve))
	}
	link("primary", primary, p.Primary.MaxConnections)
	return faults
}

func TestEveryLibraryThatAParameterNeedsIsPreloaded(t *testing.T) {
	for _, group := range [][]stacks.Parameter{mustParse(t, "prod", nil).DatabaseParameters(), mustParse(t, "prod", nil).ReplicaParameters()} {
		loaded := strings.Split(byName(group)["shared_preload_libraries"], ",")
		for _, p := range group {
			setting, err := postgres.Lookup(p.Name)
			if err != nil {
				t.Fatal(err)
			}
			if setting.Library != "" && !slices.Contains(loaded, setting.Library) {
				t.Errorf("%s without %s", p.Name, setting.Library)
			}
		}
	}
}
