package engines

import (
	"context"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

func applyWorkspace(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	e.workspaces.Lock()
	defer e.workspaces.Unlock()
	return nil, e.putWorkspace(ctx, r, "")
}

func removeWorkspace(ctx context.Context, e *Engines, r inventory.Resource) error {
	return e.Sandbox.Delete(ctx, control.KindWorkspace, r.ID)
}

// applyPartOfWorkspace carries rules, a scraper or an alert manager to the workspace that it is of.
func applyPartOfWorkspace(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	e.workspaces.Lock()
	defer e.workspaces.Unlock()
	w, ok, err := e.Store.Get(Workspace, workspaceOf(r))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("workspace %s: %w", workspaceOf(r), errNone)
	}
	return nil, e.putWorkspace(ctx, w, "")
}

// removePartOfWorkspace leaves r out of its workspace. With a workspace that is gone it went too.
func removePartOfWorkspace(ctx context.Context, e *Engines, r inventory.Resource) error {
	e.workspaces.Lock()
	defer e.workspaces.Unlock()
	w, ok, err := e.Store.Get(Workspace, workspaceOf(r))
	if err != nil || !ok {
		return err
	}
	return e.putWorkspace(ctx, w, r.ID)
}

// workspaceOf is the id of the workspace that rules, a scraper or an alert manager belong to.
func workspaceOf(r inventory.Resource) string {
	if r.Type == Scraper {
		arn := props.Str(r.State, "destination.amp.workspaceArn")
		return arn[strings.LastIndex(arn, "/")+1:]
	}
	return props.Str(r.State, "workspaceId")
}

// putWorkspace sends a workspace with what the account has for it now, but for the resource that is being removed.
func (e *Engines) putWorkspace(ctx context.Context, w inventory.Resource, without string) error {
	in := control.Workspace{Region: w.Region, Scrapes: map[string]string{}, Rules: map[string]string{}}
	for token, add := range map[string]func(inventory.Resource){
		Scraper: func(r inventory.Resource) {
			in.Scrapes[r.ID] = props.Str(r.State, "scrapeConfiguration")
			arn := props.Str(r.State, "source.eks.clusterArn")
			in.Cluster = arn[strings.LastIndex(arn, "/")+1:]
		},
		RuleGroups:   func(r inventory.Resource) { in.Rules[props.Str(r.State, "name")] = props.Str(r.State, "data") },
		AlertManager: func(r inventory.Resource) { in.AlertManager = props.Str(r.State, "definition") },
	} {
		all, err := e.Store.List(token)
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.ID != without && workspaceOf(r) == w.ID {
				add(r)
			}
		}
	}
	if err := e.Sandbox.Put(ctx, control.KindWorkspace, w.ID, in, nil); err != nil {
		return fmt.Errorf("workspace %s: %w", w.ID, err)
	}
	return nil
}
