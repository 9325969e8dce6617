package stacks_test

import (
	"fmt"

	"github.com/ragscale/ragscale/stacks"
)

// Every fault comes at once, each with its path.
func ExampleParse_faults() {
	_, err := stacks.Parse("dev", map[string]string{
		"aws:region":     "eu-central-1",
		"ragscale:api":   `{"auth": {"enabled": false}}`,
		"ragscale:cache": `{"replcas": 1}`,
		"ragscale:slo":   `{"cpuPercent": 170}`,
	})
	fmt.Println(err)
	// Output:
	// ragscale:cache.replcas is no known key (did you mean replicas?), want one of nodeType, replicas, workingSetMiB, workload, snapshotRetentionDays, snapshotWindow, maintenanceWindow, parameters
	// ragscale:slo.cpuPercent is 170, want a number from 1 to 99
}

// From objectives to connections.
func ExamplePools() {
	pools := stacks.Pools(
		stacks.SLO{ThroughputRPS: 400, ResponseSeconds: 1, HPA: stacks.HPA{MinReplicas: 3, MaxReplicas: 10}},
		stacks.API{Worker: stacks.Worker{Max: 2}},
		stacks.PgBouncer{Min: 2, Max: 4},
		stacks.Database{Replicas: 1},
	)
	fmt.Printf("in use %.0f, each API pod %d to write and %d to read, max_connections %d\n",
		pools.Demand.Busy, pools.API.Write, pools.API.Read, pools.Primary.MaxConnections)
	// Output: in use 20, each API pod 4 to write and 4 to read, max_connections 62
}
