package loadtest

import (
	"strconv"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/restricted"
	"github.com/ragscale/ragscale/components/loadtest/k6"
)

const (
	generatorName = "load-generator"
	k6Name        = "k6"
	uploadName    = "results"

	// poolLabel is the label and the taint of nodes by their group.
	poolLabel = "ragscale.io/pool"

	scriptsPath  = "/opt/loadtest"
	scenarioPath = "/etc/loadtest"
	resultsPath  = "/results"
	// resultsSize bounds two files of some 30 kB.
	resultsSize = "16Mi"
	tmpSize     = "64Mi"

	// uploadSeconds is how long the upload may take after k6 has ended: seconds, with the CLI's own retries.
	uploadSeconds = 90
	// tokenSecret is who runs against an API that asks for tokens makes in the namespace: tokens are short-lived, and no
	// part of a stack's state.
	tokenSecret, tokenKey = "api-token", "token"
	// peersName is the headless Service under which generators of a run find each other.
	peersName = "generators"
	// nonroot is a user that owns nothing in either image.
	nonroot = 65532
)

// podInputs is what pods take from other resources.
type podInputs struct{ bucket, scripts, scenario pulumi.StringOutput }

// pod is a generator: k6, and the sidecar that waits for its results.
func (d *declaration) pod(s Scenario, in podInputs) *corev1.PodSpecArgs {
	load, sidecar := d.split()
	spec := &corev1.PodSpecArgs{
		ServiceAccountName: pulumi.String(serviceAccountName),
		// with the host name that Kubernetes gives each: JOB-INDEX.generators
		Subdomain:                    pulumi.String(peersName),
		AutomountServiceAccountToken: pulumi.Bool(false),
		EnableServiceLinks:           pulumi.Bool(false),
		RestartPolicy:                pulumi.String("Never"),
		// What is in flight, then k6's summary, then the upload: also when the deadline ends the run.
		TerminationGracePeriodSeconds: pulumi.Int(s.GracefulSeconds + uploadSeconds),
		SecurityContext:               restricted.PodWithVolumes(nonroot),
		InitContainers:                corev1.ContainerArray{d.uploadContainer(s, in, sidecar)},
		Containers:                    corev1.ContainerArray{d.k6Container(s, load)},
		Volumes: corev1.VolumeArray{
			configured("scripts", in.scripts), configured("scenario", in.scenario), empty("results", resultsSize),
			empty("tmp", tmpSize),
		},
		Affinity: apart(),
	}
	if d.args.NodeGroup != "" {
		spec.NodeSelector = pulumi.StringMap{poolLabel: pulumi.String(d.args.NodeGroup)}
		spec.Tolerations = corev1.TolerationArray{&corev1.TolerationArgs{
			Key: pulumi.String(poolLabel), Operator: pulumi.String("Equal"), Value: pulumi.String(d.args.NodeGroup),
			Effect: pulumi.String("NoSchedule"),
		}}
	}
	if d.args.PriorityClassName != "" {
		spec.PriorityClassName = pulumi.String(d.args.PriorityClassName)
	}
	return spec
}

// apart prefers a node without another generator: they share nothing then, the network's bandwidth least of all. It is
// a preference, since a group that starts from zero has room for several on a node.
func apart() *corev1.AffinityArgs {
	return &corev1.AffinityArgs{PodAntiAffinity: &corev1.PodAntiAffinityArgs{
		PreferredDuringSchedulingIgnoredDuringExecution: corev1.WeightedPodAffinityTermArray{&corev1.WeightedPodAffinityTermArgs{
			Weight: pulumi.Int(100),
			PodAffinityTerm: &corev1.PodAffinityTermArgs{
				TopologyKey:   pulumi.String("kubernetes.io/hostname"),
				LabelSelector: &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{nameLabel: pulumi.String(generatorName)}},
			},
		}},
	}}
}

// k6Container runs the generator's segment of the scenario.
func (d *declaration) k6Container(s Scenario, r resources) *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:    pulumi.String(k6Name),
		Image:   pulumi.String(d.args.Image),
		Command: pulumi.ToStringArray([]string{"/bin/sh", scriptsPath + "/" + runFile}),
		Env: append(env(map[string]string{
			"GATHER_SECONDS":      strconv.Itoa(s.GatherSeconds),
			"GENERATORS":          strconv.Itoa(s.Generators),
			"GOMEMLIMIT":          strconv.FormatInt(r.memory/10*9, 10), // the collector works harder before the kernel kills
			"HOME":                "/tmp",
			"PEERS":               peersName,
			k6.EnvAllowProduction: strconv.FormatBool(d.args.AllowProduction),
			k6.EnvEnvironment:     scriptsPath + "/" + environmentKey,
			k6.EnvScenario:        scenarioPath + "/" + scenarioKey,
			// of k6 itself
			"K6_INSECURE_SKIP_TLS_VERIFY": strconv.FormatBool(d.args.TargetUnnamed),
		}), &corev1.EnvVarArgs{Name: pulumi.String(k6.EnvTarget),
			Value: d.args.TargetURL.ToStringOutput().ToStringPtrOutput()},
			fieldEnv(k6.EnvPod, "metadata.name"), fieldEnv(k6.EnvNode, "spec.nodeName"), tokenEnv()),
		Resources:       r.both(),
		SecurityContext: restricted.Container(),
		VolumeMounts: corev1.VolumeMountArray{
			mount("scripts", scriptsPath, true), mount("scenario", scenarioPath, true), mount("results", resultsPath, false),
			mount("tmp", "/tmp", false),
		},
	}
}

// uploadContainer is a native sidecar: an init container that goes on. Kubernetes starts it before k6, stops it when k6
// has ended, whatever the exit code, and the pod is not over before it is.
func (d *declaration) uploadContainer(s Scenario, in podInputs, r resources) *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:          pulumi.String(uploadName),
		Image:         pulumi.String(d.args.UploadImage),
		RestartPolicy: pulumi.String("Always"),
		Command:       pulumi.ToStringArray([]string{"/bin/sh", scriptsPath + "/" + uploadFile}),
		Env: append(env(map[string]string{
			"AWS_MAX_ATTEMPTS": "5",
			"AWS_REGION":       d.args.Region,
			"AWS_RETRY_MODE":   "standard",
			"HOME":             "/tmp",
			"RESULTS_PREFIX":   resultsPrefix,
			"SCENARIO":         s.Name,
		}), &corev1.EnvVarArgs{Name: pulumi.String("RESULTS_BUCKET"), Value: in.bucket.ToStringPtrOutput()}),
		Resources:       r.both(),
		SecurityContext: restricted.Container(),
		VolumeMounts: corev1.VolumeMountArray{mount("scripts", scriptsPath, true), mount("results", resultsPath, true),
			mount("tmp", "/tmp", false)},
	}
}
