package stacks_test

import (
	"fmt"
	"testing"
)

// Stack dev: db.t4g.medium without replicas, two to three PgBouncer pods, one cache.t4g.small.
func TestFaultOfTheDataTierNamesTheKey(t *testing.T) {
	tests := []struct{ key, value, want string }{
		{"database", `{"replicas": 16}`, `ragscale:database.replicas is 16, want a whole number from 0 to 15`},
		{"database", `{"replicaClass": "db.t4g.tiny"}`, `ragscale:database.replicaClass is "db.t4g.tiny", want one of db.t4g.2xlarge, db.t4g.large, db.t4g.medium, db.t4g.micro, db.t4g.small, db.t4g.xlarge`},
		{"database", `{"rotation": {"lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:rotate"}}`, `ragscale:database.rotation.lambdaArn is of region us-east-1, want one of eu-central-1, where the secret is`},
		{"database", `{"rotation": {"lambdaArn": "rotate"}}`, `ragscale:database.rotation.lambdaArn is "rotate", want the ARN of a Lambda function, or nothing`},
		{"database", `{"rotation": {"days": 0}}`, `ragscale:database.rotation.days is 0, want a whole number from 1 to 1000`},
		{"database", `{"parameters": {"random_page_cost": "low"}}`, `ragscale:database.parameters.random_page_cost is "low", want 0 to 1.79769e+308`},
		{"database", `{"parameters": {"work_mem": "4MB"}}`, `ragscale:database.parameters.work_mem is "4MB", want a whole number from 64 to 2147483647 (kB) or a formula`},
		{"database", `{"parameters": {"work_mem": 4096}}`, `ragscale:database.parameters.work_mem is 4096, want the value as text, in the parameter's unit`},
		{"database", `{"parameters": {"work_mem": "32"}}`, `ragscale:database.parameters.work_mem is 32, want a whole number from 64 to 2147483647 (kB) or a formula`},
		{"database", `{"parameters": {"jit": "on"}}`, `ragscale:database.parameters.jit is "on", want one of 0, 1`},
		{"database", `{"parameters": {"max_connections": "{DBInstanceClassMemory/9531392}"}}`, `ragscale:database.parameters.max_connections is "{DBInstanceClassMemory/9531392}", want a number: a formula gives less on a smaller replica, whose replay stops`},
		{"database", `{"parameters": {"shared_buffers": "{DBInstanceClassMemory/0}"}}`, `ragscale:database.parameters.shared_buffers is "{DBInstanceClassMemory/0}", want a formula such as {DBInstanceClassMemory/32768}: it divides by zero`},
		{"database", `{"parameters": {"pg_stat_statements.track": "some"}}`, `ragscale:database.parameters["pg_stat_statements.track"] is "some", want one of none, top, all`},
		{"database", `{"parameters": {"work_mem": "65536"}}`, `ragscale:database.parameters.work_mem takes the memory of db.t4g.medium to 18700 MiB (shared_buffers 942 MiB, maintenance 468 MiB, 131 connections and 2 parallel workers 17290 MiB), want at most 2826 MiB, three quarters of it`},
		{"database", `{"parameters": {"shared_buffers": "{DBInstanceClassMemory/10922}", "work_mem": "4096"}}`, `ragscale:database.parameters takes the memory of db.t4g.medium to 4624 MiB (shared_buffers 2826 MiB, maintenance 468 MiB, 131 connections and 2 parallel workers 1330 MiB), want at most 2826 MiB, three quarters of it`},
		{"database", `{"parameters": {"max_connections": "100"}}`, `ragscale:database.parameters.max_connections is 100, want at least 131 (PgBouncer 95, worker 16, migrations 5, reserve 15)`},
		{"database", `{"parameters": {"max_connections": "5000"}}`, `ragscale:database.parameters.max_connections is 5000, too many for db.t4g.medium, want at least db.m6g.4xlarge, or fewer pods or less throughput`},
		{"database", `{"parameters": {"shared_preload_libraries": "pg_stat_statements"}}`, `ragscale:database.parameters.shared_preload_libraries lacks auto_explain, want it in the list, for auto_explain.log_min_duration`},
		{"pgbouncer", `{"min": 1}`, `ragscale:pgbouncer.min is 1, want a whole number from 2 to 50`},
		{"pgbouncer", `{"min": 4}`, `ragscale:pgbouncer.max is 3, want at least min, 4`},
		{"pgbouncer", `{"limits": {"memory": "24Mi"}, "requests": {"memory": "16Mi"}}`, `ragscale:pgbouncer.limits.memory is 24Mi, want at least 25Mi: a pod may hold 133 connections, 114 of clients`},
		{"pgbouncer", `{"requests": {"cpu": "4"}}`, `ragscale:pgbouncer.requests is cpu 4 and memory 64Mi, which fits no node of api or burst, want at most what their largest instance type can allocate: cpu 1430m and memory 5500Mi`},
		{"pgbouncer", `{"max": 20}`, `ragscale:database.instanceClass is db.t4g.medium, too small for 454 connections (PgBouncer 418, worker 16, migrations 5, reserve 15), want at least db.t4g.large, or fewer pods or less throughput`},
		{"cache", `{"nodeType": "cache.t4g.tiny"}`, `ragscale:cache.nodeType is "cache.t4g.tiny", want one of cache.t4g.medium, cache.t4g.micro, cache.t4g.small`},
		{"cache", `{"replicas": 6}`, `ragscale:cache.replicas is 6, want a whole number from 0 to 5`},
		{"cache", `{"workload": "lru"}`, `ragscale:cache.workload is "lru", want one of recent, expiring, durable`},
		{"cache", `{"workingSetMiB": 900}`, `ragscale:cache.workingSetMiB is 900, want at most 785: 80 % (slo.memoryPercent) of the 982 MiB that cache.t4g.small has for data, or cache.t4g.medium`},
		{"cache", `{"workingSetMiB": 1048576}`, `ragscale:cache.workingSetMiB is 1048576, want at most 785: 80 % (slo.memoryPercent) of the 982 MiB that cache.t4g.small has for data`},
		{"cache", `{"snapshotWindow": "01:00-01:30"}`, `ragscale:cache.snapshotWindow lasts 30 minutes, want at least 60`},
		{"cache", `{"maintenanceWindow": "sun:01:30-sun:02:30"}`, `ragscale:cache.maintenanceWindow is "sun:01:30-sun:02:30", want a window apart from snapshotWindow, 01:00-02:00`},
		{"cache", `{"parameters": {"timeout": "10"}}`, `ragscale:cache.parameters.timeout is 10, want 0 or a whole number of at least 20 (s)`},
		{"cache", `{"parameters": {"maxmemory": "1"}}`, `ragscale:cache.parameters.maxmemory is no key here, want one of maxmemory-policy, maxmemory-samples, min-replicas-max-lag, min-replicas-to-write, acl-pubsub-default, acllog-max-len, active-defrag-cycle-max, active-defrag-cycle-min, active-defrag-ignore-bytes, active-defrag-max-scan-fields, active-defrag-threshold-lower, active-defrag-threshold-upper, or 44 others`},
		{"cache", `{"parameters": {"activedefrag": "1"}}`, `ragscale:cache.parameters.activedefrag is "1", want one of yes, no`},
		{"vectorStore", `{"limits": {"memory": "512Mi"}}`, `ragscale:vectorStore.limits.memory is 512Mi, want at least requests.memory, 1Gi`},
		{"vectorStore", `{"storageGiB": 0}`, `ragscale:vectorStore.storageGiB is 0, want a whole number from 1 to 16384`},
		{"vectorStore", `{"snapshotSchedule": "daily"}`, `ragscale:vectorStore.snapshotSchedule is "daily", want a cron expression such as "30 1 * * 1-5" (UTC), or nothing`},
	}
	for _, tt := range tests {
		_, err := parse(map[string]string{"ragscale:" + tt.key: tt.value})
		if got := fmt.Sprint(err); got != tt.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", tt.key, tt.value, got, tt.want)
		}
	}
}

func TestReplicaClassIsTooSmallForWhatReadsOrThePrimaryNeed(t *testing.T) {
	tests := []struct{ slo, database, want string }{
		{`{"throughputRPS": 1000}`, `{"instanceClass": "db.r7g.large", "replicas": 2, "replicaClass": "db.t4g.small"}`,
			`ragscale:database.replicaClass is db.t4g.small, too small for 280 connections (PgBouncer 265, reserve 15), want at least db.t4g.medium, or fewer pods or less throughput`},
		{`{"throughputRPS": 1000}`, `{"instanceClass": "db.r7g.large", "replicas": 15, "replicaClass": "db.t4g.micro"}`,
			`ragscale:database.replicaClass is db.t4g.micro, too small for 121 connections (as many as the primary), want at least db.t4g.small, or fewer pods or less throughput`},
		{`{"throughputRPS": 2000}`, `{"replicas": 1}`,
			`ragscale:database.instanceClass is db.t4g.medium, too small for 505 connections (PgBouncer 490, reserve 15), want at least db.t4g.large, or fewer pods or less throughput`},
	}
	for _, tt := range tests {
		_, err := parse(map[string]string{"ragscale:slo": tt.slo, "ragscale:database": tt.database})
		if got := fmt.Sprint(err); got != tt.want {
			t.Errorf("%s %s\ngot  %s\nwant %s", tt.slo, tt.database, got, tt.want)
		}
	}
}

func TestParameterIsHeldAgainstTheReplicasClassToo(t *testing.T) {
	_, err := parse(map[string]string{"ragscale:database": `{"instanceClass": "db.r7g.large", "replicas": 1, "replicaClass": "db.t4g.medium", "parameters": {"work_mem": "16384"}}`})
	want := `ragscale:database.parameters.work_mem takes the memory of db.t4g.medium to 4368 MiB (shared_buffers 942 MiB, maintenance 468 MiB, 85 connections and 2 parallel workers 2958 MiB), want at most 2826 MiB, three quarters of it`
	if got := fmt.Sprint(err); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
