package readback

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

const (
	distribution = "aws:cloudfront/distribution:Distribution"
	instance     = "aws:rds/instance:Instance"
)

func load(t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// declared are the types that the graphs of all stacks have.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	graphs, err := filepath.Glob("../../../../infra/platform/testdata/*.golden")
	if err != nil || len(graphs) == 0 {
		t.Fatal("no graphs", err)
	}
	types := map[string]bool{}
	for _, graph := range graphs {
		text, err := os.ReadFile(graph)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range regexp.MustCompile(`aws:\w+/\w+:\w+`).FindAllString(string(text), -1) {
			types[token] = true
		}
	}
	return types
}

func TestEveryDeclaredTypeIsInTheTable(t *testing.T) {
	for token := range declared(t) {
		if _, found := forms[token]; !found {
			t.Errorf("forms.txt says nothing of %s", token)
		}
	}
}

func TestFormsNamePropertiesOfTheSchema(t *testing.T) {
	s := load(t)
	for token, how := range forms {
		if s.Resources[token] == nil {
			t.Errorf("%s is no type", token)
			continue
		}
		inputs := s.Resources[token].Inputs
		for path := range how.sets {
			if kind := kindAt(s, inputs, path); kind != schema.List {
				t.Errorf("%s.%s is %c, want a list", token, path, kind)
			}
		}
		for path := range how.keeps {
			if p, _ := inputs.Get(path); p.Type.Kind != schema.List || p.Computed {
				t.Errorf("%s.%s is %+v, want a list of which the SDK says nothing", token, path, p)
			}
		}
		for path := range how.spelt {
			if kind := kindAt(s, inputs, path); kind != schema.String && kind != schema.Any {
				t.Errorf("%s.%s is %c, want a text", token, path, kind)
			}
		}
	}
}

// TestEveryListIsASetOrHasAnOrder: a list that the table does not call a set has an order, by this list.
func TestEveryListIsASetOrHasAnOrder(t *testing.T) {
	ordered := regexp.MustCompile(`(?m)^\s*(\S+): (.*)$`).FindAllStringSubmatch(`
		amp/workspaceConfiguration: limitsPerLabelSets
		cloudfront/distribution: defaultCacheBehavior.forwardedValues.queryStringCacheKeys
		cloudfront/distribution: defaultCacheBehavior.trustedKeyGroups defaultCacheBehavior.trustedSigners
		cloudfront/distribution: orderedCacheBehaviors orderedCacheBehaviors.forwardedValues.queryStringCacheKeys
		cloudfront/distribution: orderedCacheBehaviors.trustedKeyGroups orderedCacheBehaviors.trustedSigners originGroups.members
		cloudwatch/logDelivery: recordFields s3DeliveryConfigurations
		ec2/defaultSecurityGroup: egress.cidrBlocks egress.ipv6CidrBlocks egress.prefixListIds
		ec2/defaultSecurityGroup: ingress.cidrBlocks ingress.ipv6CidrBlocks ingress.prefixListIds
		ec2/securityGroup: egress.cidrBlocks egress.ipv6CidrBlocks egress.prefixListIds
		ec2/securityGroup: ingress.cidrBlocks ingress.ipv6CidrBlocks ingress.prefixListIds
		ec2/launchTemplate: blockDeviceMappings elasticGpuSpecifications networkInterfaces tagSpecifications
		ecr/repository: encryptionConfigurations
		eks/cluster: defaultAddonsToRemoves
		eks/nodeGroup: instanceTypes
		elasticache/replicationGroup: preferredCacheClusterAzs
		lb/listener: defaultActions
		lb/targetGroup: targetFailovers targetHealthStates
		s3/bucketLifecycleConfigurationV2: rules
	`, -1)
	inOrder := map[string]bool{}
	for _, line := range ordered {
		for path := range strings.FieldsSeq(line[2]) {
			inOrder[line[1]+" "+path] = true
		}
	}
	s := load(t)
	for token := range declared(t) {
		name := strings.Split(token, ":")[1]
		if name == "s3/bucketV2" { // its blocks are resources of their own
			continue
		}
		for _, path := range lists(s, s.Resources[token].Inputs, "", 0) {
			if strings.HasPrefix(path, "instanceRequirements.") {
				continue // nothing here asks for them
			}
			if set := forms[token].sets[path]; set == inOrder[name+" "+path] {
				t.Errorf("%s.%s: a set in the table: %t, in the list of those with an order: %t", token, path, set, inOrder[name+" "+path])
			}
		}
	}
}

func kindAt(s *schema.Schema, p *schema.Properties, path string) schema.Kind {
	var kind schema.Kind
	for step := range strings.SplitSeq(path, ".") {
		prop, ok := p.Get(step)
		if !ok {
			return '?'
		}
		kind = prop.Type.Kind
		t := prop.Type
		for t.Elem != nil {
			t = *t.Elem
		}
		p = s.Types[t.Ref]
	}
	return kind
}

// lists are the paths of all lists below an object.
func lists(s *schema.Schema, p *schema.Properties, path string, depth int) []string {
	const deepest = 6
	var out []string
	for _, name := range p.Names() {
		prop, _ := p.Get(name)
		t, at := prop.Type, path+name
		if t.Kind == schema.List {
			out = append(out, at)
			t = *t.Elem
		}
		if t.Kind == schema.Object && depth < deepest {
			out = append(out, lists(s, s.Types[t.Ref], at+".", depth+1)...)
		}
	}
	return out
}

func TestWhatIsTheSameToTheProviderIsNoDifference(t *testing.T) {
	s := load(t)
	for name, c := range map[string]struct {
		token     string
		sent, new object
		same      bool
	}{
		"a set in another order": {
			instance, object{"vpcSecurityGroupIds": []any{"a", "b"}}, object{"vpcSecurityGroupIds": []any{"b", "a"}}, true,
		},
		"a set with a repetition": {
			instance, object{"vpcSecurityGroupIds": []any{"a"}}, object{"vpcSecurityGroupIds": []any{"a", "a"}}, true,
		},
		"another set": {instance, object{"vpcSecurityGroupIds": []any{"a", "b"}}, object{"vpcSecurityGroupIds": []any{"a", "c"}}, false},
		"a list in another order": {
			"aws:eks/nodeGroup:NodeGroup", object{"instanceTypes": []any{"a", "b"}}, object{"instanceTypes": []any{"b", "a"}}, false,
		},
		"sets in a set": {
			distribution,
			object{"origins": []any{
				object{"originId": "a", "customHeaders": []any{object{"name": "x", "value": "1"}, object{"name": "y", "value": "2"}}},
				object{"originId": "b"},
			}},
			object{"origins": []any{
				object{"originId": "b", "customHeaders": []any{}},
				object{"originId": "a", "customHeaders": []any{object{"name": "y", "value": "2"}, object{"name": "x", "value": "1"}}},
			}},
			true,
		},
		"sets in a list with an order": {
			distribution,
			object{"orderedCacheBehaviors": []any{object{"pathPattern": "/a", "allowedMethods": []any{"GET", "HEAD"}}, object{"pathPattern": "/b"}}},
			object{"orderedCacheBehaviors": []any{object{"pathPattern": "/a", "allowedMethods": []any{"HEAD", "GET"}}, object{"pathPattern": "/b"}}},
			true,
		},
		"letters": {instance, object{"maintenanceWindow": "Sun:03:00-Sun:04:00"}, object{"maintenanceWindow": "sun:03:00-sun:04:00"}, true},
		"JSON": {
			"aws:cloudwatch/dashboard:Dashboard",
			object{"dashboardBody": `{"a": 1, "b": [1, 2]}`}, object{"dashboardBody": `{"b":[1,2],"a":1}`}, true,
		},
		"JSON with another order": {
			"aws:cloudwatch/dashboard:Dashboard", object{"dashboardBody": `{"b": [1, 2]}`}, object{"dashboardBody": `{"b":[2,1]}`}, false,
		},
		"an add-on's configuration": {
			"aws:eks/addon:Addon", object{"configurationValues": `{"a": 1}`}, object{"configurationValues": `{"a":1}`}, false,
		},
		"a key by its ARN": {
			"aws:kms/alias:Alias", object{"targetKeyId": "arn:aws:kms:eu-central-1:1:key/abc"}, object{"targetKeyId": "abc"}, true,
		},
		"a protocol by its number": {
			"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", object{"ipProtocol": "tcp"}, object{"ipProtocol": "6"}, true,
		},
		"a lifecycle's rules": {
			"aws:ecr/lifecyclePolicy:LifecyclePolicy",
			object{"policy": `{"rules": [{"rulePriority": 1, "selection": {"tagPrefixList": ["a", "b"]}}, {"rulePriority": 2}]}`},
			object{"policy": `{"rules": [{"rulePriority": 2}, {"rulePriority": 1, "selection": {"tagPrefixList": ["b", "a"]}}]}`}, true,
		},
		"what AWS gives a value of its own": {instance, object{"backupWindow": "03:00-04:00", "dbName": "a"}, object{"dbName": "a"}, true},
		"what AWS fills itself":             {instance, object{"vpcSecurityGroupIds": []any{"a"}}, object{}, true},
		"what has a fixed default":          {instance, object{"copyTagsToSnapshot": true}, object{}, false},
	} {
		sent, news := properties(c.sent), properties(c.new)
		old := Old(c.token, s.Resources[c.token], sent, sent, news)
		if got := old.DeepEquals(news); got != c.same {
			t.Errorf("%s: the same is %t, want %t: %s", name, got, c.same, cmp.Diff(old.Mappable(), c.new))
		}
	}
}

func TestPoliciesThatSayTheSameAreTheSame(t *testing.T) {
	const role = "aws:iam/role:Role"
	base := `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*", "Principal": {"AWS": "123456789012"}},
		{"Sid": "b", "Effect": "Deny", "Action": "s3:*", "Resource": ["a", "b"], "Principal": "*",
			"Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}`
	for other, same := range map[string]bool{
		strings.ReplaceAll(base, "\t", ""): true,
		strings.ReplaceAll(base, `["s3:GetObject", "s3:PutObject"]`, `["s3:putobject", "s3:GetObject"]`): true,
		strings.ReplaceAll(base, `"123456789012"`, `["arn:aws:iam::123456789012:root"]`):                 true,
		strings.ReplaceAll(base, `"s3:*"`, `["s3:*"]`):                                                   true,
		strings.ReplaceAll(base, `"false"`, `["false"]`):                                                 true,
		strings.ReplaceAll(base, `"*"`, `{"AWS": "*"}`):                                                  false, // of the resource too
		strings.ReplaceAll(base, `"Principal": "*"`, `"Principal": {"AWS": "*"}`):                        true,
		strings.ReplaceAll(base, `"b"]`, `"c"]`):                                                         false,
		strings.ReplaceAll(base, `"Sid": "b"`, `"Sid": "c"`):                                             false,
		`{"Version": "2012-10-17"}`:                                                                      false,
		`no JSON`:                                                                                        false,
	} {
		sent, news := properties(object{"assumeRolePolicy": base}), properties(object{"assumeRolePolicy": other})
		old := Old(role, load(t).Resources[role], sent, sent, news)
		if got := old["assumeRolePolicy"].StringValue() == other; got != same {
			t.Errorf("%s is the same: %t, want %t", other, got, same)
		}
	}
}

func TestWhatIsOfOneSetOnlyStandsWhereTheOthersAreNot(t *testing.T) {
	sent := properties(object{"vpcSecurityGroupIds": []any{"a", "b", "c"}})
	old := Old(instance, load(t).Resources[instance], sent, sent, properties(object{"vpcSecurityGroupIds": []any{"c", "x", "a"}}))
	if d := cmp.Diff([]any{"c", "b", "a"}, old.Mappable()["vpcSecurityGroupIds"]); d != "" {
		t.Error(d)
	}
	old = Old(instance, load(t).Resources[instance], sent, sent, properties(object{"vpcSecurityGroupIds": []any{"c"}}))
	if d := cmp.Diff([]any{"c", "a", "b"}, old.Mappable()["vpcSecurityGroupIds"]); d != "" {
		t.Error(d)
	}
}

func TestATableThatIsWronglyWrittenIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"aws:a/b:B":                   "and its source",
		"aws:a/b:B b.go\naws:a/b:B b": "not there yet",
		"aws:a/b:B b.go\n  sets a":    `"sets" is no form`,
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
