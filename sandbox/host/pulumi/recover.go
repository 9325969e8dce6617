package pulumi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
)

// Recover puts right what a run that was killed left behind: the engine's lock of the stack, and creations whose end
// it did not see. The caller makes sure that no other run is under way and that the sandbox is up.
//
// The engine forgets the creations, and the cloud is told that it did not see their end: the next creation of the
// same resource then takes up what is there, as it does with objects of the cluster. (`pulumi refresh
// --import-pending-creates` would be the way on AWS; CLI v3.259 drops such an import when no program runs.)
func (e *Engine) Recover(ctx context.Context, s auto.Stack, project string) error {
	locks, err := filepath.Glob(filepath.Join(e.backend(), ".pulumi", "locks", "*", project, s.Name(), "*.json"))
	if err != nil {
		return err
	}
	if len(locks) > 0 {
		if err := s.Cancel(ctx); err != nil {
			return fmt.Errorf("lock of stack %s: %w", s.Name(), err)
		}
	}
	pending, err := e.pending(project, s.Name())
	if err != nil || len(pending) == 0 {
		return err
	}
	if err := e.reopen(pending); err != nil {
		return err
	}
	_, err = s.Refresh(ctx, optrefresh.ClearPendingCreates(), optrefresh.SuppressProgress())
	return err
}

// reopen marks what the cloud created, but the engine did not record, as not finished.
func (e *Engine) reopen(pending map[string]bool) error {
	cloud, err := inventory.Open(e.layout.Cloud())
	if err != nil {
		return err
	}
	all, err := cloud.List("")
	if err != nil {
		return err
	}
	for _, r := range all {
		if !pending[r.URN] {
			continue
		}
		r.Status = inventory.Creating
		if err := cloud.Put(r); err != nil {
			return err
		}
	}
	return nil
}

// Exists tells whether the backend has a state of the stack.
func (e *Engine) Exists(project, stack string) bool {
	_, err := os.Stat(e.checkpoint(project, stack))
	return err == nil
}

func (e *Engine) checkpoint(project, stack string) string {
	return filepath.Join(e.backend(), ".pulumi", "stacks", project, stack+".json")
}

// pending are the URNs of the creations under way when the last run ended.
func (e *Engine) pending(project, stack string) (map[string]bool, error) {
	b, err := os.ReadFile(e.checkpoint(project, stack))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var state struct {
		Checkpoint struct {
			Latest struct {
				Pending []struct {
					Resource struct {
						URN string `json:"urn"`
					} `json:"resource"`
				} `json:"pending_operations"`
			} `json:"latest"`
		} `json:"checkpoint"`
	}
	if err := json.Unmarshal(b, &state); err != nil {
		return nil, fmt.Errorf("state of stack %s: %w", stack, err)
	}
	urns := map[string]bool{}
	for _, p := range state.Checkpoint.Latest.Pending {
		urns[p.Resource.URN] = true
	}
	return urns, nil
}
