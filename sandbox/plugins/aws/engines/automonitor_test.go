package engines

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/sandbox/control"
)

func TestTheCloudWatchAddonInjectsUnlessItIsToldNotTo(t *testing.T) {
	all := &control.AutoMonitor{Languages: agentLanguages, Exclude: map[string][]string{}}
	for name, c := range map[string]struct {
		region, values string
		want           *control.AutoMonitor
	}{
		"no configuration":            {"eu-central-1", "", all},
		"another setting":             {"eu-central-1", `{"containerLogs":{"enabled":false}}`, all},
		"asked for":                   {"cn-north-1", `{"manager":{"applicationSignals":{"autoMonitor":{"monitorAllServices":true}}}}`, all},
		"told not to":                 {"eu-central-1", `{"manager":{"applicationSignals":{"autoMonitor":{"monitorAllServices":false}}}}`, nil},
		"told not to, in YAML":        {"eu-central-1", "manager:\n  applicationSignals:\n    autoMonitor: {monitorAllServices: false}", nil},
		"without Application Signals": {"eu-central-1", `{"applicationSignals":{"enabled":false}}`, nil},
		"an agent without them":       {"eu-central-1", `{"agent":{"config":{"logs":{"metrics_collected":{"kubernetes":{}}}}}}`, nil},
		"an agent with them":          {"eu-central-1", `{"agent":{"config":{"traces":{"traces_collected":{"application_signals":{}}}}}}`, all},
		"agents of another name":      {"eu-central-1", `{"agents":[{"name":"mine"}]}`, nil},
		"a region without":            {"ap-east-2", "", nil},
		"some languages":              {"eu-central-1", `{"manager":{"applicationSignals":{"autoMonitor":{"languages":["python"]}}}}`, &control.AutoMonitor{Languages: []string{"python"}, Exclude: map[string][]string{}}},
		"without a namespace's or pod's": {"eu-central-1", `{"manager":{"applicationSignals":{"autoMonitor":{"exclude":{"java":{"namespaces":["a"],"statefulsets":["b/c"]}}}}}}`,
			&control.AutoMonitor{Languages: agentLanguages, Exclude: map[string][]string{"java": {"a", "b/c"}}}},
	} {
		got, err := autoMonitor(c.region, c.values)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestAnAddonsConfigurationReachesTheSandbox(t *testing.T) {
	e, sandbox := setUp(t)
	apply(t, e, put(t, e, Addon, "c:o", object{"clusterName": "c", "addonName": cloudWatchAddon, "addonVersion": "v6.7.0-eksbuild.1"}))
	apply(t, e, put(t, e, Addon, "c:d", object{"clusterName": "c", "addonName": "coredns"}))
	if sandbox.puts["addons/"+cloudWatchAddon].(control.Addon).AutoMonitor == nil || sandbox.puts["addons/coredns"].(control.Addon).AutoMonitor != nil {
		t.Errorf("got %+v", sandbox.puts)
	}
}
