package loadtest

import (
	"fmt"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// neverDue is a day that does not come, for scenarios without a schedule: a CronJob has to have one.
	neverDue = "0 0 31 2 *"
	// startWithin is how late a run may begin, s: later it would measure another hour than the one that it is compared
	// with.
	startWithin = 600
	// runsKept of each outcome, with their pods' logs. Results are in the bucket.
	runsKept = 5
)

// peers declares the Service that gives each generator of an Indexed Job a name. It has no port: nobody connects.
// Source: https://kubernetes.io/docs/tasks/job/job-with-pod-to-pod-communication/ ; read 2026-11-24.
func (d *declaration) peers() (*corev1.Service, error) {
	service, err := corev1.NewService(d.ctx, d.name+"-load-"+peersName, &corev1.ServiceArgs{
		Metadata: d.metadata(peersName),
		Spec: &corev1.ServiceSpecArgs{
			ClusterIP: pulumi.String("None"),
			Selector:  pulumi.StringMap{nameLabel: pulumi.String(generatorName)},
		},
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", peersName, err)
	}
	return service, nil
}

func (d *declaration) cronJobs(in podInputs, before []pulumi.Resource) error {
	for _, s := range d.args.Scenarios {
		config, err := d.scenario(s)
		if err != nil {
			return err
		}
		in.scenario = nameOf(config)
		if err := d.cronJob(s, in, before); err != nil {
			return err
		}
	}
	return nil
}

// cronJob declares a scenario. A run by hand is a Job made from it.
func (d *declaration) cronJob(s Scenario, in podInputs, before []pulumi.Resource) error {
	schedule := s.Schedule
	if schedule == "" {
		schedule = neverDue
	}
	_, err := batchv1.NewCronJob(d.ctx, d.name+"-load-"+s.Name, &batchv1.CronJobArgs{
		Metadata: d.metadata(s.Name),
		Spec: &batchv1.CronJobSpecArgs{
			Schedule:                   pulumi.String(schedule),
			TimeZone:                   pulumi.String("Etc/UTC"),
			Suspend:                    pulumi.Bool(s.Suspended),
			ConcurrencyPolicy:          pulumi.String("Forbid"),
			StartingDeadlineSeconds:    pulumi.Int(startWithin),
			SuccessfulJobsHistoryLimit: pulumi.Int(runsKept),
			FailedJobsHistoryLimit:     pulumi.Int(runsKept),
			JobTemplate: &batchv1.JobTemplateSpecArgs{Metadata: &metav1.ObjectMetaArgs{Labels: runLabels(s)},
				Spec: d.job(s, in)},
		},
	}, d.parent, pulumi.DependsOn(before))
	if err != nil {
		return fmt.Errorf("cron job %s: %w", s.Name, err)
	}
	return nil
}

// job is one run: no generator is started twice, for a second would find the first one's load. With a backoff limit of
// 0 Kubernetes would end all generators with the first that fails, in the midst of what they measure: so there may be
// as many failures as generators but one, and none of the same index.
// Source: https://github.com/kubernetes/kubernetes, pkg/controller/job/job_controller.go (exceedsBackoffLimit);
// v1.37.2, read 2026-11-24.
func (d *declaration) job(s Scenario, in podInputs) *batchv1.JobSpecArgs {
	return &batchv1.JobSpecArgs{
		CompletionMode:        pulumi.String("Indexed"),
		Completions:           pulumi.Int(s.Generators),
		Parallelism:           pulumi.Int(s.Generators),
		BackoffLimit:          pulumi.Int(s.Generators - 1),
		BackoffLimitPerIndex:  pulumi.Int(0),
		ActiveDeadlineSeconds: pulumi.Int(s.DeadlineSeconds),
		Template: &corev1.PodTemplateSpecArgs{
			Metadata: &metav1.ObjectMetaArgs{
				Labels: runLabels(s),
				// A run that the cluster autoscaler moves is a run that is lost.
				Annotations: pulumi.StringMap{"cluster-autoscaler.kubernetes.io/safe-to-evict": pulumi.String("false")},
			},
			Spec: d.pod(s, in),
		},
	}
}

// nameLabel is what selectors select by.
const nameLabel = "app.kubernetes.io/name"

func runLabels(s Scenario) pulumi.StringMap {
	all := labels()
	all[nameLabel] = pulumi.String(generatorName)
	all["ragscale.io/scenario"] = pulumi.String(s.Name)
	return all
}
