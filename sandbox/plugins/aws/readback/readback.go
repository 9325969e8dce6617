// Package readback knows where AWS answers another value than it was sent, so that what a program says and what the
// account has differ at every update.
//
// Owns: the table of such properties and their answers, and how the provider compares the two (forms.txt): sets have no order,
// a policy may be written in many ways, what AWS gives a value of its own is no difference where the program gives none. Does
// not own: the records (package inventory), what waits for a maintenance window (package pending).
package readback

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/pending"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// row is one property that AWS answers otherwise. The provider stores the answer and compares the program with it.
type row struct {
	top resource.PropertyKey // the property; what of it was sent is compared
	// answer is the property as AWS has it after the resource was sent, with what it had before (nil if it is new).
	answer func(before, sent resource.PropertyMap) resource.PropertyValue
	// same says whether the provider sees no difference between an answer and what a program sends; nil for never.
	same func(answer resource.PropertyValue, news resource.PropertyMap) bool
}

// table is by type. Each row's source stands at its function.
var table = map[string][]row{
	"aws:elasticache/user:User": {
		{"authenticationMode", authenticationMode, nil},
		{"accessString", accessString, nil},
	},
	"aws:rds/parameterGroup:ParameterGroup":    {{"parameters", applyMethods, nil}},
	"aws:rds/instance:Instance":                {{"allocatedStorage", grownStorage, grownByItself}},
	"aws:cloudfront/distribution:Distribution": {{"viewerCertificate", viewerCertificate, nil}},
	"aws:eks/nodeGroup:NodeGroup":              {{"launchTemplate", launchTemplate, nil}},
	"aws:ec2/flowLog:FlowLog":                  {{"logDestination", logDestination, nil}},
}

// State is what the account has of a resource of that state, which was sent, when before is what it had.
func State(token string, before, sent resource.PropertyMap) resource.PropertyMap {
	out := sent.Copy()
	for _, r := range table[token] {
		if v, given := sent[r.top]; given && !v.ContainsUnknowns() {
			out[r.top] = r.answer(before, sent)
		}
	}
	for _, key := range pending.Keys(token) {
		if pending.Waits(token, key, before, sent) {
			out[key] = before[key]
		}
	}
	return out
}

// Inputs are what a program's next inputs are compared with: those that it sent last, with the answers in place of what
// was sent.
func Inputs(token string, sent, state resource.PropertyMap) resource.PropertyMap {
	out := sent.Copy()
	tops := slices.Clone(pending.Keys(token))
	for _, r := range table[token] {
		tops = append(tops, r.top)
	}
	for _, top := range tops {
		was, given := sent[top]
		now, known := state[top]
		if given && known {
			plainWas, _ := props.Plain(was)
			plainNow, _ := props.Plain(now)
			out[top] = props.Project(plainWas, plainNow)
		}
	}
	return out
}

// Same says whether a difference between an answer and a program's next inputs is none to the provider.
func Same(token string, top resource.PropertyKey, state, news resource.PropertyMap) bool {
	for _, r := range table[token] {
		if r.top == top && r.same != nil {
			return r.same(state[top], news)
		}
	}
	return false
}

// viewerCertificate: with CloudFront's own certificate the security policy is TLSv1, whatever was sent.
// Source: ViewerCertificate of https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ViewerCertificate.html ("sets the
// security policy to TLSv1 regardless"), https://github.com/hashicorp/terraform-provider-aws/pull/10639 ; read 2026-11-30.
func viewerCertificate(_, sent resource.PropertyMap) resource.PropertyValue {
	return edit(sent["viewerCertificate"], func(certificate resource.PropertyMap) {
		if props.Bool(certificate, "cloudfrontDefaultCertificate", false) && props.Has(certificate, "minimumProtocolVersion") {
			certificate["minimumProtocolVersion"] = resource.NewStringProperty("TLSv1")
		}
	})
}

// launchTemplate: its $Latest and $Default come as numbers, which the provider looked up.
func launchTemplate(_, sent resource.PropertyMap) resource.PropertyValue {
	return sent["launchTemplate"]
}

// logDestination: the provider sends a log group's ARN without ":*", and reads it so.
// Source: https://github.com/hashicorp/terraform-provider-aws , internal/service/ec2/vpc_flow_log.go; read 2026-11-30.
func logDestination(_, sent resource.PropertyMap) resource.PropertyValue {
	if arn, known := props.String(sent, "logDestination"); known {
		return like(sent["logDestination"], resource.NewStringProperty(strings.TrimSuffix(arn, ":*")))
	}
	return sent["logDestination"]
}

// authenticationMode: CreateUser takes no-password-required and DescribeUsers answers no-password.
// Source: InputAuthenticationType and AuthenticationType of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/elasticache/types , and resourceUserRead of
// https://github.com/hashicorp/terraform-provider-aws , internal/service/elasticache/user.go; read 2026-11-30.
func authenticationMode(_, sent resource.PropertyMap) resource.PropertyValue {
	return edit(sent["authenticationMode"], func(mode resource.PropertyMap) {
		if props.Str(mode, "type") == "no-password-required" {
			mode["type"] = resource.NewStringProperty("no-password")
		}
	})
}

// aclAliases are the words that ElastiCache spells out.
// Source: https://github.com/hashicorp/terraform-provider-aws/issues/20334 , https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/ ;
// read 2026-11-30. Of the order below only the first three places are in public outputs; `aws elasticache describe-users` would settle the rest.
var aclAliases = map[string]string{"allkeys": "~*", "allchannels": "&*", "allcommands": "+@all", "nocommands": "-@all"}

// accessString comes back as state, keys, channels, then commands, which begin with what all of them are.
func accessString(_, all resource.PropertyMap) resource.PropertyValue {
	sent := all["accessString"]
	text, known := props.Plain(sent)
	if !known || !text.IsString() {
		return sent
	}
	var places [4][]string
	for _, word := range strings.Fields(text.StringValue()) {
		if alias := aclAliases[strings.ToLower(word)]; alias != "" {
			word = alias
		}
		place := aclPlace(word)
		places[place] = append(places[place], word)
	}
	if c := places[3]; len(c) > 0 && c[0] != "-@all" && c[0] != "+@all" {
		places[3] = append([]string{"-@all"}, c...)
	}
	return like(sent, resource.NewStringProperty(strings.Join(slices.Concat(places[:]...), " ")))
}

// aclPlace is where a rule stands: state, keys, channels, commands.
func aclPlace(word string) int {
	switch {
	case word == "on" || word == "off":
		return 0
	case strings.ContainsAny(word[:1], "~%"):
		return 1
	case word[0] == '&':
		return 2
	}
	return 3
}

// applyMethods: RDS does not register a change of the apply method alone.
// Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/db_parameter_group , "Problematic
// Plan Changes"; read 2026-11-30.
func applyMethods(before, all resource.PropertyMap) resource.PropertyValue {
	had, sent := map[string]resource.PropertyMap{}, all["parameters"] // by name and value
	for _, p := range props.Objects(before, "parameters") {
		had[props.Str(p, "name")+"\x00"+props.Str(p, "value")] = p
	}
	list, known := props.Plain(sent)
	if !known || !list.IsArray() {
		return sent
	}
	out := make([]resource.PropertyValue, len(list.ArrayValue()))
	for i, v := range list.ArrayValue() {
		out[i] = edit(v, func(p resource.PropertyMap) {
			old, same := had[props.Str(p, "name")+"\x00"+props.Str(p, "value")]
			if !same {
				return
			}
			if method, ok := old["applyMethod"]; ok {
				p["applyMethod"] = method
			} else {
				delete(p, "applyMethod")
			}
		})
	}
	return like(sent, resource.NewArrayProperty(out))
}

// grownStorage: a volume that RDS has grown by itself keeps its size, whatever is declared; it never shrinks.
// Source: DiffSuppressFunc of allocated_storage in https://github.com/hashicorp/terraform-provider-aws ,
// internal/service/rds/instance.go (suppressed while max_allocated_storage is above what is declared); read 2026-11-30.
func grownStorage(before, sent resource.PropertyMap) resource.PropertyValue {
	had, known := props.Number(before, "allocatedStorage")
	want, given := props.Number(sent, "allocatedStorage")
	if known && given && had > want && growing(sent, want) {
		return resource.NewNumberProperty(had)
	}
	return sent["allocatedStorage"]
}

func grownByItself(answer resource.PropertyValue, news resource.PropertyMap) bool {
	had, known := props.Number(resource.PropertyMap{"had": answer}, "had")
	want, given := props.Number(news, "allocatedStorage")
	return known && given && had > want && growing(news, want)
}

// growing says whether storage autoscaling may have made more of what is declared.
func growing(inputs resource.PropertyMap, want float64) bool {
	most, on := props.Number(inputs, "maxAllocatedStorage")
	return on && most > want
}

// edit changes a copy of the object in v.
func edit(v resource.PropertyValue, change func(resource.PropertyMap)) resource.PropertyValue {
	plain, known := props.Plain(v)
	if !known || !plain.IsObject() {
		return v
	}
	object := plain.ObjectValue().Copy()
	change(object)
	return like(v, resource.NewObjectProperty(object))
}

// like makes v secret where old is.
func like(old, v resource.PropertyValue) resource.PropertyValue {
	if old.ContainsSecrets() && !v.ContainsSecrets() {
		return resource.MakeSecret(v)
	}
	return v
}
