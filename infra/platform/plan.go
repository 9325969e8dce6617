package platform

import (
	"fmt"
	"maps"

	"github.com/ragscale/ragscale/planner"
	"github.com/ragscale/ragscale/stacks"
)

// Plan is every resource that a stack's configuration declares, found without an engine, a cloud or the stack's
// secrets. What a cloud would compute, such as an ARN, is invented.
func Plan(stack string, config map[string]string) ([]planner.Resource, error) {
	secrets := []string{stacks.DatabasePasswordKey, stacks.CachePasswordKey}
	config = maps.Clone(config)
	for _, key := range secrets {
		config[key] = "stands-for-the-secret"
	}
	planned, err := planner.Run(planner.Options{Stack: stack, Config: config, Secrets: secrets}, Declare)
	if err != nil {
		return nil, fmt.Errorf("plan of stack %s: %w", stack, err)
	}
	return planned.Resources, nil
}
