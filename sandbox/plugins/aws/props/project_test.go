package props

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func TestProjectKeepsTheInputsShapeAndTakesTheCloudsValues(t *testing.T) {
	value := resource.NewPropertyValue
	for name, c := range map[string]struct{ set, now, want map[string]any }{
		"computed inside a block": {
			map[string]any{"vpc": map[string]any{"subnets": []any{"a"}}},
			map[string]any{"vpc": map[string]any{"subnets": []any{"a"}, "groupId": "sg"}},
			map[string]any{"vpc": map[string]any{"subnets": []any{"a"}}},
		},
		"changed in the cloud": {
			map[string]any{"vpc": map[string]any{"public": true}},
			map[string]any{"vpc": map[string]any{"public": false}},
			map[string]any{"vpc": map[string]any{"public": false}},
		},
		"an element more": {
			map[string]any{"rules": []any{map[string]any{"port": 1}}},
			map[string]any{"rules": []any{map[string]any{"port": 1}, map[string]any{"port": 2}}},
			map[string]any{"rules": []any{map[string]any{"port": 1}, map[string]any{"port": 2}}},
		},
		"removed in the cloud": {map[string]any{"a": "x", "b": "y"}, map[string]any{"a": "x"}, map[string]any{"a": "x"}},
	} {
		got := Project(value(c.set), value(c.now))
		if d := cmp.Diff(value(c.want).Mappable(), got.Mappable()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
