package stacks_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks"
)

func TestEveryStackFileOfTheProjectParses(t *testing.T) {
	for stack, env := range map[string]stacks.Environment{"prod": stacks.Production, "dev": stacks.Development, "local": stacks.Local} {
		values, err := stacks.ReadFile(filepath.Join("..", "Pulumi."+stack+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := stacks.Parse(stack, values)
		if err != nil {
			t.Fatalf("%s:\n%v", stack, err)
		}
		if c.Environment != env {
			t.Errorf("%s is %s", stack, c.Environment)
		}
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Pulumi.x.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadFileGivesValuesAsPulumiDoes(t *testing.T) {
	values, err := stacks.ReadFile(write(t, `
encryptionsalt: v1:abc
config:
  aws:region: eu-central-1
  ragscale:costCentre: 4711
  ragscale:environment: "local"
  ragscale:slo:
    cpuPercent: 99.5
    hpa: {maxReplicas: 20}
  ragscale:databasePassword:
    secure: v1:xyz
`))
	want := map[string]string{
		"aws:region": "eu-central-1", "ragscale:costCentre": "4711", "ragscale:environment": "local",
		"ragscale:slo": `{"cpuPercent":99.5,"hpa":{"maxReplicas":20}}`, "ragscale:databasePassword": stacks.SecretValue,
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
}

// Words that were booleans in YAML 1.1 are what the engine reads them as.
func TestReadFileTakesWordsForWords(t *testing.T) {
	values, err := stacks.ReadFile(write(t, `
config:
  ragscale:costCentre: no
  ragscale:tags: {on: call, owner: NO, y: "1"}
  ragscale:network: {vpcEndpoints: true, zoneNames: [off]}
  ragscale:budget: {monthlyUSD: 0x10}
`))
	want := map[string]string{
		"ragscale:costCentre": "no", "ragscale:tags": `{"on":"call","owner":"NO","y":"1"}`,
		"ragscale:network": `{"vpcEndpoints":true,"zoneNames":["off"]}`, "ragscale:budget": `{"monthlyUSD":16}`,
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
}

func TestFileWithoutConfigIsEmpty(t *testing.T) {
	for _, text := range []string{"", "config:", "config: {}"} {
		values, err := stacks.ReadFile(write(t, text))
		if err != nil || len(values) != 0 {
			t.Errorf("%q: %v %v", text, values, err)
		}
	}
}

func TestFaultInAFileNamesTheFile(t *testing.T) {
	tests := []struct{ text, want string }{
		{"conifg:\n  aws:region: x\n", "conifg is no known key (did you mean config?), want one of config, encryptedkey, encryptionsalt, environment, secretsprovider"},
		{"config:\n  slo: {}\n", "config.slo has no namespace, want a key such as ragscale:slo"},
		{"config: 1\n", "config is no object, want keys such as ragscale:slo"},
		{"- a\n", "is no object with the keys config, encryptedkey, encryptionsalt, environment, secretsprovider"},
		{"config:\n  a:b: 1\n  a:b: 2\n", `yaml: unmarshal errors:
  line 3: mapping key "a:b" already defined at line 2`},
	}
	for _, tt := range tests {
		path := write(t, tt.text)
		_, err := stacks.ReadFile(path)
		if got := fmt.Sprint(err); got != path+": "+tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestMissingFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Pulumi.none.yaml")
	if _, err := stacks.ReadFile(path); fmt.Sprint(err) != "open "+path+": no such file or directory" {
		t.Errorf("%v", err)
	}
}
