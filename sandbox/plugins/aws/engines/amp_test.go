package engines

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
)

// workspaceAccount is an account with two workspaces, of which the first has a part of each kind.
func workspaceAccount(t *testing.T, e *Engines) (workspace, rules inventory.Resource) {
	t.Helper()
	put(t, e, Workspace, "ws-2", object{"alias": "other"})
	put(t, e, RuleGroups, "arn:other", object{"name": "other", "workspaceId": "ws-2", "data": "groups: []"})
	put(t, e, AlertManager, "ws-1", object{"workspaceId": "ws-1", "definition": "alertmanager_config: ..."})
	put(t, e, Scraper, "s-1", object{
		"scrapeConfiguration": "scrape_configs: []", "destination": object{"amp": object{"workspaceArn": "arn:aws:aps:eu-central-1:1:workspace/ws-1"}},
		"source": object{"eks": object{"clusterArn": "arn:aws:eks:eu-central-1:1:cluster/rag"}},
	})
	rules = put(t, e, RuleGroups, "arn:rules", object{"name": "scaling", "workspaceId": "ws-1", "data": "groups: [{name: a}]"})
	return put(t, e, Workspace, "ws-1", object{"alias": "rag"}), rules
}

func TestAPartOfAWorkspaceIsSentWithAllOfIt(t *testing.T) {
	e, sandbox := setUp(t)
	workspace, rules := workspaceAccount(t, e)
	want := control.Workspace{
		Cluster: "rag", Scrapes: map[string]string{"s-1": "scrape_configs: []"}, Rules: map[string]string{"scaling": "groups: [{name: a}]"},
		AlertManager: "alertmanager_config: ...",
	}
	for _, r := range []inventory.Resource{workspace, rules} {
		apply(t, e, r)
		if d := cmp.Diff(want, sandbox.puts["workspaces/ws-1"]); d != "" {
			t.Errorf("%s: %s", r.Type, d)
		}
	}
	if err := e.Remove(t.Context(), rules); err != nil {
		t.Fatal(err)
	}
	want.Rules = map[string]string{}
	if d := cmp.Diff(want, sandbox.puts["workspaces/ws-1"]); d != "" {
		t.Errorf("after the rules were removed: %s", d)
	}
	if _, touched := sandbox.puts["workspaces/ws-2"]; touched {
		t.Error("the other workspace was touched")
	}
}

func TestAPartGoesWithItsWorkspace(t *testing.T) {
	e, sandbox := setUp(t)
	workspace, rules := workspaceAccount(t, e)
	if err := e.Remove(t.Context(), workspace); err != nil {
		t.Fatal(err)
	}
	if err := e.Store.Delete(Workspace, "ws-1"); err != nil {
		t.Fatal(err)
	}
	if err := e.Remove(t.Context(), rules); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"workspaces/ws-1"}, sandbox.deletes); d != "" || len(sandbox.puts) > 0 {
		t.Errorf("%s, puts %v", d, sandbox.puts)
	}
}
