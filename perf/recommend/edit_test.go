package recommend

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const file = `# a stack
config:
  aws:region: eu-central-1 # where

  ragscale:slo:
    # the objectives
    throughputRPS: 100 # what a laptop serves
    hpa: {minReplicas: 2, maxReplicas: 3} # pods
  ragscale:database:
    parameters: {}
    name: "rag"

  # the last
  ragscale:cache:
    nodeType: cache.t4g.micro
`

func TestAnEditChangesItsKeyAlone(t *testing.T) {
	for name, c := range map[string]struct {
		edits []Edit
		want  map[string]string // old lines to new ones
	}{
		"a plain value keeps its comment":  {[]Edit{{"slo.throughputRPS", "", "150"}}, map[string]string{"throughputRPS: 100 #": "throughputRPS: 150 #"}},
		"one in braces":                    {[]Edit{{"slo.hpa.maxReplicas", "", "6"}}, map[string]string{"maxReplicas: 3}": "maxReplicas: 6}"}},
		"a new one in braces":              {[]Edit{{"slo.hpa.cpuPercent", "", "60"}}, map[string]string{"{minReplicas": "{cpuPercent: 60, minReplicas"}},
		"a new one in empty braces":        {[]Edit{{"database.parameters.work_mem", "", `"4096"`}}, map[string]string{"parameters: {}": `parameters: {work_mem: "4096"}`}},
		"a quoted one":                     {[]Edit{{"database.name", "", `"other"`}}, map[string]string{`"rag"`: `"other"`}},
		"a new one in a block":             {[]Edit{{"cache.replicas", "", "1"}}, map[string]string{"  ragscale:cache:\n": "  ragscale:cache:\n    replicas: 1\n"}},
		"a new block within one":           {[]Edit{{"database.rotation.days", "", "9"}}, map[string]string{"  ragscale:database:\n": "  ragscale:database:\n    rotation:\n      days: 9\n"}},
		"a new block of its own":           {[]Edit{{"pgbouncer.max", "", "9"}}, map[string]string{"cache.t4g.micro\n": "cache.t4g.micro\n\n  ragscale:pgbouncer:\n    max: 9\n"}},
		"two at once":                      {[]Edit{{"slo.hpa.maxReplicas", "", "6"}, {"cluster.nodeGroups.api.max", "", "4"}}, map[string]string{"maxReplicas: 3}": "maxReplicas: 6}", "cache.t4g.micro\n": "cache.t4g.micro\n\n  ragscale:cluster:\n    nodeGroups:\n      api:\n        max: 4\n"}},
		"of a block with comments at head": {[]Edit{{"slo.responseSeconds", "", "3"}}, map[string]string{"  ragscale:slo:\n": "  ragscale:slo:\n    responseSeconds: 3\n"}},
	} {
		want := file
		for old, now := range c.want {
			if strings.Count(want, old) != 1 {
				t.Fatalf("%s: %q is there %d times", name, old, strings.Count(want, old))
			}
			want = strings.Replace(want, old, now, 1)
		}
		got, err := edited([]byte(file), c.edits)
		if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"config: &a\n  ragscale:slo: {throughputRPS: 1}\n": "an anchor",
		"- a\n":                        "is no object",
		"config:\n  ragscale:slo: 3\n": "is no object, want one",
		"config:\n  ragscale:slo:\n    throughputRPS: |\n      1\n": "no plain value",
		"config:\n  ragscale:slo:\n    throughputRPS: [1]\n":        "no plain value",
		"config: {\n": "yaml",
		"config:\n  aws:region: x\nencryptionsalt: y\n# end\nenvironment: [z]\n": "config last",
	} {
		if got, err := edited([]byte(text), []Edit{{"slo.throughputRPS", "", "5"}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q becomes %q, %v, want an error with %q", text, got, err, want)
		}
	}
}

// A patch is what git takes, and makes of the old file the new one.
func TestAPatchApplies(t *testing.T) {
	for name, edits := range map[string][]Edit{
		"one line": {{"slo.throughputRPS", "", "150"}}, "at the end": {{"pgbouncer.max", "", "9"}},
		"far apart": {{"slo.throughputRPS", "", "150"}, {"cache.nodeType", "", "cache.t4g.small"}, {"pgbouncer.max", "", "9"}},
	} {
		dir := t.TempDir()
		after, err := edited([]byte(file), edits)
		if err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"Pulumi.x.yaml": file, "p.patch": patch("Pulumi.x.yaml", []byte(file), after)} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), "git", "apply", "p.patch")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		got, err := os.ReadFile(filepath.Join(dir, "Pulumi.x.yaml"))
		if diff := cmp.Diff(string(after), string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if p := patch("x", []byte(file), []byte(file)); p != "" {
		t.Errorf("the same has a patch %q", p)
	}
}
