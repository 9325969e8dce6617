package daemon

import (
	"context"
	"slices"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ragscale/ragscale/sandbox/control"
)

// The operator of amazon-cloudwatch-observability as far as it changes other people's pods: it annotates the template of
// a workload that a Service selects, and a pod with the annotation gets a language's agent from an init container.
// Source: https://github.com/aws/amazon-cloudwatch-agent-operator at v3.6.0, pkg/instrumentation: auto/monitor.go,
// auto/annotation.go, helper.go, sdk.go and one file a language; read 2026-11-30. Of autoMonitor, customSelector and
// restartPods are not imitated: both touch more, never less.
const (
	injectAnnotation   = "instrumentation.opentelemetry.io/inject-"
	annotatedByMonitor = "cloudwatch.aws.amazon.com/auto-annotate-"
)

// languageAgent is what one language's injection puts into a pod.
type languageAgent struct {
	language, image string
	copy            []string // command of the init container, without its target
	variable, value string   // by which the runtime finds the agent
	secured         bool     // the init container gets the first container's security context
}

// languageAgents in the order of injection. Images of chart 6.4.0.
var languageAgents = []languageAgent{
	{"java", "adot-autoinstrumentation-java:v2.29.0", []string{"cp", "/javaagent.jar"}, "JAVA_TOOL_OPTIONS",
		" -javaagent:/otel-auto-instrumentation-java/javaagent.jar", false},
	{"nodejs", "adot-autoinstrumentation-node:v0.12.0", copyAll, "NODE_OPTIONS",
		" --require /otel-auto-instrumentation-nodejs/autoinstrumentation.js", true},
	{"python", "adot-autoinstrumentation-python:v0.18.0", copyAll, "PYTHONPATH", "/otel-auto-instrumentation-python", true},
	{"dotnet", "adot-autoinstrumentation-dotnet:v1.14.0", copyAll, "OTEL_DOTNET_AUTO_HOME", "/otel-auto-instrumentation-dotnet", true},
}

var copyAll = []string{"cp", "-r", "/autoinstrumentation/."}

const agentRegistry = "public.ecr.aws/aws-observability/"

// unmonitored are the namespaces that the monitor leaves alone by itself.
var unmonitored = []string{
	"monitoring", "loki", "observability", "opentelemetry-operator-system", "amazon-cloudwatch", "tracing", "ingress-nginx", "traefik",
	"istio-system", "linkerd", "cert-manager", "external-dns", "aws-load-balancer-controller", "kube-system", "kyverno", "gatekeeper-system",
	"falco", "vault", "argocd", "flux-system", "jenkins", "tekton-pipelines", "spinnaker", "harbor", "reloader", "keda", "velero", "minio",
}

// servicesOf returns the selectors of a namespace's Services.
type servicesOf func(ctx context.Context, namespace string) ([]map[string]string, error)

// monitorAnnotations are those that the monitor adds to a workload's template, whose labels are given.
func monitorAnnotations(ctx context.Context, m control.AutoMonitor, services servicesOf, workload metav1.ObjectMeta, template labels.Set) (map[string]string, error) {
	if slices.Contains(unmonitored, workload.Namespace) {
		return nil, nil
	}
	selectors, err := services(ctx, workload.Namespace)
	if err != nil {
		return nil, err
	}
	selected := slices.ContainsFunc(selectors, func(s map[string]string) bool {
		return len(s) > 0 && labels.SelectorFromSet(s).Matches(template)
	})
	if !selected {
		return nil, nil
	}
	out := map[string]string{}
	for _, language := range m.Languages {
		excluded := m.Exclude[language]
		if slices.Contains(excluded, workload.Namespace) || slices.Contains(excluded, workload.Namespace+"/"+workload.Name) {
			continue
		}
		out[injectAnnotation+language], out[annotatedByMonitor+language] = "true", "true"
	}
	return out, nil
}

// injectAgents puts the agents that a pod's annotations ask for into it and says whether there were any.
func injectAgents(pod *core.Pod) bool {
	injected := false
	for _, a := range languageAgents {
		if pod.Annotations[injectAnnotation+a.language] == "true" && len(pod.Spec.Containers) > 0 && takesAgents(pod) {
			a.inject(pod)
			injected = true
		}
	}
	return injected
}

// takesAgents is false where the operator holds back: nobody says which user the init container is, or the program sends
// its traces elsewhere.
func takesAgents(pod *core.Pod) bool {
	first := pod.Spec.Containers[0]
	var nonRoot, user bool
	if s := pod.Spec.SecurityContext; s != nil {
		user = s.RunAsUser != nil
		if s.RunAsNonRoot != nil && *s.RunAsNonRoot && !user {
			return false
		}
	}
	if s := first.SecurityContext; s != nil {
		nonRoot, user = s.RunAsNonRoot != nil && *s.RunAsNonRoot, user || s.RunAsUser != nil
	}
	elsewhere := slices.ContainsFunc(first.Env, func(e core.EnvVar) bool { return e.Name == "OTEL_EXPORTER_OTLP_ENDPOINT" && e.Value != "" })
	return !elsewhere && (!nonRoot || user)
}

func (a languageAgent) inject(pod *core.Pod) {
	folder, volume := "/otel-auto-instrumentation-"+a.language, "opentelemetry-auto-instrumentation-"+a.language
	if slices.ContainsFunc(pod.Spec.InitContainers, func(c core.Container) bool { return c.Name == volume }) {
		return
	}
	mount := core.VolumeMount{Name: volume, MountPath: folder}
	first := &pod.Spec.Containers[0]
	first.Env = append(first.Env, core.EnvVar{Name: a.variable, Value: a.value})
	first.VolumeMounts = append(first.VolumeMounts, mount)
	pod.Spec.Volumes = append(pod.Spec.Volumes, core.Volume{Name: volume, VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}})
	copying := core.Container{
		Name: volume, Image: agentRegistry + a.image, Command: append(slices.Clone(a.copy), folder), VolumeMounts: []core.VolumeMount{mount},
	}
	if a.secured {
		copying.SecurityContext = first.SecurityContext
	}
	pod.Spec.InitContainers = append(pod.Spec.InitContainers, copying)
}
