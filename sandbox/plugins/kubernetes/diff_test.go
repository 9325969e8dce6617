package kubernetes

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// diffed is the difference that one change makes, under a provider's settings.
func diffed(t *testing.T, settings resource.PropertyMap, was, is string) plugin.DiffResult {
	t.Helper()
	p := newProvider()
	p.options = optionsOf(settings)
	d, err := p.Diff(t.Context(), plugin.DiffRequest{
		URN:       resource.NewURN("local", "ragscale", "", tokens.Type("kubernetes:core/v1:ConfigMap"), "x"),
		OldInputs: inputs(t, was), NewInputs: inputs(t, is),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhatReplacesAnObject(t *testing.T) {
	mutable := resource.PropertyMap{"enableConfigMapMutable": resource.NewStringProperty("true"), "enableSecretMutable": resource.NewBoolProperty(true)}
	for name, c := range map[string]struct {
		was, is  string
		settings resource.PropertyMap
		replaces bool
	}{
		"data of a config map":        {`{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a.conf: "1"}}`, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a.conf: "2"}}`, nil, true},
		"more data":                   {`{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: "2"}}`, nil, true},
		"labels of a config map":      {`{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a: b}}}`, nil, false},
		"data that may change":        {`{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: "1"}}`, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: "2"}}`, mutable, false},
		"data that are immutable":     {`{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {a: "1"}}`, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {a: "2"}}`, mutable, true},
		"a secret":                    {`{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {a: "1"}}`, `{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {a: "2"}}`, nil, true},
		"a secret that may change":    {`{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {a: "1"}}`, `{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {a: "2"}}`, mutable, false},
		"its type":                    {`{apiVersion: v1, kind: Secret, metadata: {name: a}, type: a}`, `{apiVersion: v1, kind: Secret, metadata: {name: a}, type: b}`, mutable, true},
		"a job's template":            {`{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {a: 1}}}}`, `{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {a: 2}}}}`, nil, true},
		"a job's deadline":            {`{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {activeDeadlineSeconds: 1}}`, `{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {activeDeadlineSeconds: 2}}`, nil, false},
		"a deployment's template":     {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {a: 1}}}`, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {a: 2}}}`, nil, false},
		"a deployment's selector":     {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {matchLabels: {a: "1"}}}}`, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {matchLabels: {a: "2"}}}}`, nil, true},
		"a pod's image":               {`{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: b}]}}`, `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: c}]}}`, nil, true},
		"a claim's size":              {`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {resources: {requests: {storage: 1Gi}}}}`, `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {resources: {requests: {storage: 2Gi}}}}`, nil, false},
		"a custom object":             {`{apiVersion: a.io/v1, kind: ConfigMap, metadata: {name: a}, data: {a: "1"}}`, `{apiVersion: a.io/v1, kind: ConfigMap, metadata: {name: a}, data: {a: "2"}}`, nil, false},
		"a field with another's name": {`{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIPs: [a]}}`, `{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIPs: [b]}}`, nil, false},
	} {
		d := diffed(t, c.settings, c.was, c.is)
		if (len(d.ReplaceKeys) > 0) != c.replaces || d.DeleteBeforeReplace != c.replaces {
			t.Errorf("%s: got %v, delete first %t", name, d.DetailedDiff, d.DeleteBeforeReplace)
		}
	}
}

// An object that the provider named is replaced by one with another name, which stands before the old one goes.
func TestAnObjectWithoutANameOfItsOwnIsReplacedBesideTheOldOne(t *testing.T) {
	p := newProvider()
	req := plugin.CheckRequest{
		URN:  resource.NewURN("local", "ragscale", "", "kubernetes:core/v1:ConfigMap", "settings"),
		News: inputs(t, `{apiVersion: v1, kind: ConfigMap, data: {a: "1"}}`), RandomSeed: []byte("1"),
	}
	first, err := p.Check(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	req.Olds, req.News, req.RandomSeed = first.Properties, inputs(t, `{apiVersion: v1, kind: ConfigMap, data: {a: "2"}}`), []byte("2")
	second, err := p.Check(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Diff(t.Context(), plugin.DiffRequest{URN: req.URN, OldInputs: first.Properties, NewInputs: second.Properties})
	if err != nil || !slices.Equal(d.ReplaceKeys, []resource.PropertyKey{"data"}) || d.DeleteBeforeReplace {
		t.Errorf("got %v, delete first %t (%v), want a replacement beside it", d.DetailedDiff, d.DeleteBeforeReplace, err)
	}
}

func TestSettingsComeFromTheProviderOrTheEnvironment(t *testing.T) {
	t.Setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "true")
	o := optionsOf(resource.PropertyMap{"enableConfigMapMutable": resource.NewBoolProperty(true)})
	if !o.patchForce || !o.configMapMutable || o.secretMutable {
		t.Errorf("got %+v", o)
	}
	if o = optionsOf(resource.PropertyMap{"enablePatchForce": resource.NewStringProperty("false")}); o.patchForce {
		t.Errorf("got %+v, want what the provider says", o)
	}
}

func fieldConflict(messages ...string) error {
	e := apierrors.NewApplyConflict(nil, "Apply failed")
	for _, m := range messages {
		e.ErrStatus.Details.Causes = append(e.ErrStatus.Details.Causes, metav1.StatusCause{Type: metav1.CauseTypeFieldManagerConflict, Message: m, Field: ".spec.replicas"})
	}
	return e
}

func TestFieldsOfOthersAreTakenOnlyFromThoseWhoYield(t *testing.T) {
	for message, yields := range map[string]bool{
		`conflict with "kubectl" using apps/v1`:                                       true,
		`conflict with "before-first-apply" using apps/v1`:                            true,
		`conflict with "kubectl" with subresource "scale" using autoscaling/v1`:       false,
		`conflict with "kubectl-edit" using apps/v1`:                                  false,
		`conflict with "kube-controller-manager" with subresource "scale" using a/v1`: false,
	} {
		err := fieldConflict(message)
		if !ownedByOthers(err) || takesOver(err) != yields {
			t.Errorf("%s: yields %t, want %t", message, takesOver(err), yields)
		}
		if takesOver(fieldConflict(message, `conflict with "argocd" using apps/v1`)) {
			t.Errorf("%s beside another: yields", message)
		}
	}
	if ownedByOthers(apierrors.NewConflict(schema.GroupResource{Resource: "a"}, "b", errors.New("changed meanwhile"))) || ownedByOthers(nil) {
		t.Error("a conflict of versions is taken for one of fields")
	}
	said := conflict("pulumi-kubernetes-1", fieldConflict(`conflict with "kubectl-edit" using apps/v1`)).Error()
	if !strings.Contains(said, "server-side apply field conflict detected") || !strings.Contains(said, `field manager "pulumi-kubernetes-1"`) {
		t.Errorf("got %s", said)
	}
}

func TestAnObjectOrItsProviderMayForce(t *testing.T) {
	p := newProvider()
	forced := inputs(t, `{metadata: {annotations: {pulumi.com/patchForce: "true"}}}`)
	if p.forces(nil) || !p.forces(forced) {
		t.Error("want force by annotation alone")
	}
	p.options.patchForce = true
	if !p.forces(nil) {
		t.Error("want force by the provider's setting")
	}
}
