// Package loadtest declares the load tests: k6 as Jobs that aim at the API, and a bucket for their results.
//
// Owns: the namespace and its network policies, the ConfigMaps of scripts and scenarios, a CronJob per scenario, the
// Service by which generators find each other, the pods' AWS identity, the results' bucket.
//
// Does not own: the API, the nodes of the generators, runs by hand (`ragscale load run`, or `kubectl create job
// --from=cronjob/NAME`), the numbers of a scenario and what it must keep, what is done with results.
//
// A run is an Indexed Job: each pod is a generator with its segment of the users, and begins when all are there. The
// Job fails when a generator missed a threshold (k6's exit code 99), could not begin, or was ended by the deadline. k6
// is the pod's only container in that account; what uploads the result is a sidecar, which Kubernetes stops when k6 has
// ended, however it ended, and then waits for. So a result is kept whether or not thresholds were, and an upload that
// fails turns no good run into a bad one: the sidecar's exit code has it.
package loadtest

import (
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/quantity"
	"github.com/ragscale/ragscale/components/internal/tag"
	"github.com/ragscale/ragscale/slo"
)

const typeToken = "ragscale:loadtest:LoadTest"

// Args says what is run, at what. Everything plain is checked before anything is declared.
type Args struct {
	// Namespace that the component makes and fills.
	Namespace string
	// ClusterName of the EKS cluster, for the pods' identity.
	ClusterName pulumi.StringInput
	// Region of the bucket.
	Region string
	// DependsOn is what must stand before any Kubernetes object: nodes, the priority class.
	DependsOn []pulumi.Resource

	// Image of k6 2.x with a shell, pinned: "grafana/k6:2.3.0".
	Image string
	// UploadImage has a shell and the AWS CLI, pinned: "public.ecr.aws/aws-cli/aws-cli:2.36.44".
	UploadImage string

	// TargetURL of the API: scheme, host, port.
	TargetURL pulumi.StringInput
	// TargetUnnamed says that TargetURL's host is not in the target's certificate: a load balancer's own name is in none.
	TargetUnnamed bool
	// TargetPorts that generators may connect to: that of TargetURL, and that of the pods when it is a Service's.
	TargetPorts []int
	Scenarios   []Scenario
	Thresholds  slo.LoadTest

	// Production: the target serves real users. Runs then refuse to begin, and none may have a schedule.
	Production bool
	// AllowProduction lets runs aim at production.
	AllowProduction bool

	// Requests of a generator pod as a whole; they are also its limits.
	Requests Resources
	// NodeGroup of the generators: the value of the nodes' label and taint ragscale.io/pool. Empty is any node.
	NodeGroup string
	// PriorityClassName of the pods; empty is the cluster's default.
	PriorityClassName string

	// Environment is what a result may be compared under, such as stack, images, replicas, node types, revision.
	Environment map[string]pulumi.StringInput
	// ResultsRetentionDays of the results: 1 to 3650.
	ResultsRetentionDays int
	// DeletionProtection keeps the bucket when it is not empty.
	DeletionProtection bool

	Tags map[string]string
}

// Scenario is a kind of run.
type Scenario struct {
	// Name of the CronJob: at most 40 lower-case letters, digits and hyphens.
	Name string
	// Users at the same time, over all generators. They come during RampUpSeconds and stay until DurationSeconds.
	Users                          int
	RampUpSeconds, DurationSeconds int
	// ThinkSeconds is the mean pause of a user between two requests: above 0.
	ThinkSeconds float64
	// Generators are pods that share the users: 1 to Users.
	Generators int
	// Schedule in UTC, five fields as in "30 1 * * 1-5", or a descriptor such as @daily. Empty for runs by hand only.
	Schedule string
	// Suspended runs by hand only, whatever Schedule says.
	Suspended bool
	// GracefulSeconds is how long requests in flight may finish after the duration: 0 or more.
	GracefulSeconds int
	// GatherSeconds is how long a generator waits for the others before load begins: above 0 with several.
	GatherSeconds int
	// DeadlineSeconds ends a run, waiting for nodes included: longer than duration, grace and gathering together.
	DeadlineSeconds int
	// StopAtFault raises arrivals to what Users would ask for, and ends the run when a threshold is missed.
	StopAtFault bool
	// AnswersOnly is for a run that is too short for percentiles, or goes beyond the objectives by design: whether
	// everything answers, and as well as it should, is all that it judges.
	AnswersOnly bool
	// Levels in which the users come, each with its part of the ramp and then held: 0, all at once, to Users.
	Levels int
}

// Resources are Kubernetes quantities: CPU "2", Memory "4Gi".
type Resources = quantity.Resources

// LoadTest is what was declared.
type LoadTest struct {
	pulumi.ResourceState

	Namespace pulumi.StringOutput
	// ResultsBucket has results/SCENARIO/JOB/generator-N/summary.json and summary.txt.
	ResultsBucket pulumi.StringOutput
	// RoleARN is what generators may do in AWS.
	RoleARN pulumi.StringOutput
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx       *pulumi.Context
	name      string
	args      Args
	parent    pulumi.ResourceOption
	namespace pulumi.StringOutput // known once the namespace exists, so that data flow orders what is in it
}

// New declares the load tests. The Kubernetes provider comes with opts (pulumi.Providers). Faults of args are reported
// all at once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*LoadTest, error) {
	if err := validate(name, args); err != nil {
		return nil, err
	}
	tests := &LoadTest{}
	d := &declaration{ctx: ctx, name: name, args: args, parent: pulumi.Parent(tests)}
	return component.Declare(ctx, typeToken, name, tests, opts, d.declare, (*LoadTest).outputs)
}

func (tests *LoadTest) outputs() pulumi.Map {
	return pulumi.Map{
		"namespace":     tests.Namespace,
		"resultsBucket": tests.ResultsBucket,
		"roleArn":       tests.RoleARN,
	}
}

func (d *declaration) declare(tests *LoadTest) error {
	bucket, err := d.bucket()
	if err != nil {
		return err
	}
	namespace, err := d.newNamespace()
	if err != nil {
		return err
	}
	d.namespace = namespace.Metadata.Name().Elem()
	role, ready, err := d.identity(bucket)
	if err != nil {
		return err
	}
	policies, err := d.networkPolicies()
	if err != nil {
		return err
	}
	peers, err := d.peers()
	if err != nil {
		return err
	}
	scripts, err := d.scripts()
	if err != nil {
		return err
	}
	tests.Namespace, tests.ResultsBucket, tests.RoleARN = d.namespace, bucket.ID().ToStringOutput(), role.Arn
	return d.cronJobs(podInputs{bucket: tests.ResultsBucket, scripts: nameOf(scripts)},
		slices.Concat(ready, policies, []pulumi.Resource{peers}))
}

func nameOf(config *corev1.ConfigMap) pulumi.StringOutput { return config.Metadata.Name().Elem() }

func (d *declaration) tags(suffix string) pulumi.StringMap {
	return tag.Of(d.args.Tags, "loadtest", d.name+suffix)
}
