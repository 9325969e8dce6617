package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/cmd/ragscale/alerts"
	"github.com/ragscale/ragscale/sandbox/layout"
)

const (
	// prometheusOutput is the stack's output with the workspace's endpoint.
	prometheusOutput = "prometheusEndpoint"
	watchEvery       = 15 * time.Second // rules are evaluated once a minute
	askLimit         = 30 * time.Second
)

func alertsCommand(c console) *cobra.Command {
	var asJSON, watch bool
	var back time.Duration
	const short = "Show what Prometheus' rules alert on, what they did, and which section of docs/operations.md to read"
	cmd := stackCommand("alerts", short,
		func(ctx context.Context, p project, stack string) error {
			w, err := p.workspace(ctx, stack)
			if err != nil {
				return err
			}
			list := func(now time.Time) ([]alerts.Alert, error) { return alerts.List(ctx, w, now, back) }
			if watch {
				return c.watchAlerts(ctx, asJSON, watchEvery, list)
			}
			all, err := list(time.Now())
			if err != nil {
				return err
			}
			return c.showAlerts(all, asJSON)
		})
	cmd.Long = `Asks the stack's workspace of Managed Prometheus, with the AWS credentials of the environment; of stack local the
sandbox's. A pending alert has not held for its time yet.`
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON; with --watch one object a line")
	cmd.Flags().BoolVar(&watch, "watch", false, "go on and tell changes, until Ctrl-C")
	cmd.Flags().DurationVar(&back, "since", 24*time.Hour, "how far back to look for what was resolved")
	return cmd
}

// workspace is where a stack's Prometheus answers, and as whom to ask it.
func (p project) workspace(ctx context.Context, stack string) (alerts.Workspace, error) {
	cfg, err := p.config(stack)
	if err != nil {
		return alerts.Workspace{}, err
	}
	declared, err := p.output(ctx, stack, prometheusOutput)
	if err != nil {
		return alerts.Workspace{}, err
	}
	account, err := p.account(ctx, cfg)
	if err != nil || stack != localStack {
		return alerts.Workspace{Endpoint: declared, Account: account}, err
	}
	endpoint, err := url.Parse(declared)
	if err != nil {
		return alerts.Workspace{}, fmt.Errorf("stack local: output %s: %w", prometheusOutput, err)
	}
	endpoint.Host = p.layout.HostAddr(layout.PortAWS) // the endpoint's path at the address of the sandbox's AWS
	return alerts.Workspace{Endpoint: endpoint.String(), Account: account}, nil
}

func (c console) showAlerts(list []alerts.Alert, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(c.out)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	if len(list) == 0 {
		c.note("nothing fires, and nothing did")
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STATE\tALERT\tSEVERITY\tOF\tSINCE\tUNTIL\tREAD")
	for _, a := range list {
		row := []string{a.State, a.Name, a.Severity, labelsOf(a), clock(a.Since), ended(a), a.Runbook}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	firing := slices.DeleteFunc(slices.Clone(list), func(a alerts.Alert) bool { return a.State != alerts.Firing })
	for _, a := range firing {
		if _, err := fmt.Fprintf(c.out, "\n%s: %s\n", a.Name, a.Summary); err != nil {
			return err
		}
	}
	return nil
}

// watchAlerts tells what there is, and then what changes, until ctx ends. A question that fails is told and asked again.
func (c console) watchAlerts(
	ctx context.Context, asJSON bool, every time.Duration, list func(now time.Time) ([]alerts.Alert, error),
) error {
	seen := map[string]bool{}
	for {
		now, err := list(time.Now())
		if err != nil && ctx.Err() == nil {
			c.note("%v", err)
		}
		for _, a := range slices.Backward(now) {
			if key := a.State + a.Name + labelsOf(a) + a.Since.String(); !seen[key] {
				seen[key] = true
				if err := c.tellAlert(a, asJSON); err != nil {
					return err
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

func (c console) tellAlert(a alerts.Alert, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(c.out).Encode(a)
	}
	at := a.Since
	if a.Until != nil {
		at = *a.Until
	}
	_, err := fmt.Fprintf(c.out, "%s  %-8s %s (%s) %s: %s  %s\n",
		clock(at), a.State, a.Name, a.Severity, labelsOf(a), a.Summary, a.Runbook)
	return err
}

// labelsOf are the labels of an alert, sorted: "deployment=api namespace=rag".
func labelsOf(a alerts.Alert) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		out = append(out, name+"="+a.Labels[name])
	}
	return strings.Join(out, " ")
}

func clock(t time.Time) string { return t.Local().Format("01-02 15:04") }

func ended(a alerts.Alert) string {
	if a.Until == nil {
		return "-"
	}
	return clock(*a.Until)
}
