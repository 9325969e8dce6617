package readback

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

const user = "aws:elasticache/user:User"

type object = map[string]any

func properties(m object) resource.PropertyMap { return resource.NewPropertyMapFromMap(m) }

func TestTheTableNamesPropertiesOfTheSchema(t *testing.T) {
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	for token, rows := range table {
		for _, r := range rows {
			if _, ok := s.Resources[token].Inputs.Get(string(r.top)); !ok {
				t.Errorf("%s has no %s", token, r.top)
			}
		}
	}
}

func TestAccessStringsComeBackInRedisOwnForm(t *testing.T) {
	for sent, want := range map[string]string{
		"on allkeys allcommands":               "on ~* +@all",
		"off ~* -@all":                         "off ~* -@all",
		"-@all +@read ~app:* on":               "on ~app:* -@all +@read",
		"on ~app:* +@read":                     "on ~app:* -@all +@read",
		"on  %R~app:* &news -@all +get":        "on %R~app:* &news -@all +get",
		"on ~app:* -@all +@read +@write -scan": "on ~app:* -@all +@read +@write -scan",
		"off":                                  "off",
	} {
		state := State(user, nil, properties(object{"accessString": sent}))
		if got := state["accessString"].StringValue(); got != want {
			t.Errorf("%q: got %q, want %q", sent, got, want)
		}
	}
}

func TestAnAnswerThatDiffersIsWhatInputsAreComparedWith(t *testing.T) {
	sent := properties(object{"authenticationMode": object{"type": "no-password-required"}, "userName": "default"})
	state := State(user, nil, sent)
	state["authenticationMode"].ObjectValue()["passwordCount"] = resource.NewNumberProperty(0) // computed: no input
	want := properties(object{"authenticationMode": object{"type": "no-password"}, "userName": "default"})
	if d := cmp.Diff(want.Mappable(), Inputs(user, sent, state).Mappable()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(properties(object{"authenticationMode": object{"type": "no-password-required"}, "userName": "default"}).Mappable(), sent.Mappable()); d != "" {
		t.Error("what was sent has changed:", d)
	}
}

func TestCloudFrontsOwnCertificateHasTheOldestSecurityPolicy(t *testing.T) {
	for _, c := range []struct{ sent, want object }{
		{object{"cloudfrontDefaultCertificate": true, "minimumProtocolVersion": "TLSv1.2_2021"}, object{"cloudfrontDefaultCertificate": true, "minimumProtocolVersion": "TLSv1"}},
		{object{"cloudfrontDefaultCertificate": true}, object{"cloudfrontDefaultCertificate": true}},
		{object{"acmCertificateArn": "a", "minimumProtocolVersion": "TLSv1.2_2021"}, object{"acmCertificateArn": "a", "minimumProtocolVersion": "TLSv1.2_2021"}},
	} {
		sent := properties(object{"viewerCertificate": c.sent})
		state := State(distribution, nil, sent)
		if d := cmp.Diff(c.want, state["viewerCertificate"].Mappable()); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(properties(object{"viewerCertificate": c.want}).Mappable(), Inputs(distribution, sent, state).Mappable()); d != "" {
			t.Error(d)
		}
	}
}

func TestPasswordsStaySecret(t *testing.T) {
	mode := resource.PropertyMap{"type": resource.NewStringProperty("password"), "passwords": resource.MakeSecret(resource.NewArrayProperty(nil))}
	state := State(user, nil, resource.PropertyMap{"authenticationMode": resource.NewObjectProperty(mode)})
	if !state["authenticationMode"].ContainsSecrets() {
		t.Errorf("got %v", state)
	}
	state = State(user, nil, resource.PropertyMap{"accessString": resource.MakeSecret(resource.NewStringProperty("on allkeys"))})
	if !state["accessString"].ContainsSecrets() {
		t.Errorf("got %v", state)
	}
}

func TestAnApplyMethodAloneDoesNotChange(t *testing.T) {
	const group = "aws:rds/parameterGroup:ParameterGroup"
	parameter := func(value, method string) any {
		p := object{"name": "work_mem", "value": value}
		if method != "" {
			p["applyMethod"] = method
		}
		return p
	}
	for _, c := range []struct{ before, sent, want any }{
		{parameter("1", "immediate"), parameter("1", "pending-reboot"), parameter("1", "immediate")},
		{parameter("1", ""), parameter("1", "pending-reboot"), parameter("1", "")},
		{parameter("1", "immediate"), parameter("2", "pending-reboot"), parameter("2", "pending-reboot")},
		{object{"name": "jit", "value": "1"}, parameter("1", "pending-reboot"), parameter("1", "pending-reboot")},
	} {
		state := State(group, properties(object{"parameters": []any{c.before}}), properties(object{"parameters": []any{c.sent}}))
		if d := cmp.Diff(properties(object{"parameters": []any{c.want}}).Mappable(), state.Mappable()); d != "" {
			t.Errorf("%v after %v: %s", c.sent, c.before, d)
		}
	}
}

func TestStorageThatRDSHasGrownIsNoDifference(t *testing.T) {
	for name, c := range map[string]struct {
		had, want, most float64
		now             float64
		same            bool
	}{
		"grown by itself":             {700, 400, 1600, 700, true},
		"as declared":                 {400, 400, 1600, 400, false},
		"declared larger":             {400, 500, 1600, 500, false},
		"smaller without autoscaling": {700, 400, 0, 400, false},
	} {
		sent := properties(object{"allocatedStorage": c.want, "maxAllocatedStorage": c.most, "applyImmediately": true})
		before := properties(object{"allocatedStorage": c.had})
		state := State(instance, before, sent)
		if got := state["allocatedStorage"].NumberValue(); got != c.now {
			t.Errorf("%s: %v GiB after an update, want %v", name, got, c.now)
		}
		if got := Same(instance, "allocatedStorage", before, sent); got != c.same {
			t.Errorf("%s: the same is %t, want %t", name, got, c.same)
		}
	}
}

func TestWhatIsUnknownStaysUnknown(t *testing.T) {
	sent := resource.PropertyMap{"accessString": resource.MakeComputed(resource.NewStringProperty(""))}
	if got := State(user, nil, sent); !got["accessString"].IsComputed() {
		t.Errorf("got %v", got)
	}
}

func TestAFlowLogsDestinationComesBackWithoutTheStar(t *testing.T) {
	const token = "aws:ec2/flowLog:FlowLog"
	for sent, want := range map[string]string{"arn:aws:logs:a:1:log-group:b:*": "arn:aws:logs:a:1:log-group:b", "arn:aws:s3:::b": "arn:aws:s3:::b"} {
		if got := State(token, nil, properties(object{"logDestination": sent}))["logDestination"].StringValue(); got != want {
			t.Errorf("%s: got %s, want %s", sent, got, want)
		}
	}
}
