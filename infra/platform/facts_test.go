package platform

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/components/cache"
	"github.com/ragscale/ragscale/components/database"
	"github.com/ragscale/ragscale/components/graph"
	policy "github.com/ragscale/ragscale/policies/rules"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	aws "github.com/ragscale/ragscale/sandbox/plugins/aws/rules"
	"github.com/ragscale/ragscale/stacks"
)

// verdicts are who takes a value, by layer. A layer that does not look at such values is not there.
type verdicts map[string]bool

// agree wants every layer to say the same of a value.
func (v verdicts) agree(t *testing.T, what string, taken bool) {
	t.Helper()
	for layer, got := range v {
		if got != taken {
			t.Errorf("%s: %s takes it: %t, want %t", what, layer, got, taken)
		}
	}
}

// stackTakes tells whether a stack may say a block.
func stackTakes(t *testing.T, key string, block map[string]any) bool {
	t.Helper()
	text, err := json.Marshal(block)
	if err != nil {
		t.Fatal(err)
	}
	values, err := stacks.ReadFile("../../Pulumi.dev.yaml")
	if err != nil {
		t.Fatal(err)
	}
	values["ragscale:"+key] = string(text)
	_, err = stacks.Parse("dev", values)
	return err == nil || !strings.Contains(err.Error(), "ragscale:"+key+".")
}

// declares tells whether a component takes its arguments.
func declares(program func(*pulumi.Context) error) bool {
	_, err := graph.Try("dev", false, program)
	return err == nil
}

func databaseTakes(change func(*database.Args)) bool {
	args := database.Args{
		VPCID: pulumi.String("vpc-1"), IsolatedSubnetIDs: pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}),
		InstanceClass: "db.r7g.xlarge", EngineVersion: "17", Storage: database.Storage{Type: "gp3", GiB: 50},
		DBName: "ragscale", Username: "ragscale", Password: pulumi.String(password),
	}
	change(&args)
	return declares(func(ctx *pulumi.Context) error { _, err := database.New(ctx, "db", args); return err })
}

func cacheTakes(change func(*cache.Args)) bool {
	args := cache.Args{
		VPCID: pulumi.String("vpc-1"), IsolatedSubnetIDs: pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}),
		NodeType: "cache.t4g.small", Username: "ragscale", Password: pulumi.String(password), KeyPrefix: "ragapi:", SnapshotRetentionDays: 1,
	}
	change(&args)
	return declares(func(ctx *pulumi.Context) error { _, err := cache.New(ctx, "cache", args); return err })
}

// emptyAccount has no resources.
type emptyAccount struct{}

func (emptyAccount) List(string) ([]inventory.Resource, error) { return nil, nil }

// awsTakes tells whether the sandbox's AWS finds no fault at any of the paths.
func awsTakes(t *testing.T, typ string, inputs map[string]any, paths ...string) bool {
	t.Helper()
	found, err := aws.Check(aws.Request{
		Type: typ, URN: "urn:x", Region: "eu-central-1", Inputs: resource.NewPropertyMapFromMap(inputs), Inventory: emptyAccount{},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(f.Path, p) }) {
			return false
		}
	}
	return true
}

const (
	rdsInstance = "aws:rds/instance:Instance"
	rdsGroup    = "aws:rds/parameterGroup:ParameterGroup"
	redisGroup  = "aws:elasticache/parameterGroup:ParameterGroup"
	redisCache  = "aws:elasticache/replicationGroup:ReplicationGroup"
)

func TestAllAgreeOnTheNamesThatRDSReserves(t *testing.T) {
	names := map[string]bool{"ragscale": true, "rds": true, "pgx": true}
	for _, name := range []string{
		"admin", "rdsadmin", "rdsrepladmin", "rdsproxyadmin", "rdstopmgr", "rds_superuser", "postgres_fdw", "public", "user", "select", "pg_monitor", "template1",
	} {
		names[name] = false
	}
	for name, taken := range names {
		verdicts{
			"stack":     stackTakes(t, "database", map[string]any{"username": name}),
			"component": databaseTakes(func(a *database.Args) { a.Username = name }),
			"sandbox":   awsTakes(t, rdsInstance, map[string]any{"username": name, "engine": "postgres"}, "username"),
		}.agree(t, "user "+name, taken)
		verdicts{
			"stack":     stackTakes(t, "database", map[string]any{"name": name}),
			"component": databaseTakes(func(a *database.Args) { a.DBName = name }),
			"sandbox":   awsTakes(t, rdsInstance, map[string]any{"dbName": name, "engine": "postgres"}, "dbName"),
		}.agree(t, "database "+name, taken)
	}
}

func TestAllAgreeOnGP3(t *testing.T) {
	for _, c := range []struct {
		gib, iops, mbps int
		taken           bool
	}{
		{399, 0, 0, true}, {399, 12000, 0, false}, {399, 0, 500, false}, {400, 0, 0, true},
		{400, 11999, 0, false}, {400, 12000, 0, true}, {400, 64000, 0, true}, {400, 64001, 0, false},
		{400, 0, 499, false}, {400, 0, 500, true}, {400, 0, 3000, true}, {400, 0, 3001, false},
		{400, 12000, 3000, true}, {400, 12000, 3001, false}, {400, 12000, 4000, false},
		{400, 15999, 4000, false}, {400, 16000, 4000, true}, {400, 64000, 4001, false},
		{19, 0, 0, false}, {20, 0, 0, true}, {65537, 0, 0, false},
	} {
		inputs := map[string]any{"storageType": "gp3", "allocatedStorage": c.gib}
		block := map[string]any{"storageGiB": c.gib, "maxStorageGiB": 0}
		for path, value := range map[[2]string]int{{"iops", "iops"}: c.iops, {"storageThroughput", "throughput"}: c.mbps} {
			if value != 0 {
				inputs[path[0]], block[path[1]] = value, value
			}
		}
		verdicts{
			"stack": stackTakes(t, "database", block),
			"component": databaseTakes(func(a *database.Args) {
				a.Storage = database.Storage{Type: "gp3", GiB: c.gib, IOPS: c.iops, ThroughputMBps: c.mbps}
			}),
			"sandbox": awsTakes(t, rdsInstance, inputs, "allocatedStorage", "iops", "storageThroughput"),
		}.agree(t, fmt.Sprintf("%+v", c), c.taken)
	}
}

func TestAllAgreeOnTheLimitOfStorage(t *testing.T) {
	for _, c := range []struct {
		gib, most int
		taken     bool
	}{{50, 0, true}, {50, 50, false}, {50, 54, false}, {50, 55, true}, {54, 59, false}, {54, 60, true}, {50, 65536, true}, {50, 65537, false}} {
		verdicts{
			"stack":     stackTakes(t, "database", map[string]any{"storageGiB": c.gib, "maxStorageGiB": c.most}),
			"component": databaseTakes(func(a *database.Args) { a.Storage.GiB, a.Storage.MaxGiB = c.gib, c.most }),
			"sandbox":   awsTakes(t, rdsInstance, map[string]any{"storageType": "gp3", "allocatedStorage": c.gib, "maxAllocatedStorage": c.most}, "maxAllocatedStorage"),
		}.agree(t, fmt.Sprintf("%+v", c), c.taken)
	}
}

func TestAllAgreeOnWindows(t *testing.T) {
	for _, c := range []struct {
		daily, weekly    string
		database, caches bool
	}{
		{"02:00-03:00", "sun:03:30-sun:04:30", true, true},
		{"02:00-02:30", "sun:03:30-sun:04:00", true, false},
		{"02:00-02:29", "sun:03:30-sun:04:30", false, false},
		{"02:00-03:00", "sun:03:30-sun:03:59", false, false},
		{"02:00-02:59", "sun:03:30-sun:04:30", true, false},
		{"02:00-03:00", "sun:03:00-sun:04:00", true, true},
		{"02:00-03:00", "sun:02:59-sun:04:00", false, false},
		{"23:30-00:30", "mon:00:00-mon:01:00", false, false},
		{"02:00-03:00", "sun:03:30-mon:03:29", false, false},
		{"04:00-05:00", "sun:05:30-mon:03:30", true, true},
		{"02:00-03:00", "sun:03:30-mon:03:30", false, false},
	} {
		verdicts{
			"stack": stackTakes(t, "database", map[string]any{"backupWindow": c.daily, "maintenanceWindow": c.weekly}),
			"component": databaseTakes(func(a *database.Args) {
				a.BackupRetentionDays, a.BackupWindow, a.MaintenanceWindow = 1, c.daily, c.weekly
			}),
			"sandbox": awsTakes(t, rdsInstance, map[string]any{"backupWindow": c.daily, "maintenanceWindow": c.weekly}, "backupWindow", "maintenanceWindow"),
		}.agree(t, fmt.Sprintf("database %s, %s", c.daily, c.weekly), c.database)
		verdicts{
			"stack":     stackTakes(t, "cache", map[string]any{"snapshotWindow": c.daily, "maintenanceWindow": c.weekly}),
			"component": cacheTakes(func(a *cache.Args) { a.SnapshotWindow, a.MaintenanceWindow = c.daily, c.weekly }),
			"sandbox":   awsTakes(t, redisCache, map[string]any{"snapshotWindow": c.daily, "maintenanceWindow": c.weekly}, "snapshotWindow", "maintenanceWindow"),
		}.agree(t, fmt.Sprintf("cache %s, %s", c.daily, c.weekly), c.caches)
	}
}

func TestAllAgreeOnPeriodsOfLogsAndMonitoring(t *testing.T) {
	for days, taken := range map[int]bool{1: true, 2: false, 7: true, 8: false, 90: true, 3653: true, 3654: false, 1095: false, 1096: true} {
		verdicts{
			"stack":     stackTakes(t, "cluster", map[string]any{"logRetentionDays": days}) && stackTakes(t, "observability", map[string]any{"logRetentionDays": days}),
			"component": databaseTakes(func(a *database.Args) { a.LogExports, a.LogRetentionDays = []string{"postgresql"}, days }),
			"sandbox":   awsTakes(t, "aws:cloudwatch/logGroup:LogGroup", map[string]any{"retentionInDays": days}, "retentionInDays"),
		}.agree(t, fmt.Sprintf("%d days", days), taken)
	}
	for seconds, taken := range map[int]bool{0: true, 1: true, 2: false, 15: true, 60: true, 61: false} {
		verdicts{
			"stack":     stackTakes(t, "database", map[string]any{"monitoringIntervalSeconds": seconds}),
			"component": databaseTakes(func(a *database.Args) { a.MonitoringIntervalSeconds = seconds }),
			"sandbox":   awsTakes(t, rdsInstance, map[string]any{"monitoringInterval": seconds}, "monitoringInterval"),
		}.agree(t, fmt.Sprintf("every %d s", seconds), taken)
	}
}

// staticSetting is a value that each kind of static parameter takes.
func staticSetting(name string) string {
	values := map[string]string{"shared_preload_libraries": "pg_stat_statements,pg_cron", "huge_pages": "try", "cron.database_name": "postgres", "rds.force_ssl": "1"}
	if v, special := values[name]; special {
		return v
	}
	s, err := postgres.Lookup(name)
	switch {
	case err != nil:
		return ""
	case len(s.Values) > 0:
		return s.Values[0]
	default:
		return strconv.FormatFloat(max(s.Min, 1), 'f', -1, 64)
	}
}

// stackApplies tells how a stack would apply a parameter that it sets.
func stackApplies(t *testing.T, name string) string {
	t.Helper()
	values, err := stacks.ReadFile("../../Pulumi.prod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := stacks.Parse("prod", values)
	if err != nil {
		t.Fatal(err)
	}
	c.Database.Parameters = map[string]string{name: staticSetting(name)}
	for _, p := range slices.Concat(c.DatabaseParameters(), c.ReplicaParameters()) {
		if p.Name == name {
			return p.ApplyMethod
		}
	}
	t.Fatalf("%s is not in the group", name)
	return ""
}

func TestAllAgreeOnWhichParametersAreStatic(t *testing.T) {
	rule, _ := policy.Named("rds-static-parameters")
	static := 0
	for _, name := range postgres.Names() {
		if s, err := postgres.Lookup(name); err != nil || !s.In(17) {
			continue
		}
		group := func(method string) map[string]any {
			libraries := map[string]any{"name": "shared_preload_libraries", "value": staticSetting("shared_preload_libraries"), "applyMethod": "pending-reboot"}
			list := []any{map[string]any{"name": name, "value": staticSetting(name), "applyMethod": method}}
			if name != "shared_preload_libraries" {
				list = append(list, libraries)
			}
			return map[string]any{"family": "postgres17", "parameters": list}
		}
		immediate := group("immediate")
		inputs := resource.FromResourcePropertyValue(resource.NewPropertyValue(immediate)).AsMap()
		method := "immediate"
		if postgres.IsStatic(name) {
			method, static = "pending-reboot", static+1
		}
		verdicts{
			"stack": stackApplies(t, name) == "immediate",
			"component": databaseTakes(func(a *database.Args) {
				a.Parameters = []database.Parameter{{Name: name, Value: staticSetting(name), ApplyMethod: "immediate"}}
				if name != "shared_preload_libraries" {
					a.Parameters = append(a.Parameters, database.Parameter{Name: "shared_preload_libraries", Value: "pg_stat_statements,pg_cron,auto_explain,pgaudit", ApplyMethod: "pending-reboot"})
				}
			}),
			"sandbox": awsTakes(t, rdsGroup, immediate, "parameters[0].applyMethod"),
			"policy":  len(rule.Find(policy.Resource{Type: rdsGroup, Name: "db", Inputs: inputs}, policy.Thresholds{})) == 0,
		}.agree(t, name+" immediate", method == "immediate")
	}
	if static < 25 {
		t.Errorf("%d static parameters, want those of the whole table", static)
	}
}

func TestAllAgreeOnRedisParameters(t *testing.T) {
	for _, c := range []struct {
		name, value string
		taken       bool
	}{
		{"lfu-log-factor", "0", false}, {"lfu-log-factor", "1", true}, {"timeout", "0", true}, {"timeout", "19", false}, {"timeout", "20", true},
		{"maxmemory-policy", "volatile-lfu", true}, {"maxmemory-policy", "lru", false}, {"activedefrag", "yes", true}, {"activedefrag", "1", false},
		{"list-compress-depth", "1", true}, {"stream-node-max-entries", "100", true}, {"proto-max-bulk-len", "1", false}, {"repl-backlog-size", "16383", false},
		{"maxmemory", "1", false}, {"hash-max-ziplist-entries", "512", false},
	} {
		verdicts{
			"stack":     stackTakes(t, "cache", map[string]any{"parameters": map[string]any{c.name: c.value}}),
			"component": cacheTakes(func(a *cache.Args) { a.Parameters = []cache.Parameter{{Name: c.name, Value: c.value}} }),
			"sandbox": awsTakes(t, redisGroup, map[string]any{
				"family": "redis7", "parameters": []any{map[string]any{"name": c.name, "value": c.value}},
			}, "parameters"),
		}.agree(t, c.name+"="+c.value, c.taken)
	}
}

func TestComponentAndSandboxAgreeOnPasswords(t *testing.T) {
	for text, taken := range map[string][2]bool{ // of the database, of the cache
		strings.Repeat("a", 7): {false, false}, strings.Repeat("a", 8): {true, false}, strings.Repeat("a", 15): {true, false},
		strings.Repeat("a", 16): {true, true}, strings.Repeat("a", 128): {true, true}, strings.Repeat("a", 129): {false, false},
		"pässwörter-pässwörter": {false, false}, "with space with space": {false, false}, "with@sign-with@sign": {false, false},
	} {
		verdicts{
			"component": databaseTakes(func(a *database.Args) { a.Password = pulumi.String(text) }),
			"sandbox":   awsTakes(t, rdsInstance, map[string]any{"password": text}, "password"),
		}.agree(t, "database "+text, taken[0])
		verdicts{
			"component": cacheTakes(func(a *cache.Args) { a.Password = pulumi.String(text) }),
			"sandbox": awsTakes(t, "aws:elasticache/user:User", map[string]any{
				"authenticationMode": map[string]any{"type": "password", "passwords": []any{text}},
			}, "authenticationMode"),
		}.agree(t, "cache "+text, taken[1])
	}
}

func TestStackAndPolicyAgreeOnModesOfTheVerticalAutoscaler(t *testing.T) {
	rule, _ := policy.Named("vpa-mode")
	for mode, taken := range map[string]bool{"Off": true, "Initial": true, "InPlaceOrRecreate": true, "Auto": false, "Recreate": false} {
		inputs := resource.FromResourcePropertyValue(resource.NewPropertyValue(map[string]any{
			"spec": map[string]any{"updatePolicy": map[string]any{"updateMode": mode}},
		}))
		typ := "kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler"
		verdicts{
			"catalogue": slices.Contains(kubernetes.VPAModes, mode),
			"stack":     stackTakes(t, "autoscaling", map[string]any{"vertical": map[string]any{"chroma": map[string]any{"mode": mode}}}),
			"policy":    len(rule.Find(policy.Resource{Type: typ, Name: "vpa", Inputs: inputs.AsMap()}, policy.Thresholds{})) == 0,
		}.agree(t, mode, taken)
	}
}
