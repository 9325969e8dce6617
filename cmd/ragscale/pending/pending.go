// Package pending finds what an AWS account keeps for a maintenance window or a restart, and has it done now.
//
// Owns: reading RDS's and ElastiCache's pending values, the calls that apply them. Does not own: which databases and
// caches are a stack's, and how a list is shown.
package pending

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// Change is one that waits.
type Change struct {
	ID      string `json:"id"`      // of the instance or the replication group
	Setting string `json:"setting"` // the argument, "instanceClass"
	Now     string `json:"now"`
	New     string `json:"new"`
	Window  string `json:"window"`  // weekly, in UTC, "sun:03:30-sun:04:30"
	Restart bool   `json:"restart"` // it waits for a restart, which no window brings
}

// Account is AWS in a stack's region.
type Account struct {
	Databases *rds.Client
	Caches    *elasticache.Client
}

// Resources are a stack's: DB instance identifiers and replication group ids.
type Resources struct{ Databases, Caches []string }

// available is the state in which both services take a modification.
const available = "available"

// List reads what waits.
func (a Account) List(ctx context.Context, of Resources) ([]Change, error) {
	var all []Change
	err := a.each(ctx, of, func(r resource) error {
		all = append(all, r.changes()...)
		return nil
	})
	return all, err
}

// Apply asks for all of it at once, and answers what was asked for: AWS then works on it for minutes. Nothing is asked
// for while one of them is busy, or can be before that is over.
func (a Account) Apply(ctx context.Context, of Resources) ([]Change, error) {
	var waiting []resource
	var busy []error
	err := a.each(ctx, of, func(r resource) error {
		if len(r.changes()) == 0 {
			return nil
		}
		waiting = append(waiting, r)
		if r.status() != available {
			busy = append(busy, fmt.Errorf("%s is %s, want %s: try again then", r.name(), r.status(), available))
		}
		return nil
	})
	if err = errors.Join(append(busy, err)...); err != nil {
		return nil, err
	}
	var begun []Change
	for _, r := range waiting {
		if err := r.apply(ctx, a); err != nil {
			return begun, fmt.Errorf("%s: %w", r.name(), err)
		}
		begun = append(begun, r.changes()...)
	}
	return begun, nil
}

// resource is an instance or a replication group.
type resource interface {
	name() string
	status() string
	changes() []Change
	apply(context.Context, Account) error
}

func (a Account) each(ctx context.Context, of Resources, visit func(resource) error) error {
	for _, id := range of.Databases {
		db, err := a.database(ctx, id)
		if err != nil {
			return fmt.Errorf("database %s: %w", id, err)
		}
		if err := visit(db); err != nil {
			return err
		}
	}
	for _, id := range of.Caches {
		c, err := a.cache(ctx, id)
		if err != nil {
			return fmt.Errorf("cache %s: %w", id, err)
		}
		if err := visit(c); err != nil {
			return err
		}
	}
	return nil
}
