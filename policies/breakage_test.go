package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"github.com/ragscale/ragscale/infra/platform"
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
	dbParameters  = "ParameterGroup rag-prod"
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
	{rule: "hpa-steady", at: apiHPA, path: "spec.behavior.scaleDown.stabilizationWindowSeconds", bad: 0.0},
	{rule: "hpa-owns-replicas", at: apiDeployment, path: "spec.replicas", bad: 3.0},
	{rule: "one-autoscaler-per-resource", with: func(s *subject) { s.addVPA("InPlaceOrRecreate", "memory") }},
	{rule: "vpa-mode", with: func(s *subject) { s.addVPA("Recreate", "ephemeral-storage") }},
	{rule: "scaled-survives-drain", at: "PodDisruptionBudget rag-prod", path: "spec.maxUnavailable", bad: 0.0, absent: true},
	{rule: "scaled-is-spread", at: apiDeployment, path: "spec.template.spec.topologySpreadConstraints", bad: []any{}, absent: true},
	{rule: "connection-budget", at: apiDeployment, path: apiContainer + "env", bad: []any{map[string]any{"name": "DATABASE_POOL_SIZE", "value": "100"}}},

	{rule: "nodes-can-scale", at: apiNodes, path: "scalingConfig.maxSize", bad: 3.0},
	{rule: "autoscaler-owns-nodes", at: apiNodes, with: func(s *subject) { s.resource(apiNodes).IgnoreChanges = nil }},
	{rule: "node-type", at: apiNodes, path: "instanceTypes", bad: []any{"t4g.large"}, absent: true},
	{rule: "spot-has-choice", at: "NodeGroup rag-prod-burst", path: "instanceTypes", bad: []any{"m7g.xlarge"}, absent: true},
	{rule: "base-on-demand", at: "NodeGroup rag-prod-burst", path: "scalingConfig", bad: map[string]any{"minSize": 1.0, "maxSize": 12.0, "desiredSize": 1.0}},
	{rule: "loadtest-apart", at: "NodeGroup rag-prod-loadtest", path: "taints", bad: []any{}, absent: true},
	{rule: "node-imdsv2", at: template, path: "metadataOptions.httpTokens", bad: "optional", absent: true},
	{rule: "node-volume", at: template, path: "blockDeviceMappings[0].ebs.encrypted", bad: "false", absent: true},

	{rule: "cluster-secrets-encrypted", at: eks, path: "encryptionConfig.resources", bad: []any{}, absent: true},
	{rule: "cluster-endpoint", at: eks, path: "vpcConfig.endpointPublicAccess", bad: true, absent: true},
	{rule: "cluster-logs", at: eks, path: "enabledClusterLogTypes", bad: []any{"api"}, absent: true},
	{rule: "cluster-access", at: eks, path: "accessConfig.authenticationMode", bad: "CONFIG_MAP", absent: true},

	{rule: "rds-class", at: db, path: "instanceClass", bad: "db.t4g.large", absent: true},
	{rule: "rds-multi-az", at: db, path: "multiAz", bad: false, absent: true},
	{rule: "rds-storage-headroom", at: db, path: "maxAllocatedStorage", bad: 410.0, absent: true},
	{rule: "rds-backup", at: db, path: "backupRetentionPeriod", bad: 3.0, absent: true},
	{rule: "rds-encrypted", at: db, path: "storageEncrypted", bad: false, absent: true},
	{rule: "rds-force-tls", at: dbParameters, with: func(s *subject) { s.setParameter("rds.force_ssl", "value", "0") }},
	{rule: "rds-private", at: db, path: "publiclyAccessible", bad: true},
	{rule: "rds-password-secret", at: db, path: "password", bad: "hunter2"},
	{rule: "rds-insights", at: db, path: "monitoringInterval", bad: 0.0, absent: true},
	{rule: "rds-parameters", at: db, path: "parameterGroupName", bad: "default.postgres17", absent: true},
	{rule: "rds-parameter-values", at: dbParameters, with: func(s *subject) { s.setParameter("work_mem", "value", "64MB") }},
	{rule: "rds-static-parameters", at: dbParameters, with: func(s *subject) { s.setParameter("shared_buffers", "applyMethod", "immediate") }},
	{rule: "rds-log-exports", at: db, path: "enabledCloudwatchLogsExports", bad: []any{"upgrade"}, absent: true},
	{rule: "rds-kept", at: db, path: "deletionProtection", bad: false, absent: true},

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

	{rule: "iam-no-wildcard", at: "RolePolicy rag-prod-load-balancer-controller", path: "policy", bad: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`},
	{rule: "iam-no-administrator", at: "RolePolicyAttachment rag-prod-monitoring", path: "policyArn", bad: "arn:aws:iam::aws:policy/AdministratorAccess"},
	{rule: "iam-trust", at: "iam/role:Role rag-prod-node", path: "assumeRolePolicy", bad: `{"Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":"sts:AssumeRole"}]}`},
	{rule: "kms-rotation", at: "kms/key:Key rag-prod", path: "enableKeyRotation", bad: false, absent: true},

	{rule: "log-retention", at: "LogGroup rag-prod-flow-logs", path: "retentionInDays", bad: 3.0, absent: true},
	{rule: "tags", at: "Vpc rag-prod", path: "tags[\"cost-centre\"]", bad: "", absent: true},
	{rule: "data-protected", with: func(s *subject) { s.resource(db).Protect = false }},
	{rule: "repository-immutable", at: "Repository rag-prod", path: "imageTagMutability", bad: "MUTABLE", absent: true},
}

// resource finds "Type name", the end of the type being enough. There being none is a defect of the table.
func (s *subject) resource(at string) *rules.Resource {
	typ, name, _ := strings.Cut(at, " ")
	for i, r := range s.Resources {
		if strings.HasSuffix(r.Type, typ) && r.Name == name && strings.ContainsAny(r.Type[len(r.Type)-len(typ)-1:][:1], ":/") {
			return &s.Resources[i]
		}
	}
	var have []string
	for _, r := range s.Resources {
		if strings.HasSuffix(r.Type, typ) {
			have = append(have, r.Name)
		}
	}
	s.t.Fatalf("the stack has no %s, but %v", at, have)
	return nil
}

// set puts a value at a path of a resource; nil takes away what is there.
func (s *subject) set(at, path string, value any) {
	r := s.resource(at)
	inputs := resource.NewObjectProperty(resource.ToResourcePropertyMap(r.Inputs))
	p, err := resource.ParsePropertyPath(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if inputs.ObjectValue().ContainsSecrets() {
		inputs = opened(inputs, p)
	}
	var done bool
	if value == nil {
		done = p.Delete(inputs)
	} else {
		_, done = p.Add(inputs, newValue(value))
	}
	if !done {
		s.t.Fatalf("%s has no %s", at, path)
	}
	r.Inputs = resource.FromResourcePropertyMap(inputs.ObjectValue())
}

// opened replaces a secret at the first step of a path: what is below a secret has no path.
func opened(inputs resource.PropertyValue, p resource.PropertyPath) resource.PropertyValue {
	key, isKey := p[0].(string)
	if !isKey {
		return inputs
	}
	m := inputs.ObjectValue().Copy()
	if v := m[resource.PropertyKey(key)]; v.IsSecret() {
		m[resource.PropertyKey(key)] = v.SecretValue().Element
	}
	return resource.NewObjectProperty(m)
}

func newValue(v any) resource.PropertyValue {
	if computed, is := v.(resource.Computed); is {
		return resource.NewComputedProperty(computed)
	}
	return resource.NewPropertyValue(v)
}

var unknown = resource.Computed{Element: resource.NewStringProperty("")}

func (s *subject) setParameter(name, field, value string) {
	for i, n := range s.resource(dbParameters).At("parameters").Each() {
		if n.At("name").Text() == name {
			s.set(dbParameters, fmt.Sprintf("parameters[%d].%s", i, field), value)
			return
		}
	}
	s.t.Fatal("no parameter " + name)
}

// addVPA gives the API a vertical autoscaler.
func (s *subject) addVPA(mode, resources string) {
	inputs := resource.NewPropertyMapFromMap(map[string]any{
		"metadata": map[string]any{"name": "vpa", "namespace": platform.Namespace},
		"spec": map[string]any{
			"targetRef":      map[string]any{"kind": "Deployment", "name": "agentic-rag-api"},
			"updatePolicy":   map[string]any{"updateMode": mode},
			"resourcePolicy": map[string]any{"containerPolicies": []any{map[string]any{"controlledResources": []any{resources}}}},
		},
	})
	s.Resources = append(s.Resources, rules.Resource{
		Type: "kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler", Name: "vpa", Inputs: resource.FromResourcePropertyMap(inputs),
	})
}

// remove takes away the first resource of a type.
func (s *subject) remove(typ string) {
	i := slices.IndexFunc(s.Resources, func(r rules.Resource) bool { return r.Type == typ })
	s.Resources = slices.Delete(s.Resources, i, i+1)
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
		"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {"default-group-closed"},
		"aws:ec2/flowLog:FlowLog":                           {"flow-logs"},
		"kubernetes:autoscaling/v2:HorizontalPodAutoscaler": {"api-autoscaled"},
		"kubernetes:policy/v1:PodDisruptionBudget":          {"scaled-survives-drain"},
		"kubernetes:networking.k8s.io/v1:NetworkPolicy":     {"namespace-closed"},
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
