package kubernetes

import (
	_ "embed"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// chart is what the sandbox runs in place of a Helm chart.
type chart struct {
	required []string // top-level values without which the real chart's controller does not start
	manifest []byte   // the objects that programs rely on
}

//go:embed targetgroupbinding.yaml
var targetGroupBinding []byte

// charts by chart name. The AWS Load Balancer Controller's part that this kind of program uses, binding pods to target
// groups, is played by the sandbox's own service network, which watches TargetGroupBindings; here comes the kind.
var charts = map[string]chart{
	"aws-load-balancer-controller": {required: []string{"clusterName"}, manifest: targetGroupBinding},
}

func chartNames() []string {
	var out []string
	for n := range charts {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// objects decodes the manifest. It is ours and compiled in: one that does not parse is a defect the tests catch.
func (c chart) objects() []*unstructured.Unstructured {
	if len(c.manifest) == 0 {
		return nil
	}
	var m map[string]any
	if err := yaml.Unmarshal(c.manifest, &m); err != nil {
		panic(fmt.Sprintf("embedded manifest: %v", err))
	}
	return []*unstructured.Unstructured{{Object: m}}
}
