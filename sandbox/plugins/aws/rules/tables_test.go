package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

func TestTablesNamePropertiesOfTheSchema(t *testing.T) {
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	for file, paths := range map[string]map[string][]string{"required.txt": requiredPaths, "replace.txt": replacePaths} {
		for token, list := range paths {
			r := s.Resources[token]
			if r == nil {
				t.Errorf("%s: no type %s", file, token)
				continue
			}
			for _, path := range list {
				if !hasPath(s, r.Inputs, path) {
					t.Errorf("%s: %s has no %s", file, token, path)
				}
			}
		}
	}
	for token := range byType {
		if s.Resources[token] == nil {
			t.Errorf("rules for %s, which is no type", token)
		}
	}
	for token, refs := range references {
		for _, ref := range refs {
			head, _, _ := strings.Cut(ref.path, ".")
			if _, ok := s.Resources[token].Inputs.Get(head); !ok {
				t.Errorf("references: %s has no %s", token, ref.path)
			}
		}
	}
}

func hasPath(s *schema.Schema, p *schema.Properties, path string) bool {
	for _, step := range strings.Split(strings.ReplaceAll(path, "[]", ""), ".") {
		prop, ok := p.Get(step)
		if !ok {
			return false
		}
		t := prop.Type
		for t.Elem != nil {
			t = *t.Elem
		}
		p = s.Types[t.Ref]
	}
	return true
}

func TestAnAddonIsHeldToItsOwnKeys(t *testing.T) {
	for _, c := range []struct{ addon, values, want string }{
		{"coredns", `{"autoScaling":{"enabled":true,"minReplicas":2,"maxReplicas":10}}`, ""},
		{"coredns", `{"minReplicas":2}`, "has minReplicas, which"},
		{"coredns", `{"autoScaling":{"enabled":"true"}}`, "has true at autoScaling.enabled, want a value of type boolean"},
		{"kube-proxy", `{"mode":"ipvs","ipvs":{"scheduler":"rr"}}`, ""},
		{"amazon-cloudwatch-observability", `{"manager":{"applicationSignals":{"autoMonitor":{"monitorAllServices":false}}}}`, ""},
		{"amazon-cloudwatch-observability", `{"manager":{"autoMonitor":{"monitorAllServices":false}}}`, "has manager.autoMonitor, which"},
		{"amazon-cloudwatch-observability", `{"manager":{"applicationSignals":{"autoMonitor":{"monitorAllService":false}}}}`, `did you mean "monitorAllServices"`},
		{"external-dns", `{"anything":1}`, ""}, // its keys are not known here
		{"coredns", "", ""},
	} {
		failures, err := Check(Request{Type: "aws:eks/addon:Addon", Region: "eu-central-1", Inventory: world, Inputs: resource.NewPropertyMapFromMap(object{
			"clusterName": "c", "addonName": c.addon, "configurationValues": c.values})})
		if err != nil {
			t.Fatal(err)
		}
		if said := fmt.Sprint(failures); (c.want == "") != (len(failures) == 0) || !strings.Contains(said, c.want) {
			t.Errorf("%s %s: got %s, want %q", c.addon, c.values, said, c.want)
		}
	}
}
