package ragapi

import (
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// reportRun is once a day, after the upkeep, whose work it checks, and before Europe's working day, which then begins
// with it. An inspection takes seconds, each of its statements half a minute at most.
var reportRun = run{schedule: "50 5 * * *", within: 900, retries: 2}

// reportConnections is what the command opens.
const reportConnections = 1

// A report holds some hundred rows of statistics at most; what it needs has not been measured in a pod yet.
var reportRequests, reportLimits = Resources{CPU: "50m", Memory: "64Mi"}, Resources{Memory: "128Mi"}

// report says in the pod's log what is to be tuned, and the log's collector makes that searchable.
func (d *declaration) report(in podInputs, before []pulumi.Resource) error {
	env, limits := d.retention(), d.args.Report
	env["REPORT_SLOW_STATEMENT"] = milliseconds(limits.SlowStatementMillis)
	env["REPORT_LONG_TRANSACTION"] = milliseconds(limits.LongTransactionMillis)
	env["REPORT_REPLICA_LAG"] = milliseconds(limits.ReplicaLagMillis)
	env["REPORT_REPLICAS"] = strconv.Itoa(limits.Replicas)
	return d.cronJob(workload{
		name: ReportName, suffix: "-report", command: "report",
		requests: reportRequests, limits: reportLimits, pool: reportConnections, env: env,
	}, reportRun, in, before)
}

func milliseconds(n int) string { return strconv.Itoa(n) + "ms" }
