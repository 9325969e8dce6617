package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// workflow is what the tests look at in a file of .github/workflows.
type workflow struct {
	Permissions map[string]string `yaml:"permissions"`
	Concurrency struct {
		Group            string `yaml:"group"`
		CancelInProgress *bool  `yaml:"cancel-in-progress"`
	} `yaml:"concurrency"`
	Jobs map[string]struct {
		TimeoutMinutes int               `yaml:"timeout-minutes"`
		Permissions    map[string]string `yaml:"permissions"`
		Steps          []struct {
			Uses string `yaml:"uses"`
			Run  string `yaml:"run"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob("../../.github/workflows/*.y*ml")
	if err != nil || len(files) == 0 {
		t.Fatalf("workflows: %v (%v)", files, err)
	}
	all := map[string]workflow{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = w
	}
	return all
}

// mayWrite is what any job may do beside reading: taking a role.
var mayWrite = map[string]string{"id-token": "write", "contents": "read"}

func TestEveryJobIsBoundedAndMayDoLittle(t *testing.T) {
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	for file, w := range workflows(t) {
		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s: permissions are %v, want {}: jobs say theirs", file, w.Permissions)
		}
		if w.Concurrency.Group == "" || w.Concurrency.CancelInProgress == nil {
			t.Errorf("%s: concurrency is %+v, want a group and whether a newer run ends an older", file, w.Concurrency)
		}
		for name, job := range w.Jobs {
			if job.TimeoutMinutes < 1 || job.TimeoutMinutes > 360 {
				t.Errorf("%s: job %s: timeout-minutes is %d, want 1 to 360", file, name, job.TimeoutMinutes)
			}
			if job.Permissions == nil {
				t.Errorf("%s: job %s has no permissions", file, name)
			}
			for of, what := range job.Permissions {
				if mayWrite[of] != what {
					t.Errorf("%s: job %s may %s %s, want %v at most", file, name, what, of, mayWrite)
				}
			}
			for _, step := range job.Steps {
				if step.Uses != "" && !pinned.MatchString(step.Uses) {
					t.Errorf("%s: job %s uses %s, want a full commit", file, name, step.Uses)
				}
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: job %s: a script has an expression, want it in env: it would be code\n%s", file, name, step.Run)
				}
			}
		}
	}
}

var (
	ragscaleCall = regexp.MustCompile(`(?m)(?:^|&& |; |\$\()bin/ragscale ([^|;&>)\n]*)`)
	makeCall     = regexp.MustCompile(`(?m)(?:^|&& |; )make ([^|;&>)\n]*)`)
	makeTarget   = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
)

func TestWorkflowsCallCommandsThatExist(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	calls := 0
	for file, w := range workflows(t) {
		for name, job := range w.Jobs {
			for _, step := range job.Steps {
				for _, m := range makeCall.FindAllStringSubmatch(step.Run, -1) {
					calls++
					for target := range strings.FieldsSeq(m[1]) {
						if !targets[target] && !strings.Contains(target, "=") {
							t.Errorf("%s: job %s: make has no target %s", file, name, target)
						}
					}
				}
				for _, m := range ragscaleCall.FindAllStringSubmatch(step.Run, -1) {
					calls++
					if err := parses(m[1]); err != nil {
						t.Errorf("%s: job %s: ragscale %s: %v", file, name, m[1], err)
					}
				}
			}
		}
	}
	if calls < 12 {
		t.Errorf("%d calls were found, want all of the workflows'", calls)
	}
}

// parses holds a command line against the commands and their flags.
func parses(line string) error {
	args := strings.Fields(strings.ReplaceAll(line, `"`, ""))
	cmd, rest, err := command(io.Discard, io.Discard).Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

func TestACallThatDoesNotExistIsAFault(t *testing.T) {
	for _, line := range []string{"load run smoke --gates", "laod run", "load run", "load review more", "load report --stack dev"} {
		if parses(line) == nil {
			t.Errorf("%q passes", line)
		}
	}
}
