package components_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/database"
	"github.com/ragscale/ragscale/components/graph"
)

// smallDatabase is valid, with everything optional left out.
func smallDatabase() database.Args {
	return database.Args{
		VPCID:                   pulumi.String("vpc-1"),
		IsolatedSubnetIDs:       pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}),
		AllowedSecurityGroupIDs: map[string]pulumi.StringInput{"nodes": pulumi.String("sg-nodes")},
		InstanceClass:           "db.t4g.medium",
		EngineVersion:           "17",
		Storage:                 database.Storage{Type: "gp3", GiB: 20},
		DBName:                  "ragscale",
		Username:                "ragscale",
		Password:                pulumi.String("correct-horse-battery"),
	}
}

var databaseShapes = map[string]func() database.Args{
	"local": func() database.Args {
		a := smallDatabase()
		a.ApplyImmediately = true
		a.BackupRetentionDays = 1
		a.Replicas = database.Replicas{Count: 1}
		a.Parameters = []database.Parameter{{Name: "shared_buffers", Value: "16384", ApplyMethod: "pending-reboot"}}
		return a
	},
	"dev": func() database.Args {
		a := smallDatabase()
		a.ApplyImmediately = true
		a.Storage = database.Storage{Type: "gp3", GiB: 50, MaxGiB: 100}
		a.BackupRetentionDays = 1
		a.Insights = database.InsightsStandard
		a.LogExports = []string{"postgresql"}
		a.LogRetentionDays = 7
		a.Tags = map[string]string{"stack": "dev"}
		return a
	},
	"prod": func() database.Args {
		a := smallDatabase()
		a.IsolatedSubnetIDs = pulumi.ToStringArray([]string{"subnet-a", "subnet-b", "subnet-c"})
		a.InstanceClass, a.EngineVersion, a.MultiAZ = "db.r7g.xlarge", "17.6", true
		a.Storage = database.Storage{Type: "gp3", GiB: 500, MaxGiB: 1000, IOPS: 12000, ThroughputMBps: 500}
		a.Parameters = []database.Parameter{
			{Name: "shared_preload_libraries", Value: "pg_stat_statements,auto_explain", ApplyMethod: "pending-reboot"},
			{Name: "shared_buffers", Value: "{DBInstanceClassMemory/32768}", ApplyMethod: "pending-reboot"},
			{Name: "auto_explain.log_min_duration", Value: "2000", ApplyMethod: "immediate"},
			{Name: "track_io_timing", Value: "1", ApplyMethod: "immediate"},
			{Name: "max_connections", Value: "400", ApplyMethod: "pending-reboot"},
		}
		a.Replicas = database.Replicas{
			Count: 2, Class: "db.r7g.large", Zones: []string{"eu-central-1b", "eu-central-1c"},
			Parameters: []database.Parameter{
				{Name: "max_connections", Value: "450", ApplyMethod: "pending-reboot"},
				{Name: "hot_standby_feedback", Value: "1", ApplyMethod: "immediate"},
			},
		}
		a.Rotation = database.Rotation{Days: 30, LambdaARN: pulumi.String("arn:aws:lambda:eu-central-1:123456789012:function:rotate")}
		a.BackupRetentionDays, a.BackupWindow, a.MaintenanceWindow = 14, "01:00-02:00", "sun:03:00-sun:04:00"
		a.DeletionProtection, a.FinalSnapshot = true, true
		a.Insights, a.MonitoringIntervalSeconds = database.InsightsAdvanced, 15
		a.LogExports, a.LogRetentionDays = []string{"postgresql", "upgrade"}, 30
		a.Tags = map[string]string{"stack": "prod", "cost-centre": "search"}
		return a
	},
}

func declareDatabase(args database.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		db, err := database.New(ctx, "db", args)
		if err != nil {
			return err
		}
		return graph.Probe(ctx, "outputs", pulumi.Map{
			"address": db.Address, "port": db.Port, "name": db.Name, "username": db.Username, "instanceId": db.InstanceID,
			"arn": db.ARN, "securityGroupId": db.SecurityGroupID, "parameterGroupName": db.ParameterGroupName,
			"replicaAddresses": db.ReplicaAddresses, "replicaIds": db.ReplicaIDs, "secretArn": db.SecretARN,
		})
	}
}

func TestDatabaseGraph(t *testing.T) {
	wantGraphs(t, "database", databaseShapes, declareDatabase)
}

func TestDatabaseFaultsNameTheField(t *testing.T) {
	cases := map[string]struct {
		change func(*database.Args)
		want   string
	}{
		"network": {func(a *database.Args) { a.VPCID = nil }, "database.VPCID is missing, want a value from the component that has it"},
		"password": {func(a *database.Args) { a.Password = nil },
			"database.Password is missing, want a value from the component that has it"},
		"one subnet": {func(a *database.Args) { a.IsolatedSubnetIDs = a.IsolatedSubnetIDs[:1] },
			"database.IsolatedSubnetIDs has 1, want 2 or more, each in a zone of its own"},
		"client": {func(a *database.Args) { a.AllowedSecurityGroupIDs["jobs"] = nil },
			"database.AllowedSecurityGroupIDs[jobs] is missing, want a value from the component that has it"},
		"class": {func(a *database.Args) { a.InstanceClass = "r7g.large" },
			`database.InstanceClass is "r7g.large", want an RDS class such as db.r7g.large`},
		"version": {func(a *database.Args) { a.EngineVersion = "17.6.1" },
			`database.EngineVersion is "17.6.1", want a major version "17" or a pinned one "17.6"`},
		"db name": {func(a *database.Args) { a.DBName = "rag-scale" },
			`database.DBName is "rag-scale", want a letter, then up to 62 letters, digits and underscores`},
		"reserved user": {func(a *database.Args) { a.Username = "rdsadmin" },
			`database.Username is "rdsadmin", want a name that RDS does not reserve`},
		"reserved database": {func(a *database.Args) { a.DBName = "select" },
			`database.DBName is "select", want a name that RDS does not reserve`},
		"storage type": {func(a *database.Args) { a.Storage.Type = "gp2" },
			`database.Storage.Type is "gp2", want gp3, io1 or io2`},
		"small volume": {func(a *database.Args) { a.Storage.GiB = 10 },
			"database.Storage.GiB is 10, want 20 to 65536"},
		"ceiling": {func(a *database.Args) { a.Storage.MaxGiB = 21 },
			"database.Storage.MaxGiB is 21 with GiB 20, want 0 or 22 to 65536"},
		"small gp3 with iops": {func(a *database.Args) { a.Storage.GiB, a.Storage.IOPS = 399, 12000 },
			"database.Storage.IOPS is 12000 with 399 GiB of gp3, want 0 below 400 GiB"},
		"small gp3 with throughput": {func(a *database.Args) { a.Storage.GiB, a.Storage.ThroughputMBps = 399, 500 },
			"database.Storage.ThroughputMBps is 500 with 399 GiB of gp3, want 0 below 400 GiB"},
		"large gp3 with few iops": {func(a *database.Args) { a.Storage.GiB, a.Storage.IOPS = 400, 11999 },
			"database.Storage.IOPS is 11999 with 400 GiB of gp3, want 0 or 12000 to 64000"},
		"large gp3 with little throughput": {func(a *database.Args) { a.Storage.GiB, a.Storage.ThroughputMBps = 400, 499 },
			"database.Storage.ThroughputMBps is 499 with 12000 IOPS, want 0 or 500 to 3000 (a quarter of the IOPS)"},
		"throughput beyond iops": {func(a *database.Args) { a.Storage.GiB, a.Storage.ThroughputMBps = 400, 3001 },
			"database.Storage.ThroughputMBps is 3001 with 12000 IOPS, want 0 or 500 to 3000 (a quarter of the IOPS)"},
		"io2 without iops": {func(a *database.Args) { a.Storage.Type, a.Storage.GiB = "io2", 100 },
			"database.Storage.IOPS is 0 with type io2, want 1000 to 256000"},
		"small io2": {func(a *database.Args) { a.Storage.Type, a.Storage.GiB, a.Storage.IOPS = "io2", 99, 1000 },
			"database.Storage.GiB is 99 with type io2, want 100 or more"},
		"io2 with throughput": {func(a *database.Args) {
			a.Storage = database.Storage{Type: "io2", GiB: 100, IOPS: 1000, ThroughputMBps: 500}
		}, "database.Storage.ThroughputMBps is 500 with type io2, want 0: only gp3 takes it"},
		"user": {func(a *database.Args) { a.Username = "9lives" },
			`database.Username is "9lives", want a letter, then up to 62 letters, digits and underscores`},
		"log retention": {func(a *database.Args) { a.LogRetentionDays = 8 },
			"database.LogRetentionDays is 8, want 0 (for ever) or one of [1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653]"},
		"backups": {func(a *database.Args) { a.BackupRetentionDays = 36 },
			"database.BackupRetentionDays is 36, want 0 to 35"},
		"protected without backups": {func(a *database.Args) { a.DeletionProtection = true },
			"database.BackupRetentionDays is 0 with DeletionProtection, want 1 or more: data worth protecting needs backups"},
		"insights": {func(a *database.Args) { a.Insights = "deluxe" },
			`database.Insights is "deluxe", want "standard", "advanced" or nothing`},
		"monitoring": {func(a *database.Args) { a.MonitoringIntervalSeconds = 20 },
			"database.MonitoringIntervalSeconds is 20, want one of [0 1 5 10 15 30 60]"},
		"log export": {func(a *database.Args) { a.LogExports = []string{"audit"} },
			`database.LogExports[0] is "audit", want one of ["postgresql" "upgrade" "iam-db-auth-error"]`},
		"log export twice": {func(a *database.Args) { a.LogExports = []string{"upgrade", "upgrade"} },
			`database.LogExports[1] is "upgrade" again, want it once`},
		"replicas": {func(a *database.Args) { a.Replicas.Count, a.BackupRetentionDays = 16, 1 },
			"database.Replicas.Count is 16, want 0 to 15"},
		"negative replicas": {func(a *database.Args) { a.Replicas.Count = -1 },
			"database.Replicas.Count is -1, want 0 to 15"},
		"replicas without backups": {func(a *database.Args) { a.Replicas.Count = 1 },
			"database.BackupRetentionDays is 0 with 1 replicas, want 1 or more: RDS makes a replica from a backup"},
		"replica class": {func(a *database.Args) {
			a.Replicas, a.BackupRetentionDays = database.Replicas{Count: 1, Class: "r7g.large"}, 1
		},
			`database.Replicas.Class is "r7g.large", want an RDS class such as db.r7g.large`},
		"replica zone": {func(a *database.Args) {
			a.Replicas, a.BackupRetentionDays = database.Replicas{Count: 1, Zones: []string{"eu-central-1"}}, 1
		}, `database.Replicas.Zones[0] is "eu-central-1", want an availability zone such as eu-central-1a`},
		"replica parameter": {func(a *database.Args) {
			a.Replicas, a.BackupRetentionDays = database.Replicas{Count: 1, Parameters: []database.Parameter{{Name: "jit", Value: "off", ApplyMethod: "immediate"}}}, 1
		}, `database.Replicas.Parameters[jit].Value is "off", want one of 0, 1`},
		"rotation days": {func(a *database.Args) { a.Rotation = database.Rotation{Days: 1001, LambdaARN: pulumi.String("arn")} },
			"database.Rotation.Days is 1001, want 0 to 1000"},
		"rotation by nobody": {func(a *database.Args) { a.Rotation.Days = 30 },
			"database.Rotation.LambdaARN is missing with Days 30, want the function that rotates the password"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := smallDatabase()
			c.change(&args)
			wantFault(t, declareDatabase(args), c.want)
		})
	}
}

func TestDatabaseParameterFaultsNameTheParameter(t *testing.T) {
	cases := map[string]struct {
		parameter database.Parameter
		want      string
	}{
		"static at once": {database.Parameter{Name: "max_connections", Value: "400", ApplyMethod: "immediate"},
			"database.Parameters[max_connections].ApplyMethod is immediate, want pending-reboot: the parameter is static"},
		"method": {database.Parameter{Name: "work_mem", Value: "4096"},
			`database.Parameters[work_mem].ApplyMethod is "", want immediate or pending-reboot`},
		"boolean": {database.Parameter{Name: "jit", Value: "off", ApplyMethod: "immediate"},
			`database.Parameters[jit].Value is "off", want one of 0, 1`},
		"suffix": {database.Parameter{Name: "work_mem", Value: "4MB", ApplyMethod: "immediate"},
			`database.Parameters[work_mem].Value is "4MB", want a whole number from 64 to 2147483647 (kB) or a formula`},
		"empty": {database.Parameter{Name: "work_mem", ApplyMethod: "immediate"},
			"database.Parameters[work_mem].Value is empty, want a value"},
		"plain connections": {database.Parameter{Name: "rds.force_ssl", Value: "0", ApplyMethod: "immediate"},
			`database.Parameters[rds.force_ssl].Value is "0", want 1: every connection is encrypted`},
		"all of memory": {database.Parameter{Name: "shared_buffers", Value: "{DBInstanceClassMemory/8192}", ApplyMethod: "pending-reboot"},
			`database.Parameters[shared_buffers].Value is "{DBInstanceClassMemory/8192}", want at most three quarters of the memory: the instance would not start`},
		"unknown": {database.Parameter{Name: "share_buffers", Value: "1", ApplyMethod: "immediate"},
			"database.Parameters[share_buffers] is not known, want a parameter of RDS for PostgreSQL that can be changed"},
		"of another version": {database.Parameter{Name: "old_snapshot_threshold", Value: "60", ApplyMethod: "pending-reboot"},
			"database.Parameters[old_snapshot_threshold] is none of PostgreSQL 17, want a parameter that it has"},
		"static, of the whole table": {database.Parameter{Name: "track_commit_timestamp", Value: "1", ApplyMethod: "immediate"},
			"database.Parameters[track_commit_timestamp].ApplyMethod is immediate, want pending-reboot: the parameter is static"},
		"not preloaded": {database.Parameter{Name: "auto_explain.log_min_duration", Value: "100", ApplyMethod: "immediate"},
			"database.Parameters[auto_explain.log_min_duration] belongs to auto_explain, want that in shared_preload_libraries"},
		"no name": {database.Parameter{Value: "1", ApplyMethod: "immediate"},
			"database.Parameters[0].Name is empty, want the name of a parameter"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := smallDatabase()
			args.Parameters = []database.Parameter{c.parameter}
			wantFault(t, declareDatabase(args), c.want)
		})
	}
}

func TestDatabaseWindowFaultsSayWhatIsWanted(t *testing.T) {
	cases := []struct{ backup, maintenance, want string }{
		{"25:00-26:00", "", `database.BackupWindow is "25:00-26:00", want hours in UTC such as 02:00-03:00`},
		{"02:00-02:29", "", `database.BackupWindow lasts 29 minutes, want at least 30`},
		{"", "Sun:03:00-Sun:04:00", `database.MaintenanceWindow is "Sun:03:00-Sun:04:00", want days and hours in UTC such as sun:03:30-sun:04:30`},
		{"", "sun:03:00-mon:03:00", `database.MaintenanceWindow lasts 1440 minutes, want less than 1440 (a day)`},
		{"03:30-04:30", "sun:03:00-sun:04:00", `database.BackupWindow is "03:30-04:30" within MaintenanceWindow "sun:03:00-sun:04:00", want them apart`},
		{"23:45-00:15", "mon:00:00-mon:00:30", `database.BackupWindow is "23:45-00:15" within MaintenanceWindow "mon:00:00-mon:00:30", want them apart`},
		{"03:00-03:30", "sun:23:50-mon:03:10", `database.BackupWindow is "03:00-03:30" within MaintenanceWindow "sun:23:50-mon:03:10", want them apart`},
	}
	for _, c := range cases {
		t.Run(c.backup+" and "+c.maintenance, func(t *testing.T) {
			args := smallDatabase()
			args.BackupWindow, args.MaintenanceWindow = c.backup, c.maintenance
			wantFault(t, declareDatabase(args), c.want)
		})
	}
}

func TestDatabaseWindowsMayTouch(t *testing.T) {
	for _, maintenance := range []string{"sun:04:00-sun:05:00", "sun:02:00-sun:03:00", ""} {
		args := smallDatabase()
		args.BackupWindow, args.MaintenanceWindow = "03:00-04:00", maintenance
		graph.Run(t, "dev", declareDatabase(args))
	}
}

func TestDatabaseReportsAllFaultsAtOnce(t *testing.T) {
	args := smallDatabase()
	args.VPCID, args.InstanceClass, args.Storage.GiB = nil, "", 0
	wantFaultsOf(t, declareDatabase(args), "database", "VPCID", "InstanceClass", "Storage.GiB")
}

func TestDatabaseRefusesAPasswordWithoutQuotingIt(t *testing.T) {
	wantPasswordsRefused(t, func(password pulumi.String) func(*pulumi.Context) error {
		args := smallDatabase()
		args.Password = password
		return declareDatabase(args)
	}, "short", "has a space", "slash/slash", `quote"quote`, "at@at-at-at", "Schlüssel-lang", strings.Repeat("x", 129))
}

func TestDatabasePasswordIsSecret(t *testing.T) {
	g := graph.Run(t, "dev", declareDatabase(smallDatabase()))
	if !g.Find("aws:rds/instance:Instance", "db").IsSecret("password") {
		t.Error("the password is plain")
	}
	if strings.Contains(g.Text(), "correct-horse-battery") {
		t.Error("the password is in the graph's text")
	}
}

// What RDS sets only at creation must not replace the instance when it is changed.
func TestDatabaseCreationArgumentsAreIgnoredLater(t *testing.T) {
	g := graph.Run(t, "prod", declareDatabase(databaseShapes["prod"]()))
	ignored := fmt.Sprint(g.Find("aws:rds/instance:Instance", "db").IgnoreChanges)
	for _, property := range []string{"dbName", "username", "kmsKeyId", "storageEncrypted", "performanceInsightsKmsKeyId"} {
		if !strings.Contains(ignored, property) {
			t.Errorf("a change of %s replaces the instance: only %s are ignored", property, ignored)
		}
	}
}

func TestDatabasePinnedMinorIsNotUpgraded(t *testing.T) {
	for version, want := range map[string]bool{"17": true, "17.6": false} {
		args := smallDatabase()
		args.EngineVersion = version
		g := graph.Run(t, "dev", declareDatabase(args))
		if got := g.Find("aws:rds/instance:Instance", "db").Input("autoMinorVersionUpgrade"); got != want {
			t.Errorf("version %s: autoMinorVersionUpgrade is %v, want %v", version, got, want)
		}
		if got := g.Find("aws:rds/parameterGroup:ParameterGroup", "db").Input("family"); got != "postgres17" {
			t.Errorf("version %s: family is %v, want postgres17", version, got)
		}
	}
}

func TestDatabaseParameterIsGivenOnce(t *testing.T) {
	args := smallDatabase()
	args.Parameters = []database.Parameter{
		{Name: "work_mem", Value: "4096", ApplyMethod: "immediate"}, {Name: "work_mem", Value: "8192", ApplyMethod: "immediate"},
	}
	wantFault(t, declareDatabase(args), "database.Parameters[work_mem] is given twice, want it once")
}

func TestDatabaseAlwaysForcesTLS(t *testing.T) {
	g := graph.Run(t, "dev", declareDatabase(smallDatabase()))
	if text := g.Find("aws:rds/parameterGroup:ParameterGroup", "db").Text(); !strings.Contains(text, "rds.force_ssl") {
		t.Errorf("no rds.force_ssl in\n%s", text)
	}
}

// The secret's value is made of the instance's outputs.
func TestDatabaseFirstPreviewNeedsNothingElseKnown(t *testing.T) {
	graph.Preview(t, "prod", declareDatabase(databaseShapes["prod"]()), instanceType)
}

const instanceType = "aws:rds/instance:Instance"

func TestDatabaseReplicaTakesFromThePrimaryWhatRDSRefuses(t *testing.T) {
	g := graph.Run(t, "prod", declareDatabase(databaseShapes["prod"]()))
	for _, name := range []string{"db-replica-1", "db-replica-2"} {
		replica := g.Find(instanceType, name)
		if source := replica.Input("replicateSourceDb"); source != "db-keydbid" {
			t.Errorf("%s replicates %v, want the primary", name, source)
		}
		for _, refused := range []string{"dbName", "username", "password", "manageMasterUserPassword", "dbSubnetGroupName", "kmsKeyId",
			"finalSnapshotIdentifier", "backupRetentionPeriod"} {
			if value := replica.Input(refused); value != nil {
				t.Errorf("%s has %s %v, want none", name, refused, value)
			}
		}
		if replica.Protect || replica.Input("deletionProtection") != false || replica.Input("skipFinalSnapshot") != true {
			t.Errorf("%s is protected from being taken away:\n%s", name, replica.Text())
		}
	}
}

func TestDatabaseReplicasAreSpreadOverTheZones(t *testing.T) {
	args := databaseShapes["prod"]()
	args.Replicas.Count = 3
	g := graph.Run(t, "prod", declareDatabase(args))
	for number, want := range []string{"eu-central-1b", "eu-central-1c", "eu-central-1b"} {
		if zone := g.Find(instanceType, fmt.Sprintf("db-replica-%d", number+1)).Input("availabilityZone"); zone != want {
			t.Errorf("replica %d is in %v, want %s", number+1, zone, want)
		}
	}
}

// RDS wants replicas upgraded before the primary to a minor version, and upgrades them itself to a major one.
func TestDatabaseReplicaHasAVersionOfItsOwnOnlyWhenItIsPinned(t *testing.T) {
	for version, want := range map[string]any{"17": nil, "17.6": "17.6"} {
		args := databaseShapes["prod"]()
		args.EngineVersion = version
		g := graph.Run(t, "prod", declareDatabase(args))
		if got := g.Find(instanceType, "db-replica-1").Input("engineVersion"); got != want {
			t.Errorf("version %s: the replica's is %v, want %v", version, got, want)
		}
	}
}

func TestDatabaseReplicaSettingsKeepRecoveryGoing(t *testing.T) {
	setting := func(value string) []database.Parameter {
		return []database.Parameter{{Name: "max_connections", Value: value, ApplyMethod: "pending-reboot"}}
	}
	const formula = "{DBInstanceClassMemory/9531392}"
	for name, c := range map[string]struct {
		primary, replica []database.Parameter
		class, want      string
	}{
		"missing": {setting("400"), nil, "",
			"database.Replicas.Parameters[max_connections] is missing with 400 on the primary, want no less: recovery would stop"},
		"fewer": {setting("400"), setting("399"), "",
			"database.Replicas.Parameters[max_connections].Value is 399 with 400 on the primary, want no less: recovery would stop"},
		"formula on another class": {setting(formula), setting(formula), "db.t4g.small",
			`database.Replicas.Parameters[max_connections].Value is "` + formula + `" on db.t4g.small with "` + formula + `" on db.t4g.medium, want numbers`},
		"number against formula": {setting(formula), setting("900"), "",
			`database.Replicas.Parameters[max_connections].Value is "900" on db.t4g.medium with "` + formula + `" on db.t4g.medium, want numbers`},
		"as many":                   {setting("400"), setting("400"), "db.t4g.small", ""},
		"formula on the same class": {setting(formula), setting(formula), "", ""},
		"neither says":              {nil, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := smallDatabase()
			args.BackupRetentionDays, args.Parameters = 1, c.primary
			args.Replicas = database.Replicas{Count: 1, Class: c.class, Parameters: c.replica}
			if c.want != "" {
				wantFault(t, declareDatabase(args), c.want)
			} else {
				graph.Run(t, "dev", declareDatabase(args))
			}
		})
	}
}

func TestDatabaseSecretIsWhatRotationFunctionsRead(t *testing.T) {
	version := graph.Run(t, "dev", declareDatabase(databaseShapes["dev"]())).Find("aws:secretsmanager/secretVersion:SecretVersion", "db")
	if !version.IsSecret("secretString") {
		t.Error("the credentials are plain")
	}
	var got map[string]any
	text, ok := version.Input("secretString").(string)
	if err := json.Unmarshal([]byte(text), &got); !ok || err != nil {
		t.Fatalf("the secret is %T, %v, want JSON", version.Input("secretString"), err)
	}
	want := map[string]any{
		"engine": "postgres", "host": "instance/db#address", "port": 5432.0, "dbname": "ragscale", "username": "ragscale",
		"password": "correct-horse-battery",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A function that rotates the password owns it: Pulumi must not put back the one it was configured with.
func TestDatabasePasswordBelongsToTheFunctionThatRotatesIt(t *testing.T) {
	for stack, owned := range map[string]bool{"dev": false, "prod": true} {
		g := graph.Run(t, stack, declareDatabase(databaseShapes[stack]()))
		instance, version := g.Find(instanceType, "db"), g.Find("aws:secretsmanager/secretVersion:SecretVersion", "db")
		if slices.Contains(instance.IgnoreChanges, "password") != owned {
			t.Errorf("%s: the instance ignores %v", stack, instance.IgnoreChanges)
		}
		if slices.Contains(version.IgnoreChanges, "secretString") != owned || slices.Contains(version.IgnoreChanges, "versionStages") != owned {
			t.Errorf("%s: the secret's value ignores %v", stack, version.IgnoreChanges)
		}
		if kept := version.Input("versionStages[1]") != nil; kept != owned {
			t.Errorf("%s: the first version has a stage of its own: %v, want %v", stack, kept, owned)
		}
	}
}

func TestDatabaseRotationWaitsForItsSchedule(t *testing.T) {
	rotation := graph.Run(t, "prod", declareDatabase(databaseShapes["prod"]())).Find("aws:secretsmanager/secretRotation:SecretRotation", "db")
	if now := rotation.Input("rotateImmediately"); now != false {
		t.Errorf("rotateImmediately is %v, want false", now)
	}
	if after := strings.Join(rotation.DependsOn, "\n"); !strings.Contains(after, "SecretVersion db") {
		t.Errorf("rotation does not wait for the secret's value, only for:\n%s", after)
	}
}

// replacing reads which inputs replace an instance from the table that the sandbox's AWS goes by.
func replacing(t *testing.T) []string {
	t.Helper()
	table, err := os.ReadFile("../sandbox/plugins/aws/rules/replace.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		if inputs, ok := strings.CutPrefix(line, instanceType+" "); ok {
			return strings.Fields(inputs)
		}
	}
	t.Fatalf("%s is not in the table", instanceType)
	return nil
}

// anyDatabase is one of the arguments that are valid, with every field drawn anew.
func anyDatabase(r *rand.Rand) database.Args {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	flip := func() bool { return r.IntN(2) == 0 }
	connections := 50 + r.IntN(400)
	setting := func(name string, n int, method string) database.Parameter {
		return database.Parameter{Name: name, Value: fmt.Sprint(n), ApplyMethod: method}
	}
	a := smallDatabase()
	a.InstanceClass = pick("db.t4g.medium", "db.m7g.large", "db.r7g.xlarge")
	a.EngineVersion = pick("16", "17", "17.4", "17.6")
	a.MultiAZ, a.ApplyImmediately, a.DeletionProtection, a.FinalSnapshot = flip(), flip(), flip(), flip()
	a.Storage = anyStorage(r)
	a.DBName, a.Username, a.Password = pick("ragscale", "rag"), pick("ragscale", "owner"), pulumi.String(pick("correct-horse-battery", "another-horse"))
	a.Parameters = []database.Parameter{setting("max_connections", connections, "pending-reboot"), setting("work_mem", 64*(1+r.IntN(99)), "immediate")}
	a.Replicas = database.Replicas{
		Count: r.IntN(4), Class: pick("", "db.r7g.large", "db.r7g.2xlarge"),
		Parameters: []database.Parameter{setting("max_connections", connections+r.IntN(100), "pending-reboot")},
	}
	if flip() {
		a.Replicas.Zones = []string{pick("eu-central-1a", "eu-central-1b"), "eu-central-1c"}
	}
	if flip() {
		a.Rotation = database.Rotation{Days: 1 + r.IntN(90), LambdaARN: pulumi.String("arn:aws:lambda:eu-central-1:123456789012:function:rotate")}
	}
	a.BackupRetentionDays, a.BackupWindow, a.MaintenanceWindow = 1+r.IntN(35), pick("", "01:00-02:00"), pick("", "sun:03:00-sun:04:00")
	a.Insights, a.MonitoringIntervalSeconds = pick("", database.InsightsStandard), []int{0, 15, 60}[r.IntN(3)]
	a.LogExports = [][]string{nil, {"postgresql"}, {"postgresql", "upgrade"}}[r.IntN(3)]
	a.Tags = map[string]string{"stack": pick("dev", "prod")}
	return a
}

func anyStorage(r *rand.Rand) database.Storage {
	gib := 400 + r.IntN(1000)
	return []database.Storage{
		{Type: "gp3", GiB: 20 + r.IntN(300)},
		{Type: "gp3", GiB: gib, MaxGiB: 2 * gib, IOPS: 12000 + r.IntN(4000), ThroughputMBps: 500 + r.IntN(2000)},
		{Type: "io2", GiB: gib, IOPS: 1000 + r.IntN(9000)},
	}[r.IntN(3)]
}

func TestNoChangeOfArgumentsReplacesAnInstance(t *testing.T) {
	const pairs = 200
	inputs, r := replacing(t), rand.New(rand.NewPCG(1, 2))
	before := graph.Run(t, "prod", declareDatabase(anyDatabase(r)))
	for pair := range pairs {
		after := graph.Run(t, "prod", declareDatabase(anyDatabase(r)))
		for _, instance := range after.OfType(instanceType) {
			old := slices.IndexFunc(before.Resources, func(b graph.Resource) bool { return b.Path == instance.Path })
			if old < 0 {
				continue
			}
			for _, input := range inputs {
				was, is := before.Resources[old].Input(input), instance.Input(input)
				if !cmp.Equal(was, is) && !slices.Contains(instance.IgnoreChanges, input) {
					t.Errorf("pair %d: %s goes from %v to %v and replaces %s", pair, input, was, is, instance.Path)
				}
			}
			if len(instance.ReplaceOnChanges) > 0 || instance.DeleteBeforeReplace {
				t.Errorf("pair %d: %s asks to be replaced:\n%s", pair, instance.Path, instance.Text())
			}
		}
		before = after
	}
}

func TestThePrimaryIsTheSameInstanceWhateverItsArguments(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		g := graph.Run(t, "prod", declareDatabase(anyDatabase(r)))
		if id := g.Find(instanceType, "db").Input("identifier"); id != "db-keydbid" {
			t.Errorf("the identifier is %v, want db-keydbid", id)
		}
	}
}
