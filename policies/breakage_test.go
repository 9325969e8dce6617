package main_test

import (
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"github.com/ragscale/ragscale/policies/rules"
)

// breakage says how to break production so that one rule stops it: the value at a path of one resource.
type breakage struct {
	rule string
	at   string // type and name of the resource, as in "rds/instance:Instance rag-prod"; the end of the type is enough
	path string // "" for what is no input: see with
	bad  any
	// absent tells that the rule also stops a stack where there is nothing at the path.
	absent bool
	with   func(*subject) // instead of path and bad
}

const (
	apiDeployment = "Deployment rag-prod"
	apiContainer  = "spec.template.spec.containers[0]."
	apiHPA        = "HorizontalPodAutoscaler rag-prod"
	db            = "rds/instance:Instance rag-prod"
	dbParameters  = "rds/parameterGroup:ParameterGroup rag-prod"
	redis         = "ReplicationGroup rag-prod"
	redisSettings = "elasticache/parameterGroup:ParameterGroup rag-prod"
	edge          = "Distribution rag-prod"
	behavior      = "defaultCacheBehavior."
	apiNodes      = "NodeGroup rag-prod-api"
	template      = "LaunchTemplate rag-prod-api"
	eks           = "eks/cluster:Cluster rag-prod"
	alb           = "LoadBalancer rag-prod"
)

var breakages = []breakage{
	{rule: "container-resources", at: apiDeployment, path: apiContainer + "resources.requests.cpu", bad: "", absent: true},
	{rule: "container-limit-ratio", at: apiDeployment, path: apiContainer + "resources.limits.memory", bad: "4Gi"},
	{rule: "container-probes", at: apiDeployment, path: apiContainer + "readinessProbe", bad: nil, absent: true},
	{rule: "container-image-pinned", at: apiDeployment, path: apiContainer + "image", bad: "registry:5000/api:latest", absent: true},
	{rule: "container-restricted", at: apiDeployment, path: apiContainer + "securityContext.readOnlyRootFilesystem", bad: false, absent: true},
	{rule: "pod-restricted", at: apiDeployment, path: "spec.template.spec.securityContext.runAsNonRoot", bad: false, absent: true},
	{rule: "pod-drain", at: apiDeployment, path: "spec.template.spec.terminationGracePeriodSeconds", bad: 5.0},
	{rule: "rollout-keeps-capacity", at: apiDeployment, path: "spec.strategy.rollingUpdate.maxUnavailable", bad: "50%", absent: true},
	{rule: "namespace-restricted", at: "Namespace rag-prod", path: "metadata.labels[\"pod-security.kubernetes.io/enforce\"]", bad: "privileged", absent: true},
	{rule: "secret-encrypted", at: "Secret rag-prod-database", path: "data", bad: map[string]any{"PASSWORD": "aHVudGVyMg=="}},
	{rule: "environment-without-secrets", at: apiDeployment, path: apiContainer + "env[1]", bad: map[string]any{"name": "DATABASE_PASSWORD", "value": "hunter2"}},

	{rule: "api-autoscaled", at: apiHPA, path: "spec.scaleTargetRef.name", bad: "agentic-rag-apj", absent: true},
	{rule: "hpa-bounds", at: apiHPA, path: "spec.minReplicas", bad: 1.0, absent: true},
	{rule: "hpa-targets", at: apiHPA, path: "spec.metrics[0].resource.target.averageUtilization", bad: 95.0},
	{rule: "hpa-below-alarm", with: func(s *subject) {
		s.set(apiDeployment, apiContainer+"resources.limits.memory", "512Mi")
	}},
	{rule: "hpa-steady", at: apiHPA, path: "spec.behavior.scaleDown.stabilizationWindowSeconds", bad: 0.0},
	{rule: "hpa-owns-replicas", at: apiDeployment, path: "spec.replicas", bad: 3.0},
	{rule: "one-autoscaler-per-resource", with: func(s *subject) { s.addVPA("InPlaceOrRecreate", "memory") }},
	{rule: "vector-store-alone", at: "StatefulSet rag-prod", path: "spec.replicas", bad: 2.0},
	{rule: "vpa-mode", with: func(s *subject) { s.addVPA("Recreate", "ephemeral-storage") }},
	{rule: "scaled-survives-drain", at: "PodDisruptionBudget rag-prod", path: "spec.maxUnavailable", bad: 0.0, absent: true},
	{rule: "scaled-is-spread", at: apiDeployment, path: "spec.template.spec.topologySpreadConstraints", bad: []any{}, absent: true},
	{rule: "connection-budget", at: "Deployment rag-prod-worker", path: apiContainer + "env", bad: []any{map[string]any{"name": "DATABASE_POOL_SIZE", "value": "100"}}},

	{rule: "nodes-can-scale", at: apiNodes, path: "scalingConfig.maxSize", bad: 3.0},
	{rule: "nodes-hold-full-scale", with: func(s *subject) {
		s.set(apiDeployment, apiContainer+"resources.requests.cpu", "8")
	}},
	{rule: "autoscaler-owns-nodes", at: apiNodes, with: func(s *subject) { s.resource(apiNodes).IgnoreChanges = nil }},
	{rule: "node-type", at: apiNodes, path: "instanceTypes", bad: []any{"t4g.large"}, absent: true},
	{rule: "spot-has-choice", at: "NodeGroup rag-prod-burst", path: "instanceTypes", bad: []any{"m7g.xlarge"}, absent: true},
	{rule: "base-on-demand", at: "NodeGroup rag-prod-burst", path: "scalingConfig", bad: map[string]any{"minSize": 1.0, "maxSize": 12.0, "desiredSize": 1.0}},
	{rule: "loadtest-apart", at: "NodeGroup rag-prod-loadtest", path: "taints", bad: []any{}, absent: true},
	{rule: "loadtest-pods-apart", with: func(s *subject) { s.addLoadTest() }},
	{rule: "loadtest-not-unattended", at: "CronJob rag-prod-load-normal", path: "spec.suspend", bad: false, absent: true},
	{rule: "loadtest-thresholds", at: "ConfigMap rag-prod-load-normal", path: "data[\"scenario.json\"]", bad: `{"name": "normal"}`},
	{rule: "node-imdsv2", at: template, path: "metadataOptions.httpTokens", bad: "optional", absent: true},
	{rule: "node-volume", at: template, path: "blockDeviceMappings[0].ebs.encrypted", bad: "false", absent: true},

	{rule: "cluster-secrets-encrypted", at: eks, path: "encryptionConfig.resources", bad: []any{}, absent: true},
	{rule: "cluster-endpoint", at: eks, path: "vpcConfig.endpointPublicAccess", bad: true, absent: true},
	{rule: "cluster-reachable", with: func(s *subject) { s.drop("SecurityGroupIngressRule rag-prod-api-server-from-10.0.0.0-16") }},
	{rule: "addon-leaves-pods", at: "Addon rag-prod-amazon-cloudwatch-observability", path: "configurationValues", bad: `{"containerLogs":{"enabled":true}}`, absent: true},
	{rule: "cluster-logs", at: eks, path: "enabledClusterLogTypes", bad: []any{"api"}, absent: true},
	{rule: "cluster-access", at: eks, path: "accessConfig.authenticationMode", bad: "CONFIG_MAP", absent: true},

	{rule: "rds-class", at: db, path: "instanceClass", bad: "db.t4g.large", absent: true},
	{rule: "rds-multi-az", at: db, path: "multiAz", bad: false, absent: true},
	{rule: "rds-storage-headroom", at: db, path: "maxAllocatedStorage", bad: 410.0, absent: true},
	{rule: "rds-backup", at: db, path: "backupRetentionPeriod", bad: 3.0, absent: true},
	{rule: "rds-encrypted", at: db, path: "storageEncrypted", bad: false, absent: true},
	{rule: "rds-force-tls", at: dbParameters, with: func(s *subject) { s.setParameter(dbParameters, "rds.force_ssl", "value", "0") }},
	{rule: "rds-private", at: db, path: "publiclyAccessible", bad: true},
	{rule: "rds-password-secret", at: db, path: "password", bad: "hunter2"},
	{rule: "rds-insights", at: db, path: "monitoringInterval", bad: 0.0, absent: true},
	{rule: "rds-parameters", at: db, path: "parameterGroupName", bad: "default.postgres17", absent: true},
	{rule: "rds-parameter-values", at: dbParameters, with: func(s *subject) { s.setParameter(dbParameters, "work_mem", "value", "64MB") }},
	{rule: "rds-memory-split", with: func(s *subject) {
		s.setParameter(dbParameters, "shared_buffers", "value", "{DBInstanceClassMemory/12000}")
	}},
	{rule: "rds-slow-statements", with: func(s *subject) {
		s.setParameter(dbParameters, "log_min_duration_statement", "value", "-1")
	}},
	{rule: "rds-static-parameters", at: dbParameters, with: func(s *subject) { s.setParameter(dbParameters, "shared_buffers", "applyMethod", "immediate") }},
	{rule: "rds-log-exports", at: db, path: "enabledCloudwatchLogsExports", bad: []any{"upgrade"}, absent: true},
	{rule: "rds-replicas", with: func(s *subject) { s.drop("rds/instance:Instance rag-prod-replica-2") }},
	{rule: "rds-replica-parameters", with: func(s *subject) { s.setParameter(dbParameters+"-replica", "max_connections", "value", "20") }},
	{rule: "rds-kept", at: db, path: "deletionProtection", bad: false, absent: true},

	{rule: "cache-failover", at: redis, path: "multiAzEnabled", bad: false, absent: true},
	{rule: "cache-encrypted", at: redis, path: "transitEncryptionEnabled", bad: false, absent: true},
	{rule: "cache-users", at: redis, path: "userGroupIds", bad: []any{}, absent: true},
	{rule: "cache-user-authenticated", at: "elasticache/user:User rag-prod-default", path: "accessString", bad: "on ~* +@all", absent: true},
	{rule: "cache-password-secret", at: "elasticache/user:User rag-prod-app", path: "authenticationMode.passwords", bad: []any{"correct-horse-battery"}},
	{rule: "cache-eviction", with: func(s *subject) { s.setParameter(redisSettings, "maxmemory-policy", "value", "allkeys-lfu") }},
	{rule: "cache-snapshots", at: redis, path: "snapshotRetentionLimit", bad: 0.0, absent: true},
	{rule: "cache-reserved-memory", with: func(s *subject) { s.setParameter(redisSettings, "reserved-memory-percent", "value", "10") }},

	{rule: "ingress-public-ports", at: "SecurityGroupIngressRule rag-prod-from-nodes", path: "cidrIpv4", bad: "0.0.0.0/0"},
	{rule: "public-api-over-tls", at: alb, path: "internal", bad: false, absent: true},
	{rule: "listener-tls-policy", at: "Listener rag-prod", with: func(s *subject) {
		s.set("Listener rag-prod", "protocol", "HTTPS")
		s.set("Listener rag-prod", "sslPolicy", "ELBSecurityPolicy-2016-08")
	}},
	{rule: "load-balancer-strict", at: alb, path: "dropInvalidHeaderFields", bad: false, absent: true},
	{rule: "load-balancer-kept", at: alb, path: "enableDeletionProtection", bad: false, absent: true},
	{rule: "default-group-closed", at: "DefaultSecurityGroup rag-prod-closed", path: "egress", bad: []any{map[string]any{"fromPort": 0.0}}},
	{rule: "flow-logs", with: func(s *subject) { s.remove("aws:ec2/flowLog:FlowLog") }},
	{rule: "zones", with: func(s *subject) {
		for i, r := range s.Resources {
			if r.Type == "aws:ec2/subnet:Subnet" {
				s.Resources[i].Inputs = r.Inputs.Set("availabilityZone", property.New("eu-central-1a"))
			}
		}
	}},
	{rule: "nat-per-zone", with: func(s *subject) { s.remove("aws:ec2/natGateway:NatGateway") }},
	{rule: "namespace-closed", at: "NetworkPolicy rag-prod-default-deny", path: "spec.policyTypes", bad: []any{"Ingress"}, absent: true},

	{rule: "edge-https", at: edge, path: behavior + "viewerProtocolPolicy", bad: "allow-all", absent: true},
	{rule: "edge-tls", at: edge, path: "viewerCertificate", bad: map[string]any{"acmCertificateArn": "arn:aws:acm:us-east-1:1:certificate/1", "minimumProtocolVersion": "TLSv1"}},
	{rule: "edge-origin-signed", at: edge, path: "origins[0].originAccessControlId", bad: "", absent: true},
	{rule: "edge-assets-cached", at: edge, path: behavior + "cachePolicyId", bad: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"},
	{rule: "edge-compressed", at: edge, path: behavior + "compress", bad: false, absent: true},
	{rule: "edge-headers", at: edge, path: behavior + "responseHeadersPolicyId", bad: "", absent: true},

	{rule: "bucket-private", at: "BucketPublicAccessBlock rag-prod-assets", path: "blockPublicPolicy", bad: false, absent: true},
	{rule: "bucket-encrypted", at: "BucketServerSideEncryptionConfigurationV2 rag-prod-assets", path: "rules", bad: []any{}, absent: true},
	{rule: "bucket-versioned", at: "BucketVersioningV2 rag-prod-assets", path: "versioningConfiguration.status", bad: "Suspended", absent: true},
	{rule: "bucket-over-tls", at: "BucketPolicy rag-prod-assets", path: "policy", bad: `{"Statement":[{"Effect":"Deny","Action":"s3:*"}]}`, absent: true},

	{rule: "iam-no-wildcard", at: "RolePolicy rag-prod-load-balancer-controller", path: "policy", bad: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`},
	{rule: "iam-no-administrator", at: "RolePolicyAttachment rag-prod-monitoring", path: "policyArn", bad: "arn:aws:iam::aws:policy/AdministratorAccess"},
	{rule: "iam-trust", at: "iam/role:Role rag-prod-node", path: "assumeRolePolicy", bad: `{"Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":"sts:AssumeRole"}]}`},
	{rule: "resource-policy-closed", at: "TopicPolicy rag-prod-alarms", path: "policy", bad: `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish"}]}`},
	{rule: "properties-without-secrets", at: "SecretVersion rag-prod", path: "secretString", bad: "hunter2"},
	{rule: "topic-encrypted", at: "sns/topic:Topic rag-prod-alarms", path: "kmsMasterKeyId", bad: "", absent: true},
	{rule: "volume-encrypted", at: "StorageClass rag-prod", path: "parameters.encrypted", bad: "false", absent: true},
	{rule: "kms-rotation", at: "kms/key:Key rag-prod", path: "enableKeyRotation", bad: false, absent: true},

	{rule: "secret-recoverable", at: "secretsmanager/secret:Secret rag-prod", path: "recoveryWindowInDays", bad: 0.0},

	{rule: "objectives-watched", with: func(s *subject) { s.drop("MetricAlarm rag-prod-node-cpu") }},
	{rule: "alarm-threshold", at: "MetricAlarm rag-prod-node-cpu", path: "threshold", bad: 90.0},
	{rule: "alarm-tells", at: "MetricAlarm rag-prod-node-cpu", path: "alarmActions", bad: []any{}, absent: true},
	{rule: "alarm-heard", with: func(s *subject) { s.drop("TopicSubscription rag-prod-alarms-oncall@example.com") }},

	{rule: "log-retention", at: "LogGroup rag-prod-flow-logs", path: "retentionInDays", bad: 3.0, absent: true},
	{rule: "tags", at: "Vpc rag-prod", path: "tags[\"cost-centre\"]", bad: "", absent: true},
	{rule: "data-protected", with: func(s *subject) { s.resource(db).Protect = false }},
	{rule: "monthly-cost", at: db, path: "instanceClass", bad: "db.r7g.4xlarge"},
	{rule: "repository-immutable", at: "Repository rag-prod", path: "imageTagMutability", bad: "MUTABLE", absent: true},
}

func TestEveryRuleHasABreakage(t *testing.T) {
	for _, name := range rules.Names() {
		if !slices.ContainsFunc(breakages, func(b breakage) bool { return b.rule == name }) {
			t.Errorf("%s: the table of breakages has no row for it", name)
		}
	}
}

func TestABrokenProductionIsStoppedByExactlyThatRule(t *testing.T) {
	for _, b := range breakages {
		s := declare(t, "prod")
		if b.with != nil {
			b.with(&s)
		} else {
			s.set(b.at, b.path, b.bad)
		}
		if got := s.stopped(); !slices.Equal(got, []string{b.rule}) {
			t.Errorf("%s: stopped by %v", b.rule, got)
		}
	}
}

func TestWhatIsAbsentIsAFaultWhereTheRuleSaysSo(t *testing.T) {
	for _, b := range breakages {
		if b.with != nil {
			continue
		}
		s := declare(t, "prod")
		if absentAlready(&s, b) {
			continue
		}
		s.set(b.at, b.path, nil)
		if got := slices.Contains(s.stopped(), b.rule); got != b.absent {
			t.Errorf("%s: without %s stopped = %t, want %t", b.rule, b.path, got, b.absent)
		}
	}
}

// absentAlready tells that production has nothing at the path: it was not stopped without it.
func absentAlready(s *subject, b breakage) bool {
	p, err := resource.ParsePropertyPath(b.path)
	if err != nil {
		s.t.Fatal(err)
	}
	_, there := p.Get(opened(resource.NewObjectProperty(resource.ToResourcePropertyMap(s.resource(b.at).Inputs)), p))
	return !there
}

func TestWhatIsUnknownIsUndecided(t *testing.T) {
	for _, b := range breakages {
		if b.with != nil {
			continue
		}
		s := declare(t, "prod")
		s.set(b.at, b.path, unknown)
		if got := s.stopped(); len(got) > 0 {
			t.Errorf("%s: with %s unknown, stopped by %v", b.rule, b.path, got)
		}
	}
}

// Production is measured without its resources, one type after the other: a rule about what is not there is silent, but
// those that want something to be there.
func TestAStackWithoutATypeIsStoppedOnlyByWhatWantsIt(t *testing.T) {
	wanted := map[string][]string{
		"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":                                          {"default-group-closed"},
		"aws:ec2/flowLog:FlowLog":                                                                    {"flow-logs"},
		"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":                                  {"cluster-reachable"},
		"kubernetes:autoscaling/v2:HorizontalPodAutoscaler":                                          {"api-autoscaled"},
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     {"bucket-private"},
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {"bucket-encrypted"},
		"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               {"bucket-versioned"},
		"aws:s3/bucketPolicy:BucketPolicy":                                                           {"bucket-over-tls"},
		"aws:cloudwatch/metricAlarm:MetricAlarm":                                                     {"objectives-watched"},
		"aws:cloudwatch/compositeAlarm:CompositeAlarm":                                               {"alarm-tells"},
		"aws:amp/ruleGroupNamespace:RuleGroupNamespace":                                              {"objectives-watched"},
		"aws:sns/topicSubscription:TopicSubscription":                                                {"alarm-heard"},
		"kubernetes:policy/v1:PodDisruptionBudget":                                                   {"scaled-survives-drain"},
		"kubernetes:networking.k8s.io/v1:NetworkPolicy":                                              {"namespace-closed"},
	}
	types := map[string]bool{}
	for _, r := range declare(t, "prod").Resources {
		types[r.Type] = true
	}
	for typ := range types {
		s := declare(t, "prod")
		s.Resources = slices.DeleteFunc(s.Resources, func(r rules.Resource) bool { return r.Type == typ })
		if got := s.stopped(); !slices.Equal(got, append([]string{}, wanted[typ]...)) {
			t.Errorf("without %s: stopped by %v, want %v", typ, got, wanted[typ])
		}
	}
}
