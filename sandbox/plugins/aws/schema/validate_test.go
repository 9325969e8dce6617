package schema

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func loaded(t *testing.T) *Schema {
	t.Helper()
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFailuresNameThePath(t *testing.T) {
	const cluster = "aws:eks/cluster:Cluster"
	valid := func() map[string]any {
		return map[string]any{
			"roleArn": "arn:aws:iam::123456789012:role/x", "vpcConfig": map[string]any{"subnetIds": []any{"subnet-1"}},
		}
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   []Failure
	}{
		"valid":         {func(map[string]any) {}, nil},
		"unknown":       {func(m map[string]any) { m["versoin"] = "1.36" }, []Failure{{"versoin", `unknown property (did you mean "version"?)`}}},
		"snake case":    {func(m map[string]any) { m["role_arn"] = "x" }, []Failure{{"role_arn", `unknown property (did you mean "roleArn"?)`}}},
		"far off":       {func(m map[string]any) { m["zebra"] = 1 }, []Failure{{"zebra", "unknown property"}}},
		"missing":       {func(m map[string]any) { delete(m, "roleArn") }, []Failure{{"roleArn", "missing, want a string"}}},
		"null":          {func(m map[string]any) { m["roleArn"] = nil }, []Failure{{"roleArn", "missing, want a string"}}},
		"nested type":   {func(m map[string]any) { m["vpcConfig"] = map[string]any{"subnetIds": []any{"a", 7}} }, []Failure{{"vpcConfig.subnetIds[1]", "is number, want a string"}}},
		"nested name":   {func(m map[string]any) { m["vpcConfig"] = map[string]any{"subnetIDs": []any{}} }, []Failure{{"vpcConfig.subnetIDs", `unknown property (did you mean "subnetIds"?)`}}},
		"map of texts":  {func(m map[string]any) { m["tags"] = map[string]any{"a b": true} }, []Failure{{`tags["a b"]`, "is bool, want a string"}}},
		"engine's keys": {func(m map[string]any) { m["__defaults"] = []any{"name"} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := valid()
			c.change(m)
			s := loaded(t)
			got := s.Validate(s.Resources[cluster].Inputs, resource.NewPropertyMapFromMap(m))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAnIntegerHasNoFraction(t *testing.T) {
	s := loaded(t)
	m := resource.NewPropertyMapFromMap(map[string]any{"instanceClass": "db.t4g.micro", "allocatedStorage": 20.5})
	got := s.Validate(s.Resources["aws:rds/instance:Instance"].Inputs, m)
	if d := cmp.Diff([]Failure{{"allocatedStorage", "is 20.5, want an integer"}}, got); d != "" {
		t.Error(d)
	}
}

func TestUnknownAndSecretValuesPass(t *testing.T) {
	s := loaded(t)
	m := resource.PropertyMap{
		"instanceClass": resource.MakeComputed(resource.NewStringProperty("")),
		"password":      resource.MakeSecret(resource.NewStringProperty("x")),
	}
	if got := s.Validate(s.Resources["aws:rds/instance:Instance"].Inputs, m); got != nil {
		t.Error(got)
	}
}

func TestASecretIsTypeCheckedToo(t *testing.T) {
	s := loaded(t)
	m := resource.PropertyMap{
		"instanceClass": resource.NewStringProperty("db.t4g.micro"),
		"password":      resource.MakeSecret(resource.NewNumberProperty(1)),
	}
	got := s.Validate(s.Resources["aws:rds/instance:Instance"].Inputs, m)
	if d := cmp.Diff([]Failure{{"password", "is number, want a string"}}, got); d != "" {
		t.Error(d)
	}
}

func TestSchemaCoversThePackagesInUse(t *testing.T) {
	s := loaded(t)
	for _, token := range []string{
		"aws:ec2/vpc:Vpc", "aws:eks/cluster:Cluster", "aws:iam/role:Role", "aws:kms/key:Key", "aws:lb/loadBalancer:LoadBalancer", "aws:rds/instance:Instance",
		"aws:ecr/repository:Repository", "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:autoscaling/tag:Tag", "aws:secretsmanager/secret:Secret", "aws:s3/bucketV2:BucketV2",
		"aws:elasticache/replicationGroup:ReplicationGroup", "aws:cloudfront/distribution:Distribution", "aws:sns/topic:Topic", "aws:acm/certificate:Certificate",
		"aws:ssm/parameter:Parameter", "aws:amp/workspace:Workspace", "aws:grafana/workspace:Workspace", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
		"pulumi:providers:aws",
	} {
		if s.Resources[token] == nil {
			t.Errorf("no %s", token)
		}
	}
}

func TestPropertiesSurviveTheFile(t *testing.T) {
	elem := Type{Kind: Object, Ref: "x.Y"}
	want := NewProperties(map[string]Property{
		"a": {Type: Type{Kind: String}, Required: true},
		"b": {Type: Type{Kind: List, Elem: &elem}, ForceNew: true},
		"c": {Type: Type{Kind: Map, Elem: &Type{Kind: Any}}, Required: true, ForceNew: true},
	})
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Properties
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.byName, got.byName); d != "" {
		t.Error(d)
	}
}
