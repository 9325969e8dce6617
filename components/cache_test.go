package components_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/cache"
	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/planner"
)

const (
	replicationGroupType = "aws:elasticache/replicationGroup:ReplicationGroup"
	cacheUserType        = "aws:elasticache/user:User"
)

// smallCache is valid, with everything optional left out.
func smallCache() cache.Args {
	return cache.Args{
		VPCID:                   pulumi.String("vpc-1"),
		IsolatedSubnetIDs:       pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}),
		AllowedSecurityGroupIDs: map[string]pulumi.StringInput{"nodes": pulumi.String("sg-nodes")},
		NodeType:                "cache.t4g.micro",
		Username:                "ragscale",
		Password:                pulumi.String("correct-horse-battery"),
		KeyPrefix:               "ragapi:",
	}
}

var cacheShapes = map[string]func() cache.Args{
	"local": func() cache.Args {
		a := smallCache()
		a.ApplyImmediately = true
		a.Parameters = []cache.Parameter{{Name: "maxmemory-policy", Value: "allkeys-lru"}}
		return a
	},
	"dev": func() cache.Args {
		a := smallCache()
		a.ApplyImmediately, a.AutoMinorVersionUpgrade = true, true
		a.LogRetentionDays = 7
		a.Tags = map[string]string{"stack": "dev"}
		return a
	},
	"prod": func() cache.Args {
		a := smallCache()
		a.IsolatedSubnetIDs = pulumi.ToStringArray([]string{"subnet-a", "subnet-b", "subnet-c"})
		a.NodeType, a.Replicas, a.AutoMinorVersionUpgrade = "cache.r7g.large", 2, true
		a.Parameters = []cache.Parameter{
			{Name: "timeout", Value: "300"},
			{Name: "maxmemory-policy", Value: "allkeys-lru"},
			{Name: "client-output-buffer-limit-pubsub-hard-limit", Value: "67108864"},
			{Name: "slowlog-log-slower-than", Value: "5000"},
		}
		a.PreviousPassword = pulumi.String("another-horse-battery")
		a.SnapshotRetentionDays, a.SnapshotWindow, a.MaintenanceWindow = 3, "01:00-02:00", "sun:03:00-sun:04:00"
		a.DeletionProtection, a.FinalSnapshot = true, true
		a.LogRetentionDays = 30
		a.NotificationTopicARN = pulumi.String("arn:aws:sns:eu-central-1:123456789012:operations")
		a.Tags = map[string]string{"stack": "prod", "cost-centre": "search"}
		return a
	},
}

func declareCache(args cache.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		c, err := cache.New(ctx, "cache", args)
		if err != nil {
			return err
		}
		return graph.Probe(ctx, "outputs", pulumi.Map{
			"primaryAddress": c.PrimaryAddress, "readerAddress": c.ReaderAddress, "port": c.Port, "username": c.Username,
			"securityGroupId": c.SecurityGroupID, "replicationGroupId": c.ReplicationGroupID, "memberClusterIds": c.MemberClusterIDs,
			"userGroupId": c.UserGroupID, "parameterGroupName": c.ParameterGroupName, "arn": c.ARN,
			"reportingUsername": c.ReportingUsername, "reportingPolicy": c.ReportingPolicy,
		})
	}
}

func TestCacheGraph(t *testing.T) {
	wantGraphs(t, "cache", cacheShapes, declareCache)
}

func TestCacheFaultsNameTheField(t *testing.T) {
	cases := map[string]struct {
		change func(*cache.Args)
		want   string
	}{
		"network":  {func(a *cache.Args) { a.VPCID = nil }, "cache.VPCID is missing, want a value from the component that has it"},
		"password": {func(a *cache.Args) { a.Password = nil }, "cache.Password is missing, want a value from the component that has it"},
		"one subnet": {func(a *cache.Args) { a.IsolatedSubnetIDs = a.IsolatedSubnetIDs[:1] },
			"cache.IsolatedSubnetIDs has 1, want 2 or more, each in a zone of its own"},
		"client": {func(a *cache.Args) { a.AllowedSecurityGroupIDs["jobs"] = nil },
			"cache.AllowedSecurityGroupIDs[jobs] is missing, want a value from the component that has it"},
		"node type": {func(a *cache.Args) { a.NodeType = "r7g.large" },
			`cache.NodeType is "r7g.large", want an ElastiCache node type such as cache.r7g.large`},
		"aged node type": {func(a *cache.Args) { a.NodeType = "cache.t2.micro" },
			`cache.NodeType is "cache.t2.micro", want a family that fails over and keeps snapshots, such as cache.t4g`},
		"replicas":     {func(a *cache.Args) { a.Replicas = 6 }, "cache.Replicas is 6, want 0 to 5"},
		"less than no": {func(a *cache.Args) { a.Replicas = -1 }, "cache.Replicas is -1, want 0 to 5"},
		"user": {func(a *cache.Args) { a.Username = "rag scale" },
			`cache.Username is "rag scale", want a letter, then up to 39 letters, digits and hyphens`},
		"default user": {func(a *cache.Args) { a.Username = "Default" },
			`cache.Username is "Default", want another: that user is switched off`},
		"every key": {func(a *cache.Args) { a.KeyPrefix = "" },
			`cache.KeyPrefix is "", want letters, digits, dots, hyphens and underscores, then a colon, such as "ragapi:"`},
		"pattern": {func(a *cache.Args) { a.KeyPrefix = "rag* +@all:" },
			`cache.KeyPrefix is "rag* +@all:", want letters, digits, dots, hyphens and underscores, then a colon, such as "ragapi:"`},
		"snapshots": {func(a *cache.Args) { a.SnapshotRetentionDays = 36 },
			"cache.SnapshotRetentionDays is 36, want 0 to 35"},
		"window without snapshots": {func(a *cache.Args) { a.SnapshotWindow = "01:00-02:00" },
			`cache.SnapshotWindow is "01:00-02:00" with SnapshotRetentionDays 0, want none: no snapshots are taken`},
		"log retention": {func(a *cache.Args) { a.LogRetentionDays = 8 },
			"cache.LogRetentionDays is 8, want 0 (for ever) or one of [1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := smallCache()
			c.change(&args)
			wantFault(t, declareCache(args), c.want)
		})
	}
}

func TestCacheParameterFaultsNameTheParameter(t *testing.T) {
	cases := []struct{ name, value, want string }{
		{"", "1", "cache.Parameters[0].Name is empty, want the name of a parameter"},
		{"maxmemory", "1000000", "cache.Parameters[maxmemory] cannot be changed, want reserved-memory-percent: ElastiCache computes maxmemory from the node type"},
		{"maxclients", "1000", "cache.Parameters[maxclients] cannot be changed, want none: ElastiCache fixes it at 65000"},
		{"appendonly", "yes", "cache.Parameters[appendonly] cannot be changed, want none: ElastiCache for Redis 7 keeps no append-only file"},
		{"cluster-enabled", "yes", "cache.Parameters[cluster-enabled] cannot be changed, want none: the replication group has no shards"},
		{"client-output-buffer-limit", "normal 0 0 0",
			"cache.Parameters[client-output-buffer-limit] cannot be changed, want client-output-buffer-limit-normal-hard-limit and the others, one number each"},
		{"client-output-buffer-limit-normal-hard-limit", "0 0 0",
			`cache.Parameters[client-output-buffer-limit-normal-hard-limit].Value is "0 0 0", want a whole number of at least 0 (B)`},
		{"client-output-buffer-limit-replica-hard-limit", "0",
			"cache.Parameters[client-output-buffer-limit-replica-hard-limit] is not known, want a parameter of family redis7 that can be changed"},
		{"hash-max-ziplist-entries", "512", "cache.Parameters[hash-max-ziplist-entries] is not known, want a parameter of family redis7 that can be changed"},
		{"timeout", "1", `cache.Parameters[timeout].Value is 1, want 0 or a whole number of at least 20 (s)`},
		{"timeout", "19", `cache.Parameters[timeout].Value is 19, want 0 or a whole number of at least 20 (s)`},
		{"timeout", "300s", `cache.Parameters[timeout].Value is "300s", want 0 or a whole number of at least 20 (s)`},
		{"maxmemory-policy", "lru", `cache.Parameters[maxmemory-policy].Value is "lru", want one of volatile-lru, allkeys-lru, volatile-lfu, allkeys-lfu, volatile-random, allkeys-random, volatile-ttl, noeviction`},
		{"activedefrag", "1", `cache.Parameters[activedefrag].Value is "1", want one of yes, no`},
		{"reserved-memory-percent", "101", `cache.Parameters[reserved-memory-percent].Value is 101, want a whole number from 0 to 100 (%)`},
		{"maxmemory-samples", "0", `cache.Parameters[maxmemory-samples].Value is 0, want a whole number of at least 1`},
		{"notify-keyspace-events", "Kx expired", `cache.Parameters[notify-keyspace-events].Value is "Kx expired", want letters of KEg$lshzxetdmnA`},
	}
	for _, c := range cases {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			args := smallCache()
			args.Parameters = []cache.Parameter{{Name: c.name, Value: c.value}}
			wantFault(t, declareCache(args), c.want)
		})
	}
}

func TestCacheParameterValuesAtTheirBoundsAreTaken(t *testing.T) {
	args := smallCache()
	args.Parameters = []cache.Parameter{
		{Name: "timeout", Value: "20"}, {Name: "slowlog-log-slower-than", Value: "-1"}, {Name: "reserved-memory-percent", Value: "0"},
		{Name: "notify-keyspace-events", Value: ""}, {Name: "maxmemory-policy", Value: "noeviction"}, {Name: "active-expire-effort", Value: "10"},
	}
	graph.Run(t, "dev", declareCache(args))
}

func TestCacheParameterIsGivenOnce(t *testing.T) {
	args := smallCache()
	args.Parameters = []cache.Parameter{{Name: "timeout", Value: "0"}, {Name: "timeout", Value: "300"}}
	wantFault(t, declareCache(args), "cache.Parameters[timeout] is given twice, want it once")
}

func TestCacheDataTieringTakesLRUOnly(t *testing.T) {
	args := smallCache()
	args.NodeType = "cache.r6gd.xlarge"
	args.Parameters = []cache.Parameter{{Name: "maxmemory-policy", Value: "allkeys-lfu"}}
	wantFault(t, declareCache(args),
		`cache.Parameters[maxmemory-policy].Value is "allkeys-lfu" with data tiering (cache.r6gd.xlarge), want one of volatile-lru, allkeys-lru, noeviction`)
}

func TestCacheDataTieringFollowsTheNodeType(t *testing.T) {
	for nodeType, want := range map[string]any{"cache.r6gd.xlarge": true, "cache.r7g.large": nil} {
		args := smallCache()
		args.NodeType = nodeType
		g := graph.Run(t, "dev", declareCache(args))
		if got := g.Find(replicationGroupType, "cache").Input("dataTieringEnabled"); got != want {
			t.Errorf("%s: dataTieringEnabled is %v, want %v", nodeType, got, want)
		}
	}
}

func TestCacheWindowFaultsSayWhatIsWanted(t *testing.T) {
	cases := []struct{ snapshot, maintenance, want string }{
		{"25:00-26:00", "", `cache.SnapshotWindow is "25:00-26:00", want hours in UTC such as 02:00-03:00`},
		{"02:00-02:59", "", `cache.SnapshotWindow lasts 59 minutes, want at least 60`},
		{"", "Sun:03:00-Sun:04:00", `cache.MaintenanceWindow is "Sun:03:00-Sun:04:00", want days and hours in UTC such as sun:03:30-sun:04:30`},
		{"", "sun:03:00-sun:03:30", `cache.MaintenanceWindow lasts 30 minutes, want at least 60`},
		{"03:30-04:30", "sun:03:00-sun:04:00", `cache.SnapshotWindow is "03:30-04:30" within MaintenanceWindow "sun:03:00-sun:04:00", want them apart`},
		{"23:30-00:30", "mon:00:00-mon:01:00", `cache.SnapshotWindow is "23:30-00:30" within MaintenanceWindow "mon:00:00-mon:01:00", want them apart`},
	}
	for _, c := range cases {
		t.Run(c.snapshot+" and "+c.maintenance, func(t *testing.T) {
			args := smallCache()
			args.SnapshotRetentionDays = 1
			args.SnapshotWindow, args.MaintenanceWindow = c.snapshot, c.maintenance
			wantFault(t, declareCache(args), c.want)
		})
	}
}

func TestCacheReportsAllFaultsAtOnce(t *testing.T) {
	args := smallCache()
	args.VPCID, args.NodeType, args.Replicas = nil, "", 9
	wantFaultsOf(t, declareCache(args), "cache", "VPCID", "NodeType", "Replicas")
}

// A replica makes failover possible, failover makes several zones possible; without one AWS refuses both.
func TestCacheFailsOverExactlyWhenThereIsAReplica(t *testing.T) {
	for _, replicas := range []int{0, 1, 5} {
		args := smallCache()
		args.Replicas = replicas
		group := graph.Run(t, "dev", declareCache(args)).Find(replicationGroupType, "cache")
		for _, property := range []string{"automaticFailoverEnabled", "multiAzEnabled"} {
			if got := group.Input(property); got != (replicas > 0) {
				t.Errorf("%d replicas: %s is %v", replicas, property, got)
			}
		}
		if got := number(t, group, "numCacheClusters"); got != float64(1+replicas) {
			t.Errorf("%d replicas: numCacheClusters is %v", replicas, got)
		}
	}
}

func TestCacheRefusesAPasswordWithoutQuotingIt(t *testing.T) {
	wantPasswordsRefused(t, func(password pulumi.String) func(*pulumi.Context) error {
		args := smallCache()
		args.Password = password
		return declareCache(args)
	}, "only-15-letters", "has a space in it", "slash/slash/slash", `quote"quote"quote`, "at@at-at-at-at-at", "Schlüssel-der-lang-ist", strings.Repeat("x", 129))
}

func TestCachePasswordIsSecret(t *testing.T) {
	g := graph.Run(t, "prod", declareCache(cacheShapes["prod"]()))
	if !g.Find(cacheUserType, "cache-app").IsSecret("authenticationMode") {
		t.Error("the passwords are plain")
	}
	if text := g.Text(); strings.Contains(text, "horse-battery") {
		t.Error("a password is in the graph's text")
	}
}

// What ElastiCache sets only at creation must not replace the group when it is changed.
func TestCacheCreationArgumentsAreIgnoredLater(t *testing.T) {
	g := graph.Run(t, "prod", declareCache(cacheShapes["prod"]()))
	ignored := g.Find(replicationGroupType, "cache").IgnoreChanges
	for _, property := range []string{"atRestEncryptionEnabled", "dataTieringEnabled", "kmsKeyId", "port", "subnetGroupName"} {
		if !slices.Contains(ignored, property) {
			t.Errorf("a change of %s replaces the group: only %s are ignored", property, ignored)
		}
	}
}

func TestCacheDefaultUserMayDoNothing(t *testing.T) {
	g := graph.Run(t, "prod", declareCache(cacheShapes["prod"]()))
	nobody := g.Find(cacheUserType, "cache-default")
	if name, access := nobody.Input("userName"), nobody.Input("accessString"); name != "default" || access != "off ~* -@all" {
		t.Errorf("user %v may %v, want default off", name, access)
	}
	if text := g.Find("aws:elasticache/userGroup:UserGroup", "cache").Text(); !strings.Contains(text, "-default") {
		t.Errorf("the default user is not in the group, which then has AWS's own:\n%s", text)
	}
}

func TestCacheApplicationIsKeptToItsKeys(t *testing.T) {
	args := smallCache()
	args.KeyPrefix = "other:"
	access := graph.Run(t, "dev", declareCache(args)).Find(cacheUserType, "cache-app").Input("accessString")
	if rules := strings.Fields(fmt.Sprint(access)); !slices.Equal(rules[:3], []string{"on", "~other:*", "-@all"}) {
		t.Errorf("access string is %v, want it to start with: on ~other:* -@all", access)
	}
}

// An IAM user is refused unless its name is its id.
func TestCacheReportingUserIsNamedLikeItsID(t *testing.T) {
	user := graph.Run(t, "dev", declareCache(smallCache())).Find(cacheUserType, "cache-reporting")
	if id, name := user.Input("userId"), user.Input("userName"); id != name || user.Input("authenticationMode.type") != "iam" {
		t.Errorf("id %v, name %v, mode %v", id, name, user.Input("authenticationMode.type"))
	}
}

func TestCacheLongestNameFitsElastiCachesIDs(t *testing.T) {
	name := strings.Repeat("a", 21)
	g := graph.Run(t, "dev", func(ctx *pulumi.Context) error {
		_, err := cache.New(ctx, name, smallCache())
		return err
	})
	for _, user := range g.OfType(cacheUserType) {
		if id := fmt.Sprint(user.Input("userId")); len(id) > 40 {
			t.Errorf("%s has %d characters, want at most 40", id, len(id))
		}
	}
}

func TestCacheNameFitsElastiCachesIDs(t *testing.T) {
	wantNames(t, "cache", 21, func(ctx *pulumi.Context, name string) error {
		_, err := cache.New(ctx, name, smallCache())
		return err
	})
}

// endpoints are the addresses that ElastiCache computes, which the graph's mock does not invent.
type endpoints struct{}

func (endpoints) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	state := args.Inputs.Copy()
	if args.TypeToken == replicationGroupType {
		state["primaryEndpointAddress"] = resource.NewProperty("master.example")
		state["readerEndpointAddress"] = resource.NewProperty("replica.example")
	}
	return args.Name + "-id", state, nil
}

func (endpoints) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

func TestCacheWritesGoToThePrimaryAndReadsToTheReplicas(t *testing.T) {
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		c, err := cache.New(ctx, "cache", smallCache())
		if err != nil {
			return err
		}
		pulumi.All(c.PrimaryAddress, c.ReaderAddress).ApplyT(func(addresses []any) error {
			if addresses[0] != "master.example" || addresses[1] != "replica.example" {
				t.Errorf("primary and reader are %v", addresses)
			}
			return nil
		})
		return nil
	}, pulumi.WithMocks(planner.Project, "dev", endpoints{}))
	if err != nil {
		t.Fatal(err)
	}
}

func TestCacheFirstPreviewNeedsNothingKnown(t *testing.T) {
	graph.Preview(t, "prod", declareCache(cacheShapes["prod"]()))
}

// What ElastiCache reads back as its own default would be set anew at every update.
func TestCacheLeavesTheFamilysDefaultsOut(t *testing.T) {
	args := smallCache()
	args.Parameters = []cache.Parameter{
		{Name: "timeout", Value: "0"}, {Name: "slowlog-log-slower-than", Value: "10000"}, {Name: "reserved-memory-percent", Value: "25"},
		{Name: "maxmemory-policy", Value: "volatile-lru"}, {Name: "maxmemory-samples", Value: "10"},
	}
	g := graph.Run(t, "dev", declareCache(args))
	got := g.Find("aws:elasticache/parameterGroup:ParameterGroup", "cache").Input("parameters")
	if d := cmp.Diff([]any{map[string]any{"name": "maxmemory-samples", "value": "10"}}, got); d != "" {
		t.Error(d)
	}
}
