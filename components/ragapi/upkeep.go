package ragapi

import (
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// upkeepRun is once a day, off the full hour at which everybody's jobs run. Partitions are made two days ahead, so that
// a day may be missed. Its work takes seconds, its waits for locks are bounded.
var upkeepRun = run{schedule: "20 0 * * *", within: 1800, retries: 3}

// upkeepConnections is what the command opens.
const upkeepConnections = 2

// upkeep keeps the query log's days, and deletes expired sessions.
func (d *declaration) upkeep(in podInputs, before []pulumi.Resource) error {
	return d.cronJob(workload{
		name: UpkeepName, suffix: "-upkeep", command: "upkeep",
		requests: d.args.Worker.Requests, limits: d.args.Worker.Limits, pool: upkeepConnections, env: d.retention(),
	}, upkeepRun, in, before)
}

// retention of the query log, which the upkeep keeps and the report checks.
func (d *declaration) retention() map[string]string {
	if d.args.QueryLogRetentionDays == 0 {
		return map[string]string{}
	}
	return map[string]string{"QUERY_LOG_RETENTION": strconv.Itoa(24*d.args.QueryLogRetentionDays) + "h"}
}
