package aws

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// databaseWith is a database with more than it needs.
func databaseWith(more object) object {
	in := database()
	for k, v := range more {
		in[k] = v
	}
	return in
}

func TestWhatIsTheSameToTheProviderIsNoChange(t *testing.T) {
	w := start(t)
	old := properties(databaseWith(object{"vpcSecurityGroupIds": []any{"sg-1", "sg-2"}, "maintenanceWindow": "Sun:03:00-Sun:04:00"}))
	for name, c := range map[string]struct {
		more object
		want []string
	}{
		"another order": {object{"vpcSecurityGroupIds": []any{"sg-2", "sg-1"}, "maintenanceWindow": "sun:03:00-sun:04:00"}, nil},
		"another group": {
			object{"vpcSecurityGroupIds": []any{"sg-3", "sg-1"}, "maintenanceWindow": "sun:03:00-sun:04:00"}, []string{"vpcSecurityGroupIds[0]"},
		},
		"none of its own": {object{"maintenanceWindow": "sun:03:00-sun:04:00"}, nil},
	} {
		var got []string
		for path := range w.diff(dbToken, old, properties(databaseWith(c.more))).DetailedDiff {
			got = append(got, path)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// What a program takes back stays as it was: the provider sends nothing. Its next value is a change again.
func TestWhatAProgramTakesBackStays(t *testing.T) {
	w := start(t)
	given := w.inputs(dbToken, "db", databaseWith(object{"backupWindow": "03:00-04:00", "applyImmediately": true}))
	created := w.create(dbToken, "db", databaseWith(object{"backupWindow": "03:00-04:00", "applyImmediately": true}))
	without := given.Copy()
	delete(without, "backupWindow")
	without["deletionProtection"] = resource.NewBoolProperty(true)
	r, err := w.Update(t.Context(), plugin.UpdateRequest{
		URN: urn(dbToken, "db"), Type: dbToken, ID: created.ID, OldInputs: given, OldOutputs: created.Properties, NewInputs: without,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Properties["backupWindow"]; !got.IsString() || got.StringValue() != "03:00-04:00" {
		t.Errorf("the window is %v, want the one it had", got)
	}
	other := without.Copy()
	other["backupWindow"] = resource.NewStringProperty("05:00-06:00")
	if d := w.diff(dbToken, without, other); d.Changes != plugin.DiffSome {
		t.Error("another window is no change")
	}
}
