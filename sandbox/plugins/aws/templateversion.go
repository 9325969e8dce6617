package aws

import (
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/engines"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// numbered is a node group's state in which $Latest and $Default of its launch template are numbers: EKS converts them when it
// reads, so that a program that says $Latest differs at every update.
// Source: "version" of launch_template in https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/eks_node_group ;
// read 2026-11-30.
func (p *Provider) numbered(token string, state resource.PropertyMap) (resource.PropertyMap, error) {
	output := map[string]string{"$Latest": "latestVersion", "$Default": "defaultVersion"}[props.Str(state, "launchTemplate.version")]
	if token != engines.NodeGroup || output == "" {
		return state, nil
	}
	templates, err := p.store.List(engines.LaunchTemplate)
	if err != nil {
		return nil, err
	}
	for _, t := range templates {
		if id, name := props.Str(state, "launchTemplate.id"), props.Str(state, "launchTemplate.name"); t.ID != id && (name == "" || props.Str(t.State, "name") != name) {
			continue
		}
		plain, _ := props.Plain(state["launchTemplate"])
		template := plain.ObjectValue().Copy()
		template["version"] = resource.NewStringProperty(strconv.Itoa(props.Int(t.State, output, 1)))
		state = state.Copy()
		state["launchTemplate"] = resource.NewObjectProperty(template)
	}
	return state, nil
}
