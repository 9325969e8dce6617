package ragapi

import (
	"fmt"
	"strconv"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// upkeepSchedule is once a day, off the full hour at which everybody's jobs run. Partitions are made two days ahead, so
	// that a day may be missed.
	upkeepSchedule = "20 0 * * *"
	// upkeepStartWithin is how late a run may begin, after an outage of the control plane for instance.
	upkeepStartWithin = 6 * 3600
	// upkeepWithin is when a run is ended: its work takes seconds, its waits for locks are bounded.
	upkeepWithin  = 1800
	upkeepRetries = 3
	upkeepHistory = 3
	// upkeepConnections is what the command opens.
	upkeepConnections = 2
)

// upkeep keeps the query log's days, and deletes expired sessions.
func (d *declaration) upkeep(in podInputs, before []pulumi.Resource) error {
	w := workload{name: UpkeepName, command: "upkeep", requests: d.args.Worker.Requests, limits: d.args.Worker.Limits, pool: upkeepConnections}
	if days := d.args.QueryLogRetentionDays; days > 0 {
		w.env = map[string]string{"QUERY_LOG_RETENTION": strconv.Itoa(24*days) + "h"}
	}
	pod := d.pod(d.container(w, in))
	pod.RestartPolicy = pulumi.String("Never") // a failed pod stays, with its log
	_, err := batchv1.NewCronJob(d.ctx, d.name+"-upkeep", &batchv1.CronJobArgs{
		Metadata: d.metadata(UpkeepName, UpkeepName),
		Spec: &batchv1.CronJobSpecArgs{
			Schedule:                   pulumi.String(upkeepSchedule),
			TimeZone:                   pulumi.String("Etc/UTC"),
			ConcurrencyPolicy:          pulumi.String("Forbid"),
			StartingDeadlineSeconds:    pulumi.Int(upkeepStartWithin),
			SuccessfulJobsHistoryLimit: pulumi.Int(upkeepHistory),
			FailedJobsHistoryLimit:     pulumi.Int(upkeepHistory),
			JobTemplate: &batchv1.JobTemplateSpecArgs{Spec: &batchv1.JobSpecArgs{
				ActiveDeadlineSeconds: pulumi.Int(upkeepWithin),
				BackoffLimit:          pulumi.Int(upkeepRetries),
				Template: &corev1.PodTemplateSpecArgs{
					Metadata: &metav1.ObjectMetaArgs{Labels: labels(UpkeepName)},
					Spec:     pod,
				},
			}},
		},
	}, d.parent, pulumi.DependsOn(before))
	if err != nil {
		return fmt.Errorf("cron job %s: %w", UpkeepName, err)
	}
	return nil
}
