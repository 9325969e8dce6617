package env

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// serviceLinks are the variables by which a container finds the Services of its namespace that stand when it starts. A pod
// may do without all but the API server's.
// Source: pkg/kubelet/envvars and getServiceEnvVarMap of https://github.com/kubernetes/kubernetes , v1.37.2; read 2026-11-30.
func serviceLinks(services []*corev1.Service, pod *corev1.Pod, apiServer string) map[string]string {
	env := map[string]string{}
	if host, port, err := net.SplitHostPort(apiServer); err == nil {
		number, _ := strconv.Atoi(port) //nolint:errcheck // of the agent's own configuration
		link(env, "kubernetes", host, []corev1.ServicePort{{Name: "https", Port: int32(number), Protocol: corev1.ProtocolTCP}})
	}
	if wanted := pod.Spec.EnableServiceLinks; wanted != nil && !*wanted {
		return env
	}
	for _, s := range services {
		if ip := s.Spec.ClusterIP; ip != "" && ip != corev1.ClusterIPNone {
			link(env, s.Name, ip, s.Spec.Ports)
		}
	}
	return env
}

// link adds the variables of one Service: where its first port is, and Docker's for each.
func link(env map[string]string, service, ip string, ports []corev1.ServicePort) {
	if len(ports) == 0 {
		return
	}
	prefix := variable(service)
	env[prefix+"_SERVICE_HOST"] = ip
	env[prefix+"_SERVICE_PORT"] = strconv.Itoa(int(ports[0].Port))
	for i, p := range ports {
		protocol := string(p.Protocol)
		if protocol == "" {
			protocol = string(corev1.ProtocolTCP)
		}
		if p.Name != "" {
			env[prefix+"_SERVICE_PORT_"+variable(p.Name)] = strconv.Itoa(int(p.Port))
		}
		url := strings.ToLower(protocol) + "://" + net.JoinHostPort(ip, strconv.Itoa(int(p.Port)))
		if i == 0 {
			env[prefix+"_PORT"] = url
		}
		port := fmt.Sprintf("%s_PORT_%d_%s", prefix, p.Port, strings.ToUpper(protocol))
		env[port] = url
		env[port+"_PROTO"] = strings.ToLower(protocol)
		env[port+"_PORT"] = strconv.Itoa(int(p.Port))
		env[port+"_ADDR"] = ip
	}
}

func variable(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
