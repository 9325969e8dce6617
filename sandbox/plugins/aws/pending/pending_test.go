package pending

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

const instance = "aws:rds/instance:Instance"

type object = map[string]any

func properties(m object) resource.PropertyMap { return resource.NewPropertyMapFromMap(m) }

func TestTheTableNamesPropertiesOfTheSchema(t *testing.T) {
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	for token, keys := range deferred {
		for _, key := range keys {
			if _, ok := s.Resources[token].Inputs.Get(string(key)); !ok {
				t.Errorf("%s has no %s", token, key)
			}
		}
	}
}

func TestWhatWaits(t *testing.T) {
	for name, c := range map[string]struct {
		before, sent object
		want         bool
		key          resource.PropertyKey
	}{
		"another class":              {object{"instanceClass": "a"}, object{"instanceClass": "b"}, true, "instanceClass"},
		"the same class":             {object{"instanceClass": "a"}, object{"instanceClass": "a"}, false, "instanceClass"},
		"a class at once":            {object{"instanceClass": "a"}, object{"instanceClass": "b", "applyImmediately": true}, false, "instanceClass"},
		"a security group":           {object{"vpcSecurityGroupIds": []any{"a"}}, object{"vpcSecurityGroupIds": []any{"b"}}, false, "vpcSecurityGroupIds"},
		"a parameter group's name":   {object{"parameterGroupName": "a"}, object{"parameterGroupName": "b"}, false, "parameterGroupName"},
		"backups for longer":         {object{"backupRetentionPeriod": 7}, object{"backupRetentionPeriod": 14}, false, "backupRetentionPeriod"},
		"backups that begin":         {object{"backupRetentionPeriod": 0}, object{"backupRetentionPeriod": 7}, true, "backupRetentionPeriod"},
		"backups that end":           {object{"backupRetentionPeriod": 7}, object{"backupRetentionPeriod": 0}, true, "backupRetentionPeriod"},
		"what there was no value of": {object{}, object{"iops": 12000}, false, "iops"},
	} {
		if got := Waits(instance, c.key, properties(c.before), properties(c.sent)); got != c.want {
			t.Errorf("%s: waits %t, want %t", name, got, c.want)
		}
	}
}

func TestLaterChangesJoinWhatWaits(t *testing.T) {
	before := properties(object{"instanceClass": "a", "multiAz": false, "allocatedStorage": 700})
	first := Modified(instance, nil, before, properties(object{"instanceClass": "b", "multiAz": false}))
	second := Modified(instance, first, before, properties(object{"instanceClass": "a", "multiAz": true, "allocatedStorage": 400, "maxAllocatedStorage": 1000}))
	if d := cmp.Diff(object{"instanceClass": "b", "multiAz": true}, second.Mappable()); d != "" {
		t.Error(d) // a class that is taken back is not sent; a volume that RDS has grown asks for nothing
	}
	if all := Modified(instance, second, before, properties(object{"applyImmediately": true})); len(all) > 0 {
		t.Errorf("at once leaves %v", all)
	}
}

func TestAWindowOfItsOwnChoiceIsNotKnown(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	r := inventory.Resource{Waiting: properties(object{"instanceClass": "b"}), Since: now, State: properties(object{"instanceClass": "a"})}
	if Due(r, now.AddDate(1, 0, 0)) {
		t.Error("due without a window")
	}
	r.State["maintenanceWindow"] = resource.NewStringProperty("sun:03:30-sun:04:30")
	if Due(r, now) || !Due(r, now.AddDate(0, 0, 7)) {
		t.Error("want it due after a week, not at once")
	}
	if done := Done(r); done.State["instanceClass"].StringValue() != "b" || Due(done, now.AddDate(1, 0, 0)) || r.State["instanceClass"].StringValue() != "a" {
		t.Errorf("done: %v, was: %v", done, r)
	}
}
