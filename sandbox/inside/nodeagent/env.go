package nodeagent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// defaultPath is the search path of a container whose image names none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// objects reads what a pod refers to.
type objects interface {
	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	Token(ctx context.Context, pod *corev1.Pod, want *corev1.ServiceAccountTokenProjection) (token, error)
	ClaimFolder(ctx context.Context, namespace, claim string) (string, error)
	Services(namespace string) ([]*corev1.Service, error)
}

// containerEnv is the environment of a container as sorted NAME=value lines. Later sources win: Services, the image, envFrom,
// env. An error says which object or key is missing.
func containerEnv(ctx context.Context, src objects, v view, c *corev1.Container, image Image, apiService string) ([]string, error) {
	env := map[string]string{"PATH": defaultPath, "HOSTNAME": v.hostname(), "HOME": "/"}
	services, err := src.Services(v.pod.Namespace)
	if err != nil {
		return nil, err
	}
	maps.Copy(env, serviceLinks(services, v.pod, apiService))
	maps.Copy(env, image.Env)
	for _, from := range c.EnvFrom {
		values, err := envFrom(ctx, src, v.pod.Namespace, from)
		if err != nil {
			return nil, err
		}
		maps.Copy(env, values)
	}
	for _, e := range c.Env {
		value, set, err := envValue(ctx, src, v, c, e, env)
		if err != nil {
			return nil, fmt.Errorf("env %s: %w", e.Name, err)
		}
		if set {
			env[e.Name] = value
		}
	}
	lines := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		lines = append(lines, name+"="+env[name])
	}
	return lines, nil
}

func envFrom(ctx context.Context, src objects, namespace string, from corev1.EnvFromSource) (map[string]string, error) {
	values := map[string]string{}
	if r := from.ConfigMapRef; r != nil {
		cm, err := src.ConfigMap(ctx, namespace, r.Name)
		if err != nil {
			return nil, unlessOptional(err, r.Optional)
		}
		for k, v := range cm.Data {
			values[from.Prefix+k] = v
		}
	}
	if r := from.SecretRef; r != nil {
		secret, err := src.Secret(ctx, namespace, r.Name)
		if err != nil {
			return nil, unlessOptional(err, r.Optional)
		}
		for k, v := range secret.Data {
			values[from.Prefix+k] = string(v)
		}
	}
	return values, nil
}

// unlessOptional drops a "not found" of something optional.
func unlessOptional(err error, optional *bool) error {
	if apierrors.IsNotFound(err) && optional != nil && *optional {
		return nil
	}
	return err
}

// envValue is one variable's value; set is false where its optional source does not exist.
func envValue(ctx context.Context, src objects, v view, c *corev1.Container, e corev1.EnvVar, env map[string]string) (value string, set bool, err error) {
	from := e.ValueFrom
	switch {
	case from == nil:
		return expand(e.Value, env), true, nil
	case from.FieldRef != nil:
		value, err = v.field(from.FieldRef.FieldPath)
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err = v.resourceField(c, from.ResourceFieldRef)
		return value, true, err
	case from.ConfigMapKeyRef != nil:
		return configMapKey(ctx, src, v.pod.Namespace, from.ConfigMapKeyRef)
	case from.SecretKeyRef != nil:
		return secretKey(ctx, src, v.pod.Namespace, from.SecretKeyRef)
	}
	return "", false, fmt.Errorf("has a source that this node does not know, want fieldRef, resourceFieldRef, configMapKeyRef or secretKeyRef")
}

func configMapKey(ctx context.Context, src objects, namespace string, ref *corev1.ConfigMapKeySelector) (string, bool, error) {
	cm, err := src.ConfigMap(ctx, namespace, ref.Name)
	if err != nil {
		return "", false, unlessOptional(err, ref.Optional)
	}
	value, ok := cm.Data[ref.Key]
	if !ok && (ref.Optional == nil || !*ref.Optional) {
		return "", false, fmt.Errorf("couldn't find key %s in ConfigMap %s/%s", ref.Key, namespace, ref.Name)
	}
	return value, ok, nil
}

func secretKey(ctx context.Context, src objects, namespace string, ref *corev1.SecretKeySelector) (string, bool, error) {
	secret, err := src.Secret(ctx, namespace, ref.Name)
	if err != nil {
		return "", false, unlessOptional(err, ref.Optional)
	}
	value, ok := secret.Data[ref.Key]
	if !ok && (ref.Optional == nil || !*ref.Optional) {
		return "", false, fmt.Errorf("couldn't find key %s in Secret %s/%s", ref.Key, namespace, ref.Name)
	}
	return string(value), ok, nil
}

// expand replaces $(NAME) by the variable's value. $$ is an escaped $, and a name that is not set stays as it is.
func expand(s string, env map[string]string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i == len(s)-1 {
			return b.String() + s
		}
		b.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexByte(s, ')')
		switch {
		case s[1] == '$':
			b.WriteByte('$')
			s = s[2:]
		case s[1] == '(' && end > 0:
			if value, ok := env[s[2:end]]; ok {
				b.WriteString(value)
			} else {
				b.WriteString(s[:end+1])
			}
			s = s[end+1:]
		default:
			b.WriteByte('$')
			s = s[1:]
		}
	}
}

// environ turns NAME=value lines into a map.
func environ(lines []string) map[string]string {
	env := make(map[string]string, len(lines))
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	return env
}

// view is what the downward API shows of a pod.
type view struct {
	pod         *corev1.Pod
	podIP       string
	hostIP      string
	allocatable corev1.ResourceList // of the node: the limit of a container without one
}

func (v view) hostname() string {
	if v.pod.Spec.Hostname != "" {
		return v.pod.Spec.Hostname
	}
	return v.pod.Name
}

// field is the value of a fieldRef path.
func (v view) field(path string) (string, error) {
	if name, key, ok := subscript(path); ok {
		switch name {
		case "metadata.labels":
			return v.pod.Labels[key], nil
		case "metadata.annotations":
			return v.pod.Annotations[key], nil
		}
	}
	plain := map[string]string{
		"metadata.name":           v.pod.Name,
		"metadata.namespace":      v.pod.Namespace,
		"metadata.uid":            string(v.pod.UID),
		"metadata.labels":         quoted(v.pod.Labels),
		"metadata.annotations":    quoted(v.pod.Annotations),
		"spec.nodeName":           v.pod.Spec.NodeName,
		"spec.serviceAccountName": v.pod.Spec.ServiceAccountName,
		"status.podIP":            v.podIP,
		"status.podIPs":           v.podIP,
		"status.hostIP":           v.hostIP,
		"status.hostIPs":          v.hostIP,
	}
	value, ok := plain[path]
	if !ok {
		return "", fmt.Errorf("fieldPath %s is not supported", path)
	}
	return value, nil
}

// subscript splits metadata.labels['key'].
func subscript(path string) (name, key string, ok bool) {
	name, rest, ok := strings.Cut(path, "['")
	if !ok {
		return "", "", false
	}
	key, ok = strings.CutSuffix(rest, "']")
	return name, key, ok
}

// quoted is a map as the downward API writes it: sorted lines of key="value".
func quoted(m map[string]string) string {
	lines := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, k+"="+strconv.Quote(m[k]))
	}
	return strings.Join(lines, "\n")
}

// resourceField is a container's request or limit in units of the divisor, rounded up. A limit that is not set is the node's.
func (v view) resourceField(c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, error) {
	kind, name, _ := strings.Cut(ref.Resource, ".")
	resource := corev1.ResourceName(name)
	list := c.Resources.Limits
	if kind == "requests" {
		list = c.Resources.Requests
	}
	quantity, ok := list[resource]
	if !ok && kind == "limits" {
		quantity = v.allocatable[resource]
	}
	if resource == corev1.ResourceCPU {
		divisor := ref.Divisor.MilliValue()
		if divisor == 0 {
			divisor = 1000
		}
		return strconv.FormatInt(ceil(quantity.MilliValue(), divisor), 10), nil
	}
	divisor := max(ref.Divisor.Value(), 1)
	return strconv.FormatInt(ceil(quantity.Value(), divisor), 10), nil
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }
