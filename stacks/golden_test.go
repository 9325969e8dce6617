package stacks_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks"
)

var update = flag.Bool("update", false, "rewrite the generated files")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is stale, run go test ./stacks -update:\n%s", path, diff)
	}
}

func TestSchemaFileIsCurrent(t *testing.T) {
	golden(t, "schema.json", string(stacks.Schema()))
}

func TestReferencePageIsCurrent(t *testing.T) {
	golden(t, filepath.Join("..", "docs", "configuration.md"), stacks.Reference())
}

// A derived number that changes is a changed production database: review it here.
func TestDerivedParametersAreReviewed(t *testing.T) {
	var text strings.Builder
	for _, stack := range []string{"prod", "dev", "local"} {
		c := mustParse(t, stack, nil)
		text.WriteString(stack + "\n")
		groups := map[string][]stacks.Parameter{"primary": c.DatabaseParameters(), "replica": c.ReplicaParameters(), "cache": c.CacheParameters()}
		for _, server := range []string{"primary", "replica", "cache"} {
			for _, p := range groups[server] {
				text.WriteString("  " + server + " " + p.Name + " = " + p.Value + " (" + p.ApplyMethod + ")\n")
			}
		}
	}
	golden(t, filepath.Join("testdata", "parameters.golden"), text.String())
}

func TestSchemaKnowsEveryKeyOfTheConfig(t *testing.T) {
	var schema struct {
		Properties struct {
			Config struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"config"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(stacks.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	values, err := mustParse(t, "prod", nil).Values()
	if err != nil {
		t.Fatal(err)
	}
	for key := range values {
		if _, known := schema.Properties.Config.Properties[key]; !known {
			t.Errorf("the schema lacks %s", key)
		}
	}
}

func TestEveryKeySaysWhatItMeans(t *testing.T) {
	var check func(at string, schema map[string]any)
	check = func(at string, schema map[string]any) {
		properties, _ := schema["properties"].(map[string]any)
		for key, v := range properties {
			property, isObject := v.(map[string]any)
			text, _ := property["description"].(string)
			if ours := strings.HasPrefix(at, ".config"); !isObject || ours && key != "secure" && !strings.ContainsAny(text[max(0, len(text)-1):], ".?") {
				t.Errorf("%s.%s says %q, want a sentence: the comment of its field", at, key, text)
			}
			check(at+"."+key, property)
		}
	}
	var schema map[string]any
	if err := json.Unmarshal(stacks.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	check("", schema)
}
