package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/engines"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/failures"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/pending"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// Waiting is one change that the account keeps for later.
type Waiting struct {
	ID       string // of the resource, "rag-local-1a2b3c4d"
	Setting  string // "instanceClass", or a parameter's name
	Now, New string
	Window   string // the weekly window that it waits for
	Restart  bool   // it waits for a restart, which no window brings
}

// restarted says whether a database starts anew, and so under its static parameters: a new one, one of another class or
// version, and one whose changes are applied immediately (package engines says why).
func restarted(r inventory.Resource, before resource.PropertyMap) bool {
	if before == nil || r.Booted == nil || props.Bool(r.State, "applyImmediately", false) {
		return true
	}
	return slices.ContainsFunc([]string{"instanceClass", "engineVersion"}, func(key string) bool {
		return props.Str(r.State, key) != props.Str(before, key)
	})
}

// pass is the resource after its maintenance window, if that has begun since something waits for it.
func (p *Provider) pass(ctx context.Context, r inventory.Resource) (inventory.Resource, error) {
	if !pending.Due(r, p.now()) {
		return r, nil
	}
	return p.finish(ctx, r)
}

// finish does what waits of a resource, with a restart.
func (p *Provider) finish(ctx context.Context, r inventory.Resource) (inventory.Resource, error) {
	want, err := p.resourceType(r.Type)
	if err != nil {
		return r, err
	}
	return p.run(ctx, want, pending.Done(r), nil, failures.None)
}

// Waiting lists what the account keeps for maintenance windows and restarts.
func (p *Provider) Waiting() ([]Waiting, error) {
	var out []Waiting
	err := p.eachWaiting(func(r inventory.Resource, static map[string][2]string) error {
		window := props.Str(r.State, "maintenanceWindow")
		for _, key := range slices.Sorted(maps.Keys(r.Waiting)) {
			out = append(out, Waiting{ID: r.ID, Setting: string(key), Now: text(r.State[key]), New: text(r.Waiting[key]), Window: window})
		}
		for _, name := range slices.Sorted(maps.Keys(static)) {
			out = append(out, Waiting{ID: r.ID, Setting: name, Now: static[name][0], New: static[name][1], Restart: true})
		}
		return nil
	})
	return out, err
}

// ApplyWaiting does all of it now.
func (p *Provider) ApplyWaiting(ctx context.Context) error {
	return p.eachWaiting(func(r inventory.Resource, _ map[string][2]string) error {
		if _, err := p.finish(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", r.ID, err)
		}
		return nil
	})
}

// eachWaiting visits what has something to do, sources before their replicas.
func (p *Provider) eachWaiting(visit func(inventory.Resource, map[string][2]string) error) error {
	for _, token := range []string{engines.Instance, engines.ReplicationGroup} {
		all, err := p.store.List(token)
		if err != nil {
			return err
		}
		slices.SortStableFunc(all, func(a, b inventory.Resource) int {
			return strings.Compare(props.Str(a.State, "replicateSourceDb"), props.Str(b.State, "replicateSourceDb"))
		})
		for _, r := range all {
			static, err := p.engines.Unbooted(r)
			if err != nil {
				return fmt.Errorf("%s: %w", r.ID, err)
			}
			if len(r.Waiting)+len(static) == 0 {
				continue
			}
			if err := visit(r, static); err != nil {
				return err
			}
		}
	}
	return nil
}

func text(v resource.PropertyValue) string {
	plain, _ := props.Plain(v)
	return fmt.Sprint(plain.V)
}
