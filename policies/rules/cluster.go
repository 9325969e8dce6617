package rules

import (
	"slices"

	"sigs.k8s.io/yaml"
)

const (
	eksCluster = "aws:eks/cluster:Cluster"
	eksAddon   = "aws:eks/addon:Addon"
)

var cluster = []Rule{
	{
		Name: "cluster-secrets-encrypted", Area: Cluster, Levels: onAWS,
		Says:   "Kubernetes Secrets are encrypted with a key of the stack.",
		Fix:    "encryptionConfig of the cluster: resources [secrets], provider.keyArn of a KMS key.",
		Origin: "encryption at rest", Types: []string{eksCluster}, Check: clusterSecretsEncrypted,
	},
	{
		Name: "cluster-endpoint", Area: Cluster, Levels: production,
		Says:   "The API server answers inside the VPC, and outside at most to named ranges.",
		Fix:    "Set ragscale:cluster.publicAccessCidrs to [] or to the office or VPN range.",
		Origin: "nothing is public that need not be", Types: []string{eksCluster}, Check: clusterEndpoint,
	},
	{
		Name: "cluster-reachable", Area: Cluster, Levels: onAWS,
		Says: "A cluster without a public endpoint lets somebody in to its private one.",
		Fix: "Set ragscale:cluster.privateAccessCidrs to the networks from which the stack is worked on, or " +
			"publicAccessCidrs to the office's range.",
		Origin: "EKS lets in nodes and pods alone: the next update, and everybody who works on the cluster, would wait " +
			"at its door",
		CheckStack: clusterReachable,
	},
	{
		Name: "addon-leaves-pods", Area: Cluster, Levels: everywhere,
		Says:   "No add-on puts containers of its own into the stack's pods.",
		Fix:    `configurationValues of amazon-cloudwatch-observability: {"manager":{"applicationSignals":{"autoMonitor":{"monitorAllServices":false}}}}.`,
		Origin: "restricted namespaces refuse the container of its Java agent: no pod that a Service selects would start",
		Types:  []string{eksAddon}, Check: addonLeavesPods,
	},
	{
		Name: "cluster-logs", Area: Cluster, Levels: onAWS,
		Says:   "The control plane logs its API, audit and authenticator.",
		Fix:    "enabledClusterLogTypes of the cluster: api, audit, authenticator.",
		Origin: "who did what must be known afterwards", Types: []string{eksCluster}, Check: clusterLogs,
	},
	{
		Name: "cluster-access", Area: Cluster, Levels: everywhere,
		Says:   "Access to the cluster is by access entries alone.",
		Fix:    "accessConfig.authenticationMode of the cluster: API.",
		Origin: "a ConfigMap that grants access is in nobody's review", Types: []string{eksCluster}, Check: clusterAccess,
	},
}

func clusterSecretsEncrypted(r Resource, _ Thresholds, p *Report) {
	p.isSet(r, r.At("encryptionConfig", "provider", "keyArn"), "the ARN of a KMS key")
	p.contains(r, r.At("encryptionConfig", "resources"), "secrets")
}

// clusterEndpoint counts AWS' defaults: public to everybody, not private.
func clusterEndpoint(r Resource, _ Thresholds, p *Report) {
	vpc := r.At("vpcConfig")
	p.isTrue(r, vpc.At("endpointPrivateAccess"))
	public, ranges := vpc.At("endpointPublicAccess"), vpc.At("publicAccessCidrs")
	if public.Unknown() || ranges.Undecided() || !public.Absent() && !public.True() {
		return
	}
	if ranges.Absent() || slices.ContainsFunc(ranges.texts(), everybody) {
		p.fault(r, ranges, "named ranges, or no public endpoint")
	}
}

// clusterReachable wants a rule for port 443 of the cluster's security group. Security groups of the program's own on
// the control plane's interfaces may have one that is not seen here.
func clusterReachable(s Stack, _ Thresholds, p *Report) {
	for _, c := range s.OfType(eksCluster) {
		vpc := c.At("vpcConfig")
		public := vpc.At("endpointPublicAccess")
		if public.Undecided() || public.Absent() || public.True() || !vpc.At("securityGroupIds").Absent() {
			continue
		}
		if !slices.ContainsFunc(s.OfType(ingressRule), func(r Resource) bool { return opensHTTPS(r, c) }) {
			p.fault(c, public, "true, or a rule that opens port 443 of its security group")
		}
	}
}

// opensHTTPS tells whether a rule lets a range into the cluster's security group. What is unknown may.
func opensHTTPS(r, cluster Resource) bool {
	from, to := r.At("fromPort"), r.At("toPort")
	first, known := from.Number()
	last, known2 := to.Number()
	if known && known2 && (first > 443 || last < 443) || r.At("cidrIpv4").Absent() && r.At("prefixListId").Absent() {
		return false
	}
	return r.mayComeFrom("securityGroupId", cluster)
}

// addonLeavesPods reads the one add-on that injects, whose default is to do so (since 5.0.0).
func addonLeavesPods(r Resource, _ Thresholds, p *Report) {
	values := r.At("configurationValues")
	if r.At("addonName").Text() != "amazon-cloudwatch-observability" || values.Unknown() {
		return
	}
	var told struct {
		Manager struct {
			ApplicationSignals struct {
				AutoMonitor struct {
					MonitorAllServices *bool `json:"monitorAllServices"`
				} `json:"autoMonitor"`
			} `json:"applicationSignals"`
		} `json:"manager"`
	}
	err := yaml.Unmarshal([]byte(values.Text()), &told) // JSON is YAML too
	if all := told.Manager.ApplicationSignals.AutoMonitor.MonitorAllServices; err != nil || all == nil || *all {
		p.fault(r, values, "manager.applicationSignals.autoMonitor.monitorAllServices false")
	}
}

func clusterLogs(r Resource, _ Thresholds, p *Report) {
	p.contains(r, r.At("enabledClusterLogTypes"), "api", "audit", "authenticator")
}

func clusterAccess(r Resource, _ Thresholds, p *Report) {
	p.isOneOf(r, r.At("accessConfig", "authenticationMode"), "API")
}
