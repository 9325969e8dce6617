package aws

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

const (
	groupToken = "aws:rds/parameterGroup:ParameterGroup"
	cacheToken = "aws:elasticache/replicationGroup:ReplicationGroup"
)

// with is inputs with some changed.
func with(in object, changes object) object {
	out := object{}
	for _, m := range []object{in, changes} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// update sends a resource other inputs and answers its state.
func (w *world) update(token, name string, made plugin.CreateResponse, inputs object) resource.PropertyMap {
	w.t.Helper()
	r, err := w.Update(w.t.Context(), plugin.UpdateRequest{
		URN: urn(token, name), Type: tokens.Type(token), ID: made.ID, OldOutputs: made.Properties, NewInputs: w.inputs(token, name, inputs),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Properties
}

func (w *world) waits() []Waiting {
	w.t.Helper()
	out, err := w.Waiting()
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// differs are the paths that the next update would change.
func (w *world) differs(token string, inputs object, state resource.PropertyMap) []string {
	w.t.Helper()
	r, err := w.Diff(w.t.Context(), plugin.DiffRequest{
		URN: urn(token, "x"), Type: tokens.Type(token), OldInputs: properties(inputs), OldOutputs: state, NewInputs: properties(inputs),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(r.DetailedDiff))
}

func TestADatabasesClassWaitsForItsWindow(t *testing.T) {
	w := start(t)
	old := with(database(), object{"maintenanceWindow": "sun:03:30-sun:04:30", "backupWindow": "01:00-02:00"})
	made := w.create(dbToken, "db", old)
	small := w.daemon.database.MemoryBytes

	wanted := with(old, object{"instanceClass": "db.t4g.large", "backupWindow": "02:00-03:00"})
	state := w.update(dbToken, "db", made, wanted)
	if got := props.Str(state, "instanceClass"); got != "db.t4g.medium" || w.daemon.database.MemoryBytes != small {
		t.Errorf("class %s with %d bytes after the update, want the old one's", got, w.daemon.database.MemoryBytes)
	}
	if got := props.Str(state, "backupWindow"); got != "02:00-03:00" {
		t.Errorf("backup window %s, want the new one: it does not wait", got)
	}
	if d := cmp.Diff([]string{"instanceClass"}, w.differs(dbToken, wanted, state)); d != "" {
		t.Errorf("the next update changes: %s", d)
	}
	want := []Waiting{{ID: string(made.ID), Setting: "instanceClass", Now: "db.t4g.medium", New: "db.t4g.large", Window: "sun:03:30-sun:04:30"}}
	if d := cmp.Diff(want, w.waits()); d != "" {
		t.Error(d)
	}
	if got := props.Str(w.read(dbToken, made.ID).Outputs, "instanceClass"); got != "db.t4g.medium" {
		t.Errorf("a refresh reads %s, want the old class", got)
	}

	w.update(dbToken, "db", made, with(old, object{"backupWindow": "02:00-03:00"})) // taken back: AWS is not told
	if d := cmp.Diff(want, w.waits()); d != "" {
		t.Errorf("after the change was taken back: %s", d)
	}
	if err := w.ApplyWaiting(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := props.Str(w.read(dbToken, made.ID).Outputs, "instanceClass"); got != "db.t4g.large" || w.daemon.database.MemoryBytes <= small {
		t.Errorf("class %s with %d bytes after it was applied", got, w.daemon.database.MemoryBytes)
	}
	if got := w.waits(); len(got) > 0 {
		t.Errorf("still waits: %v", got)
	}
}

func TestTheWindowAppliesWhatWaits(t *testing.T) {
	w := start(t)
	at := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	w.now = func() time.Time { return at }
	old := with(database(), object{"maintenanceWindow": "sun:03:30-sun:04:30"})
	made := w.create(dbToken, "db", old)
	w.update(dbToken, "db", made, with(old, object{"allocatedStorage": 30}))
	for _, c := range []struct {
		at   time.Time
		want float64
	}{{time.Date(2026, 12, 6, 3, 29, 0, 0, time.UTC), 20}, {time.Date(2026, 12, 6, 3, 31, 0, 0, time.UTC), 30}} {
		at = c.at
		if got, _ := props.Number(w.read(dbToken, made.ID).Outputs, "allocatedStorage"); got != c.want {
			t.Errorf("%s: %v GiB, want %v", at, got, c.want)
		}
	}
}

func TestWhatIsAppliedImmediatelyWaitsForNothing(t *testing.T) {
	w := start(t)
	made := w.create(dbToken, "db", database())
	waiting := w.update(dbToken, "db", made, with(database(), object{"multiAz": true, "instanceClass": "db.t4g.large"}))
	if props.Str(waiting, "instanceClass") != "db.t4g.medium" {
		t.Fatal("the class does not wait")
	}
	wanted := with(database(), object{"allocatedStorage": 30, "instanceClass": "db.t4g.large", "applyImmediately": true})
	state := w.update(dbToken, "db", made, wanted)
	if props.Str(state, "instanceClass") != "db.t4g.large" || props.Int(state, "allocatedStorage", 0) != 30 || len(w.waits()) > 0 {
		t.Errorf("state %v, waits %v", state, w.waits())
	}
	if d := w.differs(dbToken, wanted, state); len(d) > 0 {
		t.Errorf("the next update changes %v", d)
	}
}

func TestAStaticParameterWaitsForARestart(t *testing.T) {
	for _, immediately := range []bool{false, true} {
		w := start(t)
		group := func(size, slow string) object {
			return object{"name": "g", "family": "postgres17", "parameters": []any{
				object{"name": "track_activity_query_size", "value": size, "applyMethod": "pending-reboot"},
				object{"name": "log_min_duration_statement", "value": slow, "applyMethod": "immediate"},
			}}
		}
		g := w.create(groupToken, "g", group("4096", "100"))
		made := w.create(dbToken, "db", with(database(), object{"parameterGroupName": "g", "applyImmediately": immediately}))
		w.update(groupToken, "g", g, group("8192", "200"))
		got := w.daemon.database.Parameters
		if got["log_min_duration_statement"] != "200" {
			t.Errorf("the dynamic parameter is %s, want it at once", got["log_min_duration_statement"])
		}
		if immediately {
			if got["track_activity_query_size"] != "8192" || len(w.waits()) > 0 {
				t.Errorf("applied immediately: %v, waits %v", got, w.waits())
			}
			continue
		}
		want := []Waiting{{ID: string(made.ID), Setting: "track_activity_query_size", Now: "4096", New: "8192", Restart: true}}
		if d := cmp.Diff(want, w.waits()); d != "" || got["track_activity_query_size"] != "4096" {
			t.Errorf("runs with %s; %s", got["track_activity_query_size"], d)
		}
		w.restart() // a new process of the plugin knows it too
		if err := w.ApplyWaiting(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.daemon.database.Parameters["track_activity_query_size"]; got != "8192" || len(w.waits()) > 0 {
			t.Errorf("after a restart: %s, waits %v", got, w.waits())
		}
	}
}

func TestACachesNodeTypeWaitsAndItsNodesDoNot(t *testing.T) {
	w := start(t)
	old := object{
		"replicationGroupId": "c", "description": "d", "engine": "redis", "engineVersion": "7.1", "nodeType": "cache.t4g.small", "numCacheClusters": 2,
		"automaticFailoverEnabled": true, "multiAzEnabled": true, "maintenanceWindow": "sun:05:00-sun:06:00",
	}
	made := w.create(cacheToken, "c", old)
	state := w.update(cacheToken, "c", made, with(old, object{"nodeType": "cache.t4g.medium", "numCacheClusters": 3}))
	if props.Str(state, "nodeType") != "cache.t4g.small" || props.Int(state, "numCacheClusters", 0) != 3 || w.daemon.cache.Nodes != 3 {
		t.Errorf("state %v, the engine has %d nodes", state, w.daemon.cache.Nodes)
	}
	if got := w.waits(); len(got) != 1 || got[0].Setting != "nodeType" || got[0].Window != "sun:05:00-sun:06:00" {
		t.Errorf("waits: %v", got)
	}
}
