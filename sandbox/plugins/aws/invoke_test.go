package aws

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

func subnet(id, zone string) inventory.Resource {
	state := properties(object{"availabilityZone": zone})
	return inventory.Resource{Type: "aws:ec2/subnet:Subnet", ID: id, URN: "urn:" + id, Region: "eu-central-1", Status: inventory.Ready, State: state}
}

func (w *world) invoke(token string, args object) resource.PropertyMap {
	w.t.Helper()
	r, err := w.Invoke(w.t.Context(), plugin.InvokeRequest{Tok: tokens.ModuleMember(token), Args: properties(args)})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(r.Failures) > 0 {
		w.t.Fatal(r.Failures)
	}
	return r.Properties
}

func TestEveryFunctionsAnswerHasTheSchemasTypes(t *testing.T) {
	w := start(t)
	args := map[string]object{
		"aws:eks/getCluster:getCluster":                     {"name": "c"},
		"aws:index/getArn:getArn":                           {"arn": "arn:aws:iam::1:role/x"},
		"aws:index/getServicePrincipal:getServicePrincipal": {"serviceName": "eks"},
		"aws:kms/getAlias:getAlias":                         {"name": "alias/aws/ebs"},
		"aws:rds/getEngineVersion:getEngineVersion":         {"engine": "postgres"},
		"aws:ssm/getParameter:getParameter":                 {"name": "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64/standard/recommended/image_id"},

		"aws:cloudfront/getCachePolicy:getCachePolicy":                     {"name": "Managed-CachingDisabled"},
		"aws:cloudfront/getOriginRequestPolicy:getOriginRequestPolicy":     {"name": "Managed-AllViewerExceptHostHeader"},
		"aws:cloudfront/getResponseHeadersPolicy:getResponseHeadersPolicy": {"name": "Managed-SecurityHeadersPolicy"},
	}
	for id, zone := range map[string]string{"subnet-1": "eu-central-1a", "subnet-2": "eu-central-1b"} {
		if err := w.store.Put(subnet(id, zone)); err != nil {
			t.Fatal(err)
		}
	}
	w.create("aws:eks/cluster:Cluster", "c", object{"name": "c", "roleArn": "arn:x", "vpcConfig": object{"subnetIds": []any{"subnet-1", "subnet-2"}}})
	for token := range functions {
		want, ok := w.schema.Functions[token]
		if !ok {
			t.Errorf("%s is no function of the schema", token)
			continue
		}
		out := w.invoke(token, args[token])
		for _, f := range w.schema.Validate(want.Outputs, out) {
			if !strings.HasPrefix(f.Reason, "missing") { // the echoed inputs are the engine's to add
				t.Errorf("%s: %s %s", token, f.Path, f.Reason)
			}
		}
	}
}

func TestAnUnansweredFunctionIsNamed(t *testing.T) {
	w := start(t)
	_, err := w.Invoke(t.Context(), plugin.InvokeRequest{Tok: "aws:ec2/getAmi:getAmi"})
	if err == nil || !strings.Contains(err.Error(), "the sandbox has no answer to the function aws:ec2/getAmi:getAmi") {
		t.Errorf("got %v", err)
	}
	_, err = w.Invoke(t.Context(), plugin.InvokeRequest{Tok: "aws:index/getRegin:getRegin"})
	if err == nil || !strings.Contains(err.Error(), `did you mean "aws:index/getRegion:getRegion"`) {
		t.Errorf("got %v", err)
	}
}

func TestZonesOfARegion(t *testing.T) {
	w := start(t)
	out := w.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", object{"state": "available", "excludeNames": []any{"eu-central-1b"}})
	if d := cmp.Diff([]string{"eu-central-1a", "eu-central-1c"}, props.Strings(out, "names")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"euc1-az1", "euc1-az3"}, props.Strings(out, "zoneIds")); d != "" {
		t.Error(d)
	}
}

func TestAPolicyDocumentIsRendered(t *testing.T) {
	w := start(t)
	out := w.invoke("aws:iam/getPolicyDocument:getPolicyDocument", object{"statements": []any{
		object{"sid": "A", "actions": []any{"s3:PutObject", "s3:GetObject"}, "resources": []any{"arn:aws:s3:::b/*"},
			"conditions": []any{
				object{"test": "StringEquals", "variable": "aws:x", "values": []any{"1"}},
				object{"test": "StringEquals", "variable": "aws:x", "values": []any{"2"}}}},
		object{"effect": "Deny", "actions": []any{"*"}, "resources": []any{"*"},
			"principals": []any{object{"type": "AWS", "identifiers": []any{"arn:b", "arn:a"}}}},
	}})
	want := `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "A",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:PutObject"
      ],
      "Resource": "arn:aws:s3:::b/*",
      "Condition": {
        "StringEquals": {
          "aws:x": [
            "1",
            "2"
          ]
        }
      }
    },
    {
      "Effect": "Deny",
      "Action": "*",
      "Resource": "*",
      "Principal": {
        "AWS": [
          "arn:a",
          "arn:b"
        ]
      }
    }
  ]
}`
	if d := cmp.Diff(want, props.Str(out, "json")); d != "" {
		t.Error(d)
	}
}

func TestADocumentsStatementsAreOverriddenBySid(t *testing.T) {
	w := start(t)
	out := w.invoke("aws:iam/getPolicyDocument:getPolicyDocument", object{
		"sourcePolicyDocuments":   []any{`{"Statement":[{"Sid":"A","Effect":"Allow","Action":"a:b","Resource":"*"}]}`},
		"overridePolicyDocuments": []any{`{"Statement":[{"Sid":"A","Effect":"Deny","Action":"a:b","Resource":"*"}]}`},
	})
	want := `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Deny","Action":"a:b","Resource":"*"}]}`
	if d := cmp.Diff(want, props.Str(out, "minifiedJson")); d != "" {
		t.Error(d)
	}
}
