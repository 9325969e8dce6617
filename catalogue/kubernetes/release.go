// Package kubernetes holds what of Kubernetes and around it is fetched by name, and what its kinds take.
//
// Owns: the pinned versions of add-ons, charts and images by Kubernetes minor; modes of the vertical autoscaler. Does
// not own: which of them a stack uses, what nodes can allocate (catalogue/ec2).
package kubernetes

import (
	"maps"
	"slices"
)

// Versions pins everything that is fetched by name. A stack chooses the Kubernetes minor, the rest follows.
type Versions struct {
	Kubernetes string            // EKS minor, "1.36"
	Addons     map[string]string // EKS add-on name -> version
	Charts     map[string]string // Helm chart name -> chart version
	Images     map[string]string // short name -> image reference
	Autoscaler string            // image tag of the cluster autoscaler, which simulates the scheduler of its own minor
}

// images are the container images beside the API's own, by short name.
var images = map[string]string{
	// Published 2026-09-17 (https://github.com/cloudnative-pg/cloudnative-pg/issues/11515 ); read 2026-11-23. 1.25.2
	// closes the security faults of the versions before it: https://www.pgbouncer.org/changelog.html
	"pgbouncer": "ghcr.io/cloudnative-pg/pgbouncer:1.25.2",
	// https://github.com/prometheus-community/pgbouncer_exporter ; v0.12.1 is in public use in 2026-10, read 2026-11-23.
	"pgbouncer-exporter": "quay.io/prometheuscommunity/pgbouncer-exporter:v0.12.1",
	// https://hub.docker.com/r/chromadb/chroma : the newest of 1.x that is no preview; in public use in 2026-09, read
	// 2026-11-23.
	"chroma": "chromadb/chroma:1.5.9",
	// https://gallery.ecr.aws/docker/library/node ; 24 is the line with long-term support in 2026. Runs the vector store's
	// snapshots. In public use in 2026-09, read 2026-11-24.
	"node": "public.ecr.aws/docker/library/node:24.11.1-slim",
	// https://gallery.ecr.aws/aws-cli/aws-cli ; carries the results of load tests to S3. In public use in 2026-11, read
	// 2026-11-24.
	"aws-cli": "public.ecr.aws/aws-cli/aws-cli:2.36.44",
	// https://hub.docker.com/r/grafana/k6 : tags without v; 2.3.0 is in public use in 2026-10, read 2026-11-23.
	"k6": "grafana/k6:2.3.0",
	// What kubeadm of Kubernetes 1.34 and newer names: https://github.com/kubernetes/kubernetes, cmd/kubeadm/app/constants
	// (PauseVersion); read 2026-11-23.
	"pause": "registry.k8s.io/pause:3.10.1",
}

// releases is the table of pinned versions by Kubernetes minor. Each add-on build is named with that minor by
// public configurations and upgrade logs of 2026-08 to 2026-10; read 2026-11-23. EKS offers newer ones; what it
// offers now: `aws eks describe-addon-versions --kubernetes-version 1.36 --addon-name vpc-cni`.
var releases = map[string]Versions{
	"1.36": {
		Addons: map[string]string{
			"vpc-cni":                         "v1.22.4-eksbuild.3",
			"coredns":                         "v1.14.3-eksbuild.16",
			"kube-proxy":                      "v1.36.0-eksbuild.21",
			"eks-pod-identity-agent":          "v1.3.10-eksbuild.3",
			"aws-ebs-csi-driver":              "v1.63.1-eksbuild.1",
			"metrics-server":                  "v0.9.0-eksbuild.11",
			"amazon-cloudwatch-observability": "v6.7.0-eksbuild.1",
		},
		// The kinds of the first and the third are declared from the tag of the version: "Raising versions" in
		// docs/operations.md.
		Charts: map[string]string{
			// https://aws.github.io/eks-charts, in use in 2026-08; read 2026-11-23.
			"aws-load-balancer-controller": "3.5.0",
			// https://github.com/kubernetes/autoscaler/releases/tag/cluster-autoscaler-chart-9.59.0 ; read 2026-11-23.
			// Older ones lack RBAC for new minors.
			"cluster-autoscaler": "9.59.0",
			// https://github.com/kubernetes/autoscaler/releases/tag/vertical-pod-autoscaler-chart-0.11.0 ; read 2026-11-23.
			"vertical-pod-autoscaler": "0.11.0",
			// https://github.com/prometheus-community/helm-charts, tag kube-state-metrics-8.4.1 (application 2.20.0) of
			// 2026-08; in public use in 2026-09, read 2026-11-24.
			"kube-state-metrics": "8.4.1",
		},
		// Chart 9.59.0 would take 1.35.0. "We recommend using Cluster Autoscaler with the Kubernetes control plane version
		// for which it was meant": https://github.com/kubernetes/autoscaler/tree/master/cluster-autoscaler ; tag
		// cluster-autoscaler-1.36.1 and its image are in public use; read 2026-11-29.
		Autoscaler: "v1.36.1",
	},
}

// Minors lists the Kubernetes minors that a stack may choose, sorted.
func Minors() []string { return slices.Sorted(maps.Keys(releases)) }

// VersionsOf returns the pinned versions of a Kubernetes minor; of an unknown one only the minor itself.
func VersionsOf(minor string) Versions {
	release := releases[minor]
	return Versions{Kubernetes: minor, Addons: maps.Clone(release.Addons), Charts: maps.Clone(release.Charts),
		Images: maps.Clone(images), Autoscaler: release.Autoscaler}
}
