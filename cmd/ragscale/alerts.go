package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/cmd/ragscale/alerts"
	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/perf/telemetry"
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
	const short = "Show what Prometheus' rules and CloudWatch's alarms alert on, what they did, and what to read"
	cmd := stackCommand("alerts", short,
		func(ctx context.Context, p project, stack string) error {
			w, err := p.workspace(ctx, stack)
			if err != nil {
				return err
			}
			list := func(now time.Time) ([]alerts.Alert, error) { return listAlerts(ctx, w, stack, now, back) }
			if watch {
				return c.watchAlerts(ctx, asJSON, watchEvery, list)
			}
			all, err := list(time.Now())
			if err != nil && len(all) == 0 {
				return err
			}
			return errors.Join(c.showAlerts(all, asJSON), err)
		})
	cmd.Long = `Asks the stack's workspace of Managed Prometheus and CloudWatch, with the AWS credentials of the environment; of stack
local the sandbox's. A pending alert has not held for its time yet. READ is a section of docs/operations.md.`
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON; with --watch one object a line")
	cmd.Flags().BoolVar(&watch, "watch", false, "go on and tell changes, until Ctrl-C")
	cmd.Flags().DurationVar(&back, "since", 24*time.Hour, "how far back to look for what was resolved")
	return cmd
}

// globalRegion has the alarms of what is in no region.
const globalRegion = "us-east-1"

// listAlerts asks Prometheus and CloudWatch. What one of them tells is there even if the other does not answer.
func listAlerts(ctx context.Context, w telemetry.Workspace, stack string, now time.Time, back time.Duration) ([]alerts.Alert, error) {
	all, err := alerts.List(ctx, w, now, back)
	faults := []error{err}
	for _, region := range slices.Compact([]string{w.Account.Region, globalRegion}) {
		client := cloudwatch.NewFromConfig(w.Account, func(o *cloudwatch.Options) { o.Region = region })
		more, err := alerts.Alarms(ctx, client, platform.Name(stack)+"-", now, back)
		all, faults = append(all, more...), append(faults, err)
	}
	alerts.Sort(all)
	return all, errors.Join(faults...)
}

// workspace is where a stack's Prometheus answers, and as whom to ask it.
func (p project) workspace(ctx context.Context, stack string) (telemetry.Workspace, error) {
	cfg, err := p.config(stack)
	if err != nil {
		return telemetry.Workspace{}, err
	}
	declared, err := p.output(ctx, stack, prometheusOutput)
	if err != nil {
		return telemetry.Workspace{}, err
	}
	account, err := p.account(ctx, cfg)
	if err != nil || stack != localStack {
		return telemetry.Workspace{Endpoint: declared, Account: account}, err
	}
	endpoint, err := url.Parse(declared)
	if err != nil {
		return telemetry.Workspace{}, fmt.Errorf("stack local: output %s: %w", prometheusOutput, err)
	}
	endpoint.Host = p.layout.HostAddr(layout.PortAWS) // the endpoint's path at the address of the sandbox's AWS
	return telemetry.Workspace{Endpoint: endpoint.String(), Account: account}, nil
}

func (c console) showAlerts(list []alerts.Alert, asJSON bool) error {
	if asJSON {
		return c.json(list)
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
