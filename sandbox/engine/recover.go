package engine

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
)

// Recover puts right what a run that was killed left behind: the engine's lock of the stack, and creations whose end
// it did not see. The caller makes sure that no other run is under way and that the sandbox is up.
//
// A pending creation is forgotten after a refresh. What it did create is not lost: the sandbox's providers know a
// resource by its URN and take it up again.
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
	interrupted, err := e.interrupted(project, s.Name())
	if err != nil || !interrupted {
		return err
	}
	_, err = s.Refresh(ctx, optrefresh.ClearPendingCreates(), optrefresh.SuppressProgress())
	return err
}

// Exists tells whether the backend has a state of the stack.
func (e *Engine) Exists(project, stack string) bool {
	_, err := os.Stat(e.checkpoint(project, stack))
	return err == nil
}

func (e *Engine) checkpoint(project, stack string) string {
	return filepath.Join(e.backend(), ".pulumi", "stacks", project, stack+".json")
}

func (e *Engine) interrupted(project, stack string) (bool, error) {
	b, err := os.ReadFile(e.checkpoint(project, stack))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var state struct {
		Checkpoint struct {
			Latest struct {
				Pending []json.RawMessage `json:"pending_operations"`
			} `json:"latest"`
		} `json:"checkpoint"`
	}
	if err := json.Unmarshal(b, &state); err != nil {
		return false, fmt.Errorf("state of stack %s: %w", stack, err)
	}
	return len(state.Checkpoint.Latest.Pending) > 0, nil
}
