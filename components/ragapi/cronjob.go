package ragapi

import (
	"fmt"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// startWithin is how late a run may begin, s, after an outage of the control plane for instance.
	startWithin = 6 * 3600
	// runsKept, of those that succeeded and of those that failed, with their pods' logs.
	runsKept = 3
)

// run is when and how long a workload that ends is run.
type run struct {
	schedule string // UTC
	within   int    // s; then it is ended
	retries  int
}

// cronJob declares a workload that is run again and again, and never twice at once.
func (d *declaration) cronJob(w workload, r run, in podInputs, before []pulumi.Resource) error {
	pod := d.pod(d.container(w, in))
	pod.RestartPolicy = pulumi.String("Never") // a failed pod stays, with its log
	_, err := batchv1.NewCronJob(d.ctx, d.name+w.suffix, &batchv1.CronJobArgs{
		Metadata: d.metadata(w.name, w.name),
		Spec: &batchv1.CronJobSpecArgs{
			Schedule:                   pulumi.String(r.schedule),
			TimeZone:                   pulumi.String("Etc/UTC"),
			ConcurrencyPolicy:          pulumi.String("Forbid"),
			StartingDeadlineSeconds:    pulumi.Int(startWithin),
			SuccessfulJobsHistoryLimit: pulumi.Int(runsKept),
			FailedJobsHistoryLimit:     pulumi.Int(runsKept),
			JobTemplate: &batchv1.JobTemplateSpecArgs{Spec: &batchv1.JobSpecArgs{
				ActiveDeadlineSeconds: pulumi.Int(r.within),
				BackoffLimit:          pulumi.Int(r.retries),
				Template: &corev1.PodTemplateSpecArgs{
					Metadata: &metav1.ObjectMetaArgs{Labels: labels(w.name)},
					Spec:     pod,
				},
			}},
		},
	}, d.parent, pulumi.DependsOn(before))
	if err != nil {
		return fmt.Errorf("cron job %s: %w", w.name, err)
	}
	return nil
}
