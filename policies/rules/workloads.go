package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	deployment  = "kubernetes:apps/v1:Deployment"
	statefulSet = "kubernetes:apps/v1:StatefulSet"
	daemonSet   = "kubernetes:apps/v1:DaemonSet"
	job         = "kubernetes:batch/v1:Job"
	cronJob     = "kubernetes:batch/v1:CronJob"
	namespace   = "kubernetes:core/v1:Namespace"
	kubeSecret  = "kubernetes:core/v1:Secret"
	configMap   = "kubernetes:core/v1:ConfigMap"
	volumeClaim = "kubernetes:core/v1:PersistentVolumeClaim"
)

var (
	podOwners = []string{deployment, statefulSet, daemonSet, job, cronJob}
	servers   = []string{deployment, statefulSet}
)

const (
	// mostMemoryRatio and mostCPURatio bound how far limits may be above requests: what the scheduler reserves must be
	// near what a node can be made to give. Memory cannot be taken back, CPU can.
	mostMemoryRatio = 2
	mostCPURatio    = 4
)

var workloads = []Rule{
	{
		Name: "container-resources", Area: Workloads, Levels: everywhere,
		Says:   "Every container requests CPU and memory and has a memory limit.",
		Fix:    "Set ragscale:api.requests and ragscale:api.limits (worker: ragscale:api.worker).",
		Origin: "HPA targets are percent of requests: without them it has nothing to measure against.",
		Types:  podOwners, Check: containerResources,
	},
	{
		Name: "container-limit-ratio", Area: Workloads, Levels: onAWS,
		Says: fmt.Sprintf("Limits are at most %d times the memory and %d times the CPU requested.", mostMemoryRatio,
			mostCPURatio),
		Fix:    "Raise the requests or lower the limits of the workload, as under ragscale:api.",
		Origin: "ratio of this table; beyond it nodes are promised more than they have",
		Types:  podOwners, Check: containerLimitRatio,
	},
	{
		Name: "container-probes", Area: Workloads, Levels: everywhere,
		Says:   "Every container that serves has startup, readiness and liveness probes; the pause image serves nothing.",
		Fix:    "Declare the three probes; readiness must fail when the pod cannot serve.",
		Origin: "availabilityPercent: without readiness a rollout sends requests to pods that cannot answer",
		Types:  servers, Check: containerProbes,
	},
	{
		Name: "container-image-pinned", Area: Workloads, Levels: everywhere,
		Says:   "Every image has a digest, or a tag other than latest.",
		Fix:    "Set ragscale:api.image to a version.",
		Origin: "a roll-back must find what ran before",
		Types:  podOwners, Check: imagePinned,
	},
	{
		Name: "container-restricted", Area: Workloads, Levels: everywhere,
		Says:   "No container can gain privileges, keeps capabilities or writes to its root file system.",
		Fix:    "securityContext: allowPrivilegeEscalation false, capabilities.drop [ALL], readOnlyRootFilesystem true.",
		Origin: "Pod Security Standards, profile restricted; read-only root beyond it",
		Types:  podOwners, Check: containerRestricted,
	},
	{
		Name: "pod-restricted", Area: Workloads, Levels: everywhere,
		Says: "Pods do not run as root, have the runtime's seccomp profile and stay off the host's namespaces and paths.",
		Fix: "securityContext: runAsNonRoot true, seccompProfile.type RuntimeDefault; no hostNetwork, hostPID, hostIPC, " +
			"hostPath.",
		Origin: "Pod Security Standards, profile restricted",
		Types:  podOwners, Check: podRestricted,
	},
	{
		Name: "pod-drain", Area: Workloads, Levels: everywhere,
		Says:   "A pod that stops has longer than its preStop hook to finish what it has begun.",
		Fix:    "Raise ragscale:api.drainSeconds; terminationGracePeriodSeconds follows from it.",
		Origin: "availabilityPercent: a pod that is killed breaks the requests it holds",
		Types:  servers, Check: podDrain,
	},
	{
		Name: "rollout-keeps-capacity", Area: Workloads, Levels: everywhere,
		Says:   "A rolling update starts new pods before it stops old ones, those of the pause image apart.",
		Fix:    "strategy.rollingUpdate: maxUnavailable 0, maxSurge above 0.",
		Origin: "throughputRPS: an update at peak must not take capacity away",
		Types:  []string{deployment}, Check: rolloutKeepsCapacity,
	},
	{
		Name: "namespace-restricted", Area: Workloads, Levels: everywhere,
		Says:   "Every namespace enforces the restricted pod security profile.",
		Fix:    "Label pod-security.kubernetes.io/enforce: restricted.",
		Origin: "Pod Security Standards",
		Types:  []string{namespace}, Check: namespaceRestricted,
	},
	{
		Name: "secret-encrypted", Area: Workloads, Levels: everywhere,
		Says:   "Values of Kubernetes Secrets are secret to the engine too.",
		Fix:    "Make them from pulumi.ToSecret or a secret configuration value.",
		Origin: "the state file and every preview show what is not secret",
		Types:  []string{kubeSecret}, Check: kubeSecretEncrypted,
	},
	{
		Name: "environment-without-secrets", Area: Workloads, Levels: everywhere,
		Says:   "No environment variable that is named like a secret has its value in the pod.",
		Fix:    "Take it from a Secret: valueFrom.secretKeyRef or envFrom.secretRef.",
		Origin: "whoever may read pods must not read passwords",
		Types:  podOwners, Check: environmentWithoutSecrets,
	},
}

// podTemplate is where the pod's metadata and spec are.
func podTemplate(r Resource) Property {
	if r.Type == cronJob {
		return r.At("spec", "jobTemplate", "spec", "template")
	}
	return r.At("spec", "template")
}

func podSpec(r Resource) Property { return podTemplate(r).At("spec") }

func containers(r Resource) []Property {
	spec := podSpec(r)
	return slices.Concat(spec.At("initContainers").Each(), spec.At("containers").Each())
}

func containerResources(r Resource, _ Thresholds, p *Report) {
	for _, c := range containers(r) {
		for _, path := range [][]string{{"requests", "cpu"}, {"requests", "memory"}, {"limits", "memory"}} {
			p.isSet(r, c.At("resources").At(path...), "a quantity")
		}
	}
}

func containerLimitRatio(r Resource, _ Thresholds, p *Report) {
	ratios := map[string]float64{"memory": mostMemoryRatio, "cpu": mostCPURatio}
	for _, c := range containers(r) {
		for resource, most := range ratios {
			request, requested := quantity(c.At("resources", "requests", resource))
			limit := c.At("resources", "limits", resource)
			v, limited := quantity(limit)
			if requested && limited && v > most*request {
				p.fault(r, limit, fmt.Sprintf("at most %v times the request of %s", most,
					c.At("resources", "requests", resource).show()))
			}
		}
	}
}

// program is what a container runs: the last name of its image, "pause" of registry.k8s.io/pause:3.10. "" when not
// known.
func program(container Property) string {
	image := container.At("image").Text()
	last := image[strings.LastIndexByte(image, '/')+1:]
	name, _, _ := strings.Cut(last, "@")
	name, _, _ = strings.Cut(name, ":")
	return name
}

// holdsRoom tells whether all that a workload runs is the pause image, which does nothing, or may be: it keeps room on
// the nodes for pods that do.
func holdsRoom(r Resource) bool {
	if !podSpec(r).At("containers").Undecided() && len(containers(r)) == 0 {
		return false
	}
	return !slices.ContainsFunc(containers(r),
		func(c Property) bool { return !c.At("image").Unknown() && program(c) != "pause" })
}

func containerProbes(r Resource, _ Thresholds, p *Report) {
	if holdsRoom(r) {
		return
	}
	for _, c := range podSpec(r).At("containers").Each() {
		for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
			p.isSet(r, c.At(probe), "a probe")
		}
	}
}

func imagePinned(r Resource, _ Thresholds, p *Report) {
	for _, c := range containers(r) {
		image := c.At("image")
		if image.Unknown() || strings.Contains(image.Text(), "@sha256:") {
			continue
		}
		last := image.Text()[strings.LastIndexByte(image.Text(), '/')+1:]
		if _, tag, tagged := strings.Cut(last, ":"); !tagged || tag == "" || tag == "latest" {
			p.fault(r, image, "a digest, or a tag other than latest")
		}
	}
}

func containerRestricted(r Resource, _ Thresholds, p *Report) {
	for _, c := range containers(r) {
		context := c.At("securityContext")
		p.isNotTrue(r, context.At("privileged"))
		escalation := context.At("allowPrivilegeEscalation")
		if !escalation.Unknown() && (escalation.Absent() || escalation.True()) {
			p.fault(r, escalation, "false")
		}
		p.contains(r, context.At("capabilities", "drop"), "ALL")
		p.isTrue(r, context.At("readOnlyRootFilesystem"))
	}
}

func podRestricted(r Resource, _ Thresholds, p *Report) {
	spec := podSpec(r)
	p.isTrue(r, spec.At("securityContext", "runAsNonRoot"))
	p.isOneOf(r, spec.At("securityContext", "seccompProfile", "type"), "RuntimeDefault", "Localhost")
	for _, host := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		p.isNotTrue(r, spec.At(host))
	}
	for _, volume := range spec.At("volumes").Each() {
		if path := volume.At("hostPath"); !path.Absent() && !path.Unknown() {
			p.fault(r, path, "no path of the host")
		}
	}
}

// podDrain counts the default grace period of Kubernetes, 30 s.
func podDrain(r Resource, _ Thresholds, p *Report) {
	grace := podSpec(r).At("terminationGracePeriodSeconds")
	seconds, known := grace.Number()
	if grace.Absent() {
		seconds, known = 30, true
	}
	for _, c := range podSpec(r).At("containers").Each() {
		sleep := c.At("lifecycle", "preStop", "sleep", "seconds")
		if asleep, sleeps := sleep.Number(); known && sleeps && seconds <= asleep {
			p.fault(r, grace, fmt.Sprintf("more than the %v s of the preStop hook", asleep))
		}
	}
}

func rolloutKeepsCapacity(r Resource, _ Thresholds, p *Report) {
	if holdsRoom(r) {
		return
	}
	strategy := r.At("spec", "strategy")
	if strategy.At("type").Text() == "Recreate" {
		p.fault(r, strategy.At("type"), "RollingUpdate")
		return
	}
	unavailable := strategy.At("rollingUpdate", "maxUnavailable")
	if !unavailable.Unknown() && !isNone(unavailable) {
		p.fault(r, unavailable, "0")
	}
	surge := strategy.At("rollingUpdate", "maxSurge") // 25 % unless said
	if isNone(surge) {
		p.fault(r, surge, "more than 0")
	}
}

func namespaceRestricted(r Resource, _ Thresholds, p *Report) {
	p.isOneOf(r, r.At("metadata", "labels", "pod-security.kubernetes.io/enforce"), "restricted")
}

func kubeSecretEncrypted(r Resource, _ Thresholds, p *Report) {
	for _, field := range []string{"data", "stringData"} {
		values := r.At(field)
		if values.Absent() || values.Unknown() || values.Secret() {
			continue
		}
		for _, v := range values.Members() {
			if !v.Secret() && !v.Unknown() && !v.Absent() {
				p.about(r, v.Path, "in clear", "a secret")
			}
		}
	}
}

// secretName matches the names that secrets go by. A path or a time to live of one is no secret.
var secretName = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$`)

func environmentWithoutSecrets(r Resource, _ Thresholds, p *Report) {
	for _, c := range containers(r) {
		for _, v := range c.At("env").Each() {
			if value := v.At("value"); secretName.MatchString(v.At("name").Text()) && !value.Absent() && !value.Unknown() {
				p.about(r, value.Path, "the value of "+v.At("name").Text(), "a reference to a Secret")
			}
		}
	}
}
