package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/catalogue/window"
	"github.com/ragscale/ragscale/cmd/ragscale/pending"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws"
)

func pendingCommand(c console) *cobra.Command {
	var asJSON bool
	root := stackCommand("pending", "Show what the database and the cache keep for their maintenance windows",
		func(ctx context.Context, p project, stack string) error {
			cloud, err := p.cloud(ctx, stack)
			if err != nil {
				return err
			}
			changes, err := cloud.List(ctx)
			if err != nil {
				return err
			}
			return c.showPending(changes, asJSON)
		})
	root.Long = `An update of a production stack leaves instance classes, sizes and versions for the maintenance window; static parameters wait
for a restart in every stack. Uses the AWS credentials of the environment.`
	root.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	root.AddCommand(stackCommand("apply", "Do all of it now, with the restarts that it takes",
		func(ctx context.Context, p project, stack string) error {
			return p.applyPending(ctx, c, stack)
		}))
	return root
}

func (p project) applyPending(ctx context.Context, c console, stack string) error {
	release, err := p.lock()
	if err != nil {
		return err
	}
	defer release()
	cloud, err := p.cloud(ctx, stack)
	if err != nil {
		return err
	}
	begun, err := cloud.Apply(ctx)
	if err != nil {
		return err
	}
	if len(begun) == 0 {
		c.note("nothing waits")
		return nil
	}
	for _, change := range begun {
		if _, err := fmt.Fprintf(c.out, "%s: %s from %s to %s\n", change.ID, change.Setting, change.Now,
			change.New); err != nil {
			return err
		}
	}
	return nil
}

// keeper is a cloud that keeps changes for later.
type keeper interface {
	List(context.Context) ([]pending.Change, error)
	Apply(context.Context) ([]pending.Change, error)
}

// cloud is where a stack is: AWS, or the sandbox.
func (p project) cloud(ctx context.Context, stack string) (keeper, error) {
	cfg, err := p.config(stack)
	if err != nil {
		return nil, err
	}
	if stack == localStack {
		provider, err := aws.New(p.layout, control.NewClient(p.layout.Socket()))
		return sandboxCloud{provider}, err
	}
	of, err := stackResources(ctx, stack)
	if err != nil {
		return nil, err
	}
	account, err := config.LoadDefaultConfig(ctx, config.WithRegion(cfg.Region))
	if err != nil {
		return nil, fmt.Errorf("AWS credentials: %w", err)
	}
	return awsCloud{pending.Account{Databases: rds.NewFromConfig(account), Caches: elasticache.NewFromConfig(account)},
		of}, nil
}

// stackResources are the databases and caches in a stack's state.
func stackResources(ctx context.Context, stack string) (pending.Resources, error) {
	state, err := pulumiCLI(ctx, "stack", "export", "--stack", stack)
	if err != nil {
		return pending.Resources{}, fmt.Errorf("stack %s: %w", stack, err)
	}
	find := func(resourceType, output string) (ids []string) {
		if err == nil {
			ids, err = stateOutputs(bytes.NewReader(state), resourceType, output)
		}
		return ids
	}
	of := pending.Resources{
		Databases: find("aws:rds/instance:Instance", "identifier"),
		Caches:    find("aws:elasticache/replicationGroup:ReplicationGroup", "replicationGroupId"),
	}
	if err != nil {
		return of, fmt.Errorf("stack %s: pulumi stack export: %w", stack, err)
	}
	return of, nil
}

type awsCloud struct {
	account pending.Account
	of      pending.Resources
}

func (a awsCloud) List(ctx context.Context) ([]pending.Change, error) {
	return a.account.List(ctx, a.of)
}
func (a awsCloud) Apply(ctx context.Context) ([]pending.Change, error) {
	return a.account.Apply(ctx, a.of)
}

type sandboxCloud struct{ *aws.Provider }

func (s sandboxCloud) List(context.Context) ([]pending.Change, error) {
	waiting, err := s.Waiting()
	changes := make([]pending.Change, len(waiting))
	for i, w := range waiting {
		changes[i] = pending.Change(w)
	}
	return changes, err
}

func (s sandboxCloud) Apply(ctx context.Context) ([]pending.Change, error) {
	changes, err := s.List(ctx)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	return changes, s.ApplyWaiting(ctx)
}

func (c console) showPending(changes []pending.Change, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(c.out)
		enc.SetIndent("", "  ")
		if changes == nil {
			changes = []pending.Change{}
		}
		return enc.Encode(changes)
	}
	if len(changes) == 0 {
		c.note("nothing waits")
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "RESOURCE\tSETTING\tNOW\tNEW\tWAITS FOR")
	for _, change := range changes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", change.ID, change.Setting, change.Now, change.New, when(change, time.Now()))
	}
	return w.Flush()
}

// when says what a change waits for, and until when that is.
func when(c pending.Change, now time.Time) string {
	if c.Restart {
		return "a restart"
	}
	begin, ok := window.Next(c.Window, now)
	if !ok {
		return "the maintenance window"
	}
	return fmt.Sprintf("%s, next %s", c.Window, begin.Format("2006-01-02 15:04 UTC"))
}
