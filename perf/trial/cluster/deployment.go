package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragscale/ragscale/perf/trial"
)

// endSeconds is how long a pod of an arm may take to end: nobody sends it requests any more.
const endSeconds = 10

// Change is what an arm's pods have otherwise than the stack's own.
type Change struct {
	Env      map[string]string // variables of the API's container
	Unset    []string          // variables that it has not
	Image    string            // "" for the stack's
	Args     []string          // nil for the stack's
	Requests map[string]string // resource to quantity; "" for none
	Limits   map[string]string
}

// apply changes a container.
func (c Change) apply(container *corev1.Container) error {
	if c.Image != "" {
		container.Image = c.Image
	}
	if c.Args != nil {
		container.Args = c.Args
	}
	container.Env = slices.DeleteFunc(container.Env, func(e corev1.EnvVar) bool {
		_, changed := c.Env[e.Name]
		return changed || slices.Contains(c.Unset, e.Name)
	})
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: c.Env[name]})
	}
	requests, err := quantities("requests", container.Resources.Requests, c.Requests)
	limits, err2 := quantities("limits", container.Resources.Limits, c.Limits)
	container.Resources.Requests, container.Resources.Limits = requests, limits
	return errors.Join(err, err2)
}

func quantities(of string, had corev1.ResourceList, change map[string]string) (corev1.ResourceList, error) {
	all := maps.Clone(had)
	if all == nil {
		all = corev1.ResourceList{}
	}
	for name, text := range change {
		if text == "" {
			delete(all, corev1.ResourceName(name))
			continue
		}
		q, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("%s.%s is %q: %w", of, name, text, err)
		}
		all[corev1.ResourceName(name)] = q
	}
	return all, nil
}

// deploymentOf an arm is the stack's own, changed: as many pods as the other arm, which nothing of the stack's selects.
func (s *Stage) deploymentOf(own *appsv1.Deployment, side trial.Side, change Change) (*appsv1.Deployment, error) {
	name := s.armName(side)
	labels := map[string]string{nameLabel: name, Label: strings.ToLower(string(side))}
	template := own.Spec.Template.DeepCopy()
	template.Labels = labels
	end := int64(endSeconds)
	template.Spec.TerminationGracePeriodSeconds = &end
	template.Spec.TopologySpreadConstraints = nil
	i := slices.IndexFunc(template.Spec.Containers, func(c corev1.Container) bool { return c.Name == s.Deployment })
	if i < 0 {
		return nil, fmt.Errorf("deployment %s has no container %s", own.Name, s.Deployment)
	}
	container := &template.Spec.Containers[i]
	container.Lifecycle = nil
	if err := change.apply(container); err != nil {
		return nil, err
	}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.Namespace, Labels: labels},
		Spec: appsv1.DeploymentSpec{Replicas: &s.Replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: *template},
	}, nil
}

// servicePort is the port that the API listens on.
func servicePort(d *appsv1.Deployment) int32 { return port(d.Spec.Template.Spec, "http") }

// port of a name; 0 where no container has it.
func port(spec corev1.PodSpec, name string) int32 {
	for _, c := range spec.Containers {
		for _, p := range c.Ports {
			if p.Name == name {
				return p.ContainerPort
			}
		}
	}
	return 0
}
