package rules

import "slices"

const eksCluster = "aws:eks/cluster:Cluster"

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

func clusterLogs(r Resource, _ Thresholds, p *Report) {
	p.contains(r, r.At("enabledClusterLogTypes"), "api", "audit", "authenticator")
}

func clusterAccess(r Resource, _ Thresholds, p *Report) {
	p.isOneOf(r, r.At("accessConfig", "authenticationMode"), "API")
}
