// Package env makes a container's environment.
//
// Owns: variables and where they come from, $(NAME) in them and in commands, the variables of Services. Does not own: what a
// reference means (objects, downward).
package env

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/downward"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/objects"
)

// DefaultPath is the search path of a container whose image names none.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Source reads what variables refer to.
type Source interface {
	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	Services(namespace string) ([]*corev1.Service, error)
}

// Of is the environment of a container as sorted NAME=value lines. Later sources win: Services, the image, envFrom,
// env. An error says which object or key is missing.
func Of(ctx context.Context, src Source, v downward.View, c *corev1.Container, image image.Image, apiService string) ([]string, error) {
	env := map[string]string{"PATH": DefaultPath, "HOSTNAME": v.Hostname(), "HOME": "/"}
	services, err := src.Services(v.Pod.Namespace)
	if err != nil {
		return nil, err
	}
	maps.Copy(env, serviceLinks(services, v.Pod, apiService))
	maps.Copy(env, image.Env)
	for _, from := range c.EnvFrom {
		values, err := envFrom(ctx, src, v.Pod.Namespace, from)
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

func envFrom(ctx context.Context, src Source, namespace string, from corev1.EnvFromSource) (map[string]string, error) {
	values := map[string]string{}
	if r := from.ConfigMapRef; r != nil {
		cm, err := src.ConfigMap(ctx, namespace, r.Name)
		if err != nil {
			return nil, objects.UnlessOptional(err, r.Optional)
		}
		for k, v := range cm.Data {
			values[from.Prefix+k] = v
		}
	}
	if r := from.SecretRef; r != nil {
		secret, err := src.Secret(ctx, namespace, r.Name)
		if err != nil {
			return nil, objects.UnlessOptional(err, r.Optional)
		}
		for k, v := range secret.Data {
			values[from.Prefix+k] = string(v)
		}
	}
	return values, nil
}

// envValue is one variable's value; set is false where its optional source does not exist.
func envValue(ctx context.Context, src Source, v downward.View, c *corev1.Container, e corev1.EnvVar, env map[string]string) (value string, set bool, err error) {
	from := e.ValueFrom
	switch {
	case from == nil:
		return Expand(e.Value, env), true, nil
	case from.FieldRef != nil:
		value, err = v.Field(from.FieldRef.FieldPath)
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err = v.ResourceField(c, from.ResourceFieldRef)
		return value, true, err
	case from.ConfigMapKeyRef != nil:
		return configMapKey(ctx, src, v.Pod.Namespace, from.ConfigMapKeyRef)
	case from.SecretKeyRef != nil:
		return secretKey(ctx, src, v.Pod.Namespace, from.SecretKeyRef)
	}
	return "", false, fmt.Errorf("has a source that this node does not know, want fieldRef, resourceFieldRef, configMapKeyRef or secretKeyRef")
}

func configMapKey(ctx context.Context, src Source, namespace string, ref *corev1.ConfigMapKeySelector) (string, bool, error) {
	cm, err := src.ConfigMap(ctx, namespace, ref.Name)
	if err != nil {
		return "", false, objects.UnlessOptional(err, ref.Optional)
	}
	value, ok := cm.Data[ref.Key]
	if !ok && (ref.Optional == nil || !*ref.Optional) {
		return "", false, fmt.Errorf("couldn't find key %s in ConfigMap %s/%s", ref.Key, namespace, ref.Name)
	}
	return value, ok, nil
}

func secretKey(ctx context.Context, src Source, namespace string, ref *corev1.SecretKeySelector) (string, bool, error) {
	secret, err := src.Secret(ctx, namespace, ref.Name)
	if err != nil {
		return "", false, objects.UnlessOptional(err, ref.Optional)
	}
	value, ok := secret.Data[ref.Key]
	if !ok && (ref.Optional == nil || !*ref.Optional) {
		return "", false, fmt.Errorf("couldn't find key %s in Secret %s/%s", ref.Key, namespace, ref.Name)
	}
	return string(value), ok, nil
}

// Expand replaces $(NAME) by the variable's value. $$ is an escaped $, and a name that is not set stays as it is.
func Expand(s string, env map[string]string) string {
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

// Map turns NAME=value lines into a map.
func Map(lines []string) map[string]string {
	env := make(map[string]string, len(lines))
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	return env
}
