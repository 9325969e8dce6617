package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/sandbox/atomicfile"
)

func dashboardsCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "dashboards", Short: "What whoever is on call looks at"}
	root.AddCommand(dashboardsExportCommand(c))
	return root
}

// dashboardsExportCommand writes files and prints their paths, one a line.
func dashboardsExportCommand(c console) *cobra.Command {
	var dir, state string
	cmd := stackCommand("export", "Write a stack's dashboards as JSON, to be imported by hand",
		func(_ context.Context, p project, stack string) error {
			return p.exportDashboards(c, stack, dir, state)
		})
	cmd.Long = `Writes Grafana's dashboards, whose limits follow from the stack's objectives, and needs no running stack.
CloudWatch's has identifiers that AWS gave, so that it comes from the deployed stack's state:
  pulumi stack export --stack prod --file state.json && ragscale dashboards export --stack prod --state state.json`
	cmd.Flags().StringVar(&dir, "out", "dashboards", "folder that gets the files")
	cmd.Flags().StringVar(&state, "state", "", "file of pulumi stack export: write CloudWatch's dashboard too")
	return cmd
}

// cloudWatchName is the file of CloudWatch's dashboard.
const cloudWatchName = "cloudwatch"

func (p project) exportDashboards(c console, stack, dir, state string) error {
	cfg, err := p.config(stack)
	if err != nil {
		return err
	}
	files, err := platform.Dashboards(cfg)
	if err != nil {
		return err
	}
	if state != "" {
		if files[cloudWatchName], err = cloudWatchDashboard(state); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name+".json")
		if err := atomicfile.Write(path, append(files[name], '\n'), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(c.out, path)
	}
	if state == "" {
		c.note("CloudWatch's dashboard is in the deployed stack's state: add --state with a file of pulumi stack export")
	}
	return nil
}

// cloudWatchDashboard is the body of the dashboard in a stack's state.
func cloudWatchDashboard(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := stateOutput(f, "aws:cloudwatch/dashboard:Dashboard", "dashboardBody")
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is no JSON (%w), want a file of pulumi stack export", path, err)
	case body == "":
		return nil, fmt.Errorf("%s has no dashboard of CloudWatch, want the state of a deployed stack", path)
	}
	return indented(body)
}

// stateOutput is the first of stateOutputs; "" if there is none.
func stateOutput(state io.Reader, resourceType, output string) (string, error) {
	all, err := stateOutputs(state, resourceType, output)
	if len(all) == 0 {
		return "", err
	}
	return all[0], err
}

// stateOutputs finds a text among the outputs of each resource of a type in a stack's state, as `pulumi stack export`
// writes it.
func stateOutputs(state io.Reader, resourceType, output string) ([]string, error) {
	var s struct {
		Deployment struct {
			Resources []struct {
				Type    string         `json:"type"`
				Outputs map[string]any `json:"outputs"`
			} `json:"resources"`
		} `json:"deployment"`
	}
	if err := json.NewDecoder(state).Decode(&s); err != nil {
		return nil, err
	}
	var all []string
	for _, r := range s.Deployment.Resources {
		if value, isText := r.Outputs[output].(string); isText && value != "" && r.Type == resourceType {
			all = append(all, value)
		}
	}
	return all, nil
}

func indented(text string) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		return nil, fmt.Errorf("body of CloudWatch's dashboard: %w", err)
	}
	return b.Bytes(), nil
}
