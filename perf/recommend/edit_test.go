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
		"config:\n  ragscale:slo:\n    throughputRPS: 1\n    throughputRPS: 2\n":               "already defined",
		"config:\n  ragscale:slo:\n    throughputRPS: 1\n  ragscale:slo:\n    x: 2\n":          "already defined",
		"# a\u0085# b\u0085# c\nconfig:\n  ragscale:slo:\n    x: 1\n  ragscale:y:\n    z: 1\n": "cannot be changed alone",
		"config:\n  ragscale:slo: &a {x: 1}\n":                                                 "an anchor",
		"config:\n  a: &a {x: 1}\n  ragscale:slo: *a\n":                                        "an anchor",
		"config:\n  aws:region: x\nencryptionsalt: y\n# end\nenvironment: [z]\n":               "config last",
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

// Forms that a file may have are kept: ends of lines, indentation, letters beyond ASCII, no end of the last line.
func TestAnEditKeepsTheFormOfTheFile(t *testing.T) {
	edits := []Edit{{"slo.hpa.maxReplicas", "", "6"}, {"cache.replicas", "", "1"}, {"pgbouncer.max", "", "9"}}
	for name, form := range map[string]func(string) string{
		"CRLF": func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"beyond ASCII": func(s string) string {
			return strings.ReplaceAll(s, "{minReplicas: 2,", "{\"größe\": \"日本\", minReplicas: 2,")
		},
		"indented by four": func(s string) string { return strings.ReplaceAll(s, "\n  ", "\n    ") },
		"no last end":      func(s string) string { return strings.TrimSuffix(s, "\n") },
		"a mark first":     func(s string) string { return "\ufeff" + s },
	} {
		text := form(file)
		got, err := edited([]byte(text), edits)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "CRLF" && strings.Count(string(got), "\n") != strings.Count(string(got), "\r\n") {
			t.Errorf("%s: ends are mixed: %q", name, got)
		}
		if again := applied(t, text, patch("Pulumi.x.yaml", []byte(text), got)); again != string(got) {
			t.Errorf("%s: the patch makes %q, want %q", name, again, got)
		}
	}
}

// applied is what git makes of a text with a patch.
func applied(t *testing.T, text, patch string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"Pulumi.x.yaml": text, "p.patch": patch} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "git", "apply", "p.patch")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "Pulumi.x.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}
