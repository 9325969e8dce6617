package outputs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

func maker(t *testing.T, token string, inputs map[string]any) *Maker {
	t.Helper()
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	urn := resource.URN("urn:pulumi:local::ragscale::" + token + "::main")
	return &Maker{Schema: s, Type: token, URN: urn, Region: "eu-central-1", Inputs: resource.NewPropertyMapFromMap(inputs)}
}

func TestTheTableNamesTypesAndPropertiesOfTheSchema(t *testing.T) {
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	for token, spec := range table {
		r := s.Resources[token]
		if r == nil {
			t.Errorf("%s is no type of the schema", token)
			continue
		}
		names := append([]string{spec.naming.Property}, spec.unique...)
		for p := range spec.templates {
			names = append(names, p)
		}
		for _, p := range names {
			if _, ok := r.Outputs.Get(p); !ok && p != "" && p != "id" && p != "mainRouteTableId" {
				t.Errorf("%s has no property %s", token, p)
			}
		}
	}
}

func TestOutputsHaveAWSsForms(t *testing.T) {
	for _, c := range []struct {
		token    string
		inputs   map[string]any
		property string
		want     string // regular expression
	}{
		{"aws:ec2/vpc:Vpc", nil, "arn", `^arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-[0-9a-f]{17}$`},
		{"aws:iam/role:Role", map[string]any{"name": "api"}, "arn", `^arn:aws:iam::123456789012:role/api$`},
		{"aws:iam/policy:Policy", map[string]any{"name": "p", "path": "/team/"}, "arn", `^arn:aws:iam::123456789012:policy/team/p$`},
		{"aws:s3/bucketV2:BucketV2", map[string]any{"bucket": "b"}, "arn", `^arn:aws:s3:::b$`},
		{"aws:cloudwatch/logGroup:LogGroup", map[string]any{"name": "/aws/eks/x"}, "arn", `^arn:aws:logs:eu-central-1:123456789012:log-group:/aws/eks/x$`},
		{"aws:lb/loadBalancer:LoadBalancer", map[string]any{"name": "api"}, "arn", `^arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/api/[0-9a-f]{16}$`},
		{"aws:lb/loadBalancer:LoadBalancer", map[string]any{"name": "n", "loadBalancerType": "network"}, "arnSuffix", `^net/n/[0-9a-f]{16}$`},
		{"aws:lb/loadBalancer:LoadBalancer", map[string]any{"name": "api"}, "dnsName", `^api-[1-9]{10}\.eu-central-1\.elb\.amazonaws\.com$`},
		{"aws:lb/loadBalancer:LoadBalancer", map[string]any{"name": "api", "internal": true}, "dnsName", `^internal-api-[1-9]{10}\.eu-central-1\.elb\.amazonaws\.com$`},
		{"aws:lb/listener:Listener", map[string]any{"loadBalancerArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/api/0123"}, "arn", `:listener/app/api/0123/[0-9a-f]{16}$`},
		{"aws:rds/instance:Instance", map[string]any{"identifier": "db"}, "endpoint", `^db\.c[0-9a-f]{11}\.eu-central-1\.rds\.amazonaws\.com:5432$`},
		{"aws:rds/instance:Instance", map[string]any{"identifier": "db", "port": 6000}, "endpoint", `:6000$`},
		{"aws:rds/instance:Instance", map[string]any{"identifier": "db"}, "resourceId", `^db-[0-9A-F]{26}$`},
		{"aws:ecr/repository:Repository", map[string]any{"name": "team/api"}, "repositoryUrl", `^123456789012\.dkr\.ecr\.eu-central-1\.amazonaws\.com/team/api$`},
		{"aws:eks/accessEntry:AccessEntry", map[string]any{"clusterName": "c", "principalArn": "arn:aws:iam::1:role/x"}, "userName", `^arn:aws:iam::1:role/x$`},
		{"aws:kms/key:Key", nil, "keyId", `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`},
		{"aws:iam/role:Role", map[string]any{"namePrefix": "api-"}, "name", `^api-[0-9a-f]{26}$`},
	} {
		got := props.Str(maker(t, c.token, c.inputs).State(nil), c.property)
		if !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s.%s is %q, want %s", c.token, c.property, got, c.want)
		}
	}
}

func TestSuffixAndARNAgree(t *testing.T) {
	state := maker(t, "aws:lb/targetGroup:TargetGroup", map[string]any{"name": "api"}).State(nil)
	if arn, suffix := props.Str(state, "arn"), props.Str(state, "arnSuffix"); !strings.HasSuffix(arn, ":"+suffix) {
		t.Errorf("arn %s, arnSuffix %s", arn, suffix)
	}
}

func TestIDsFollowFromURNAndGeneration(t *testing.T) {
	first, again := maker(t, "aws:ec2/vpc:Vpc", nil), maker(t, "aws:ec2/vpc:Vpc", nil)
	next := maker(t, "aws:ec2/vpc:Vpc", nil)
	next.Generation = 1
	if first.ID() != again.ID() || first.ID() == next.ID() {
		t.Errorf("ids %s, %s and, of the next generation, %s", first.ID(), again.ID(), next.ID())
	}
}

func TestTagsAllHasTheDefaultTags(t *testing.T) {
	state := maker(t, "aws:ec2/vpc:Vpc", map[string]any{"tags": map[string]any{"a": "own", "b": "own"}}).State(map[string]string{"a": "default", "c": "default"})
	want := map[string]string{"a": "own", "b": "own", "c": "default"}
	if d := cmp.Diff(want, props.StringMap(state, "tagsAll")); d != "" {
		t.Error(d)
	}
}

func TestNodeGroupNamesItsScalingGroup(t *testing.T) {
	state := maker(t, "aws:eks/nodeGroup:NodeGroup", map[string]any{"clusterName": "c", "nodeGroupName": "api"}).State(nil)
	if got := props.Str(state, "resources.0.autoscalingGroups.0.name"); !strings.HasPrefix(got, "eks-api-") {
		t.Errorf("got %q", got)
	}
}

func TestEveryOutputHasTheSchemasType(t *testing.T) {
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	for token, r := range s.Resources {
		if !strings.HasPrefix(token, "aws:") {
			continue
		}
		if failures := s.Validate(r.Outputs, maker(t, token, nil).State(nil)); len(failures) > 0 {
			t.Errorf("%s: %v", token, failures)
		}
	}
}

func TestABadLineOfTheTableIsNamed(t *testing.T) {
	for _, text := range []string{"a:b:C\n  @nme x", "a:b:C\n  arn", "a:b:C\n  @name x max y", "a:b:C\na:b:C"} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), "types.txt:2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
