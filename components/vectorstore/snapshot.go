package vectorstore

import (
	_ "embed" // the script
	"fmt"
	"strconv"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	storagev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/storage/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/restricted"
)

// script saves and restores through Chroma's API. Why so, and not by copies of the volume: docs/decisions/0005.
//
//go:embed snapshot.mjs
var script string

const (
	scriptPath    = "/opt/snapshot"
	scriptFile    = "snapshot.mjs"
	snapshotsPath = "/snapshots"
)

// jobNames are the workloads of snapshots, by which network policies select them.
var jobNames = []string{SnapshotName, RestoreName}

// Bounds of a run, in seconds.
const (
	// startWithin is how late a run may start, after the cluster was away.
	startWithin = 3600
	// runWithin ends a run that hangs, well before the next daily one.
	runWithin = 6 * 3600
)

// jobResources are those of a script that holds the ids of one collection and a few hundred vectors at a time.
var (
	jobRequests = Resources{CPU: "100m", Memory: "256Mi"}
	jobLimits   = Resources{Memory: "512Mi"}
)

// snapshots declares two CronJobs: one that saves, and one for restoring that never runs by itself. A restore is
// `kubectl -n NAMESPACE create job --from=cronjob/chroma-restore restore`.
func (d *declaration) snapshots(class *storagev1.StorageClass, service *corev1.Service,
	policies []pulumi.Resource) error {
	claim, err := d.claim(snapshotClaim, d.args.Snapshot.StorageGiB, class)
	if err != nil {
		return err
	}
	program, err := d.configMap(SnapshotName, scriptFile, script)
	if err != nil {
		return err
	}
	for _, j := range []job{
		{name: SnapshotName, command: "save"},
		{name: RestoreName, command: "restore", suspended: true},
	} {
		j.claim, j.program, j.url = claim, program, d.url(service)
		if err := d.cronJob(j, policies); err != nil {
			return err
		}
	}
	return nil
}

// job is one of the two.
type job struct {
	name, command string
	suspended     bool
	claim         *corev1.PersistentVolumeClaim
	program       *corev1.ConfigMap
	url           pulumi.StringOutput
}

func (d *declaration) cronJob(j job, policies []pulumi.Resource) error {
	_, err := batchv1.NewCronJob(d.ctx, d.name+"-"+j.command, &batchv1.CronJobArgs{
		Metadata: d.metadata(j.name, j.name),
		Spec: &batchv1.CronJobSpecArgs{
			Schedule:                   pulumi.String(d.args.Snapshot.Schedule),
			TimeZone:                   pulumi.String("Etc/UTC"),
			Suspend:                    pulumi.Bool(j.suspended),
			ConcurrencyPolicy:          pulumi.String("Forbid"),
			StartingDeadlineSeconds:    pulumi.Int(startWithin),
			SuccessfulJobsHistoryLimit: pulumi.Int(3),
			FailedJobsHistoryLimit:     pulumi.Int(3),
			JobTemplate: &batchv1.JobTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: labels(j.name)},
				Spec: &batchv1.JobSpecArgs{
					BackoffLimit:          pulumi.Int(2),
					ActiveDeadlineSeconds: pulumi.Int(runWithin),
					Template: &corev1.PodTemplateSpecArgs{
						Metadata: &metav1.ObjectMetaArgs{Labels: labels(j.name)},
						Spec:     d.jobPod(j),
					},
				},
			},
		},
	}, d.parent, pulumi.DependsOn(policies))
	if err != nil {
		return fmt.Errorf("job %s: %w", j.name, err)
	}
	return nil
}

// jobPod prefers a zone without the server: the volume of snapshots is made where the first run is, and then outlives
// the loss of the server's zone.
func (d *declaration) jobPod(j job) *corev1.PodSpecArgs {
	spec := d.pod(d.jobContainer(j))
	spec.RestartPolicy = pulumi.String("Never")
	spec.Volumes = corev1.VolumeArray{claimed("snapshots", j.claim), configured("program", j.program)}
	spec.Affinity = &corev1.AffinityArgs{PodAntiAffinity: &corev1.PodAntiAffinityArgs{
		PreferredDuringSchedulingIgnoredDuringExecution: corev1.WeightedPodAffinityTermArray{&corev1.WeightedPodAffinityTermArgs{
			Weight: pulumi.Int(100),
			PodAffinityTerm: &corev1.PodAffinityTermArgs{
				TopologyKey: pulumi.String("topology.kubernetes.io/zone"), LabelSelector: serverPods(),
			},
		}},
	}}
	return spec
}

func (d *declaration) jobContainer(j job) *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:    pulumi.String(j.name),
		Image:   pulumi.String(d.args.Snapshot.Image),
		Command: pulumi.ToStringArray([]string{"node", scriptPath + "/" + scriptFile, j.command}),
		Env: corev1.EnvVarArray{
			&corev1.EnvVarArgs{Name: pulumi.String("CHROMA_URL"), Value: j.url},
			&corev1.EnvVarArgs{Name: pulumi.String("SNAPSHOT_FOLDER"), Value: pulumi.String(snapshotsPath)},
			&corev1.EnvVarArgs{Name: pulumi.String("SNAPSHOT_KEEP"), Value: pulumi.String(strconv.Itoa(d.args.Snapshot.Keep))},
		},
		Resources:       &corev1.ResourceRequirementsArgs{Requests: jobRequests.Map(), Limits: jobLimits.Map()},
		SecurityContext: restricted.Container(),
		VolumeMounts: corev1.VolumeMountArray{mount("snapshots", snapshotsPath, false),
			mount("program", scriptPath, true)},
	}
}
