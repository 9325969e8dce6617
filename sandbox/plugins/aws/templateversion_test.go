package aws

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/engines"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/readback"
)

func TestANodeGroupsLatestTemplateIsReadBackAsANumber(t *testing.T) {
	w := start(t)
	made := w.create(engines.LaunchTemplate, "nodes", object{"name": "nodes"})
	w.update(engines.LaunchTemplate, "nodes", made, object{"name": "nodes", "description": "second"})
	for sent, want := range map[string]string{"$Latest": "2", "$Default": "1", "1": "1"} {
		for _, by := range []object{{"id": string(made.ID), "version": sent}, {"name": "nodes", "version": sent}} {
			in := properties(object{"launchTemplate": by})
			state, err := w.numbered(engines.NodeGroup, in)
			if err != nil || props.Str(state, "launchTemplate.version") != want {
				t.Errorf("%v: %v, %v, want %s", by, state, err, want)
			}
			now := readback.Inputs(engines.NodeGroup, in, state)
			if differs := len(compare(now, in)) > 0; differs != (sent != want) {
				t.Errorf("%v: the next update differs %t", by, differs)
			}
		}
	}
	other, err := w.numbered(engines.NodeGroup, resource.PropertyMap{})
	if err != nil || len(other) > 0 {
		t.Errorf("without a template: %v, %v", other, err)
	}
}
