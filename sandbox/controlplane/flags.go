package main

import "strconv"

// A setting is one command-line flag of a component, with the reason where the name does not give it.
type setting struct{ name, value, why string }

func arguments(settings []setting) []string {
	var out []string
	for _, s := range settings {
		out = append(out, "--"+s.name+"="+s.value)
	}
	return out
}

func apiServerSettings(c config) []setting {
	return []setting{
		{"etcd-servers", c.etcdURL(0), ""},
		{"bind-address", c.Address.String(), "one address, so that the host's forward and pods meet the same certificate"},
		{"advertise-address", c.Address.String(), "endpoint of the service kubernetes.default"},
		{"secure-port", strconv.Itoa(c.Port), ""},
		{"endpoint-reconciler-type", "lease", "the default; the one server takes its old lease over after a restart, for the address is the same"},
		{"service-cluster-ip-range", c.ServiceCIDR, ""},
		{"tls-cert-file", c.cert("apiserver"), ""},
		{"tls-private-key-file", c.key("apiserver"), ""},
		{"client-ca-file", c.cert("ca"), "client certificates of the components and of the sandbox's admin"},
		{"kubelet-certificate-authority", c.cert("ca"), "logs and exec go to a verified node agent"},
		{"kubelet-client-certificate", c.cert("kubelet-client"), ""},
		{"kubelet-client-key", c.key("kubelet-client"), ""},
		{"kubelet-preferred-address-types", "InternalIP", "node names do not resolve here"},
		{"service-account-key-file", c.PKIDir + "/sa.pub", ""},
		{"service-account-signing-key-file", c.key("sa"), ""},
		{"service-account-issuer", c.Audience, ""},
		{"authorization-mode", "Node,RBAC", "as EKS"},
		{"anonymous-auth", "true", "health checks without credentials, as EKS; RBAC gives anonymous nothing else"},
		{"authentication-token-webhook-config-file", c.kubeconfig("authn-webhook"), "EKS tokens"},
		{"authentication-token-webhook-version", "v1", ""},
		{"authentication-token-webhook-cache-ttl", "10s", "a removed access entry stops working soon"},
		{"requestheader-client-ca-file", c.cert("front-proxy-ca"), "the aggregation layer (metrics.k8s.io)"},
		{"requestheader-allowed-names", "front-proxy-client", ""},
		{"requestheader-extra-headers-prefix", "X-Remote-Extra-", ""},
		{"requestheader-group-headers", "X-Remote-Group", ""},
		{"requestheader-username-headers", "X-Remote-User", ""},
		{"proxy-client-cert-file", c.cert("front-proxy-client"), ""},
		{"proxy-client-key-file", c.key("front-proxy-client"), ""},
		{"enable-aggregator-routing", "false", "aggregated APIs are called at their cluster IP, as clients call them"},
		{"enable-bootstrap-token-auth", "false", "nodes join with certificates"},
		{"allow-privileged", "true", "as EKS; PodSecurity admission, on by default, decides per namespace"},
		{"shutdown-watch-termination-grace-period", "1s", "default 0: watches keep a server that is to end for a minute"},
		{"event-ttl", "1h", "the default, named because etcd here is small"},
		{"profiling", "false", ""},
	}
}

func controllerManagerSettings(c config) []setting {
	return []setting{
		{"kubeconfig", c.kubeconfig("controller-manager"), ""},
		{"authentication-kubeconfig", c.kubeconfig("controller-manager"), ""},
		{"authorization-kubeconfig", c.kubeconfig("controller-manager"), ""},
		{"bind-address", "127.0.0.1", ""},
		{"tls-cert-file", c.cert("controller-manager"), "else one is generated on disk"},
		{"tls-private-key-file", c.key("controller-manager"), ""},
		{"leader-elect", "false", "there is one"},
		{"use-service-account-credentials", "true", "each controller under its own RBAC, as EKS"},
		{"kube-api-qps", "300", "default 20: each controller fetches a token of its own at start, which took 5 s"},
		{"kube-api-burst", "600", ""},
		{"service-account-private-key-file", c.key("sa"), ""},
		{"root-ca-file", c.cert("ca"), ""},
		{"allocate-node-cidrs", "false", "the node agent gives pods their addresses"},
		{"controllers", "*,-persistentvolume-attach-detach-controller,-token-cleaner-controller", "no disks to attach; no bootstrap tokens"},
		{"horizontal-pod-autoscaler-sync-period", "2s", "default 15s: a scale-up is seen within a test's patience"},
		{"horizontal-pod-autoscaler-initial-readiness-delay", "5s", "default 30s: processes are ready sooner than containers"},
		{"horizontal-pod-autoscaler-cpu-initialization-period", "10s", "default 5m: metrics come every 10 s here"},
		{"horizontal-pod-autoscaler-downscale-stabilization", "30s", "default 5m; an HPA's own behavior overrides it"},
		{"node-monitor-grace-period", "40s", "a starved machine must not evict pods"},
		{"profiling", "false", ""},
	}
}

func schedulerSettings(c config) []setting {
	return []setting{
		{"kubeconfig", c.kubeconfig("scheduler"), ""},
		{"authentication-kubeconfig", c.kubeconfig("scheduler"), ""},
		{"authorization-kubeconfig", c.kubeconfig("scheduler"), ""},
		{"bind-address", "127.0.0.1", ""},
		{"tls-cert-file", c.cert("scheduler"), "else one is generated on disk"},
		{"tls-private-key-file", c.key("scheduler"), ""},
		{"leader-elect", "false", "there is one"},
		{"kube-api-qps", "300", "default 50; twenty pods of a scale-up are bound at once"},
		{"kube-api-burst", "600", ""},
		{"profiling", "false", ""},
	}
}
