package ready

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// revisions of a StatefulSet: all pods are of the new one, or some are not.
const (
	oneRevision  = `currentRevision: a, updateRevision: a`
	twoRevisions = `currentRevision: a, updateRevision: b`
)

func TestEachKindIsWaitedForInTheOfficialProvidersWords(t *testing.T) {
	for _, c := range []struct {
		kind       string
		generation int
		spec       string // of an object, or all of it but its status
		status     string
		want       string // "" for ready
	}{
		{"apps/Deployment", 1, `replicas: 3`, `observedGeneration: 1, replicas: 3, updatedReplicas: 3, availableReplicas: 1`,
			"Waiting for app ReplicaSet to be available (1/3 Pods available)"},
		{"apps/Deployment", 2, `replicas: 2`, `observedGeneration: 2, replicas: 3, updatedReplicas: 1, availableReplicas: 3`,
			"Waiting for app ReplicaSet to be available (1/2 Pods available)"},
		{"apps/Deployment", 2, `replicas: 2`, `observedGeneration: 2, replicas: 3, updatedReplicas: 2, availableReplicas: 2`,
			"Waiting for the 1 Pods of older ReplicaSets to end"},
		{"apps/Deployment", 2, `replicas: 2`, `observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2`, ""},
		{"apps/StatefulSet", 1, `replicas: 2`, `observedGeneration: 1, replicas: 1, readyReplicas: 1, currentReplicas: 1, ` + oneRevision,
			"[1/2] Waiting for StatefulSet to create Pods (1/2 Pods ready)"},
		{"apps/StatefulSet", 2, `replicas: 2`,
			`observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 1, currentReplicas: 1, ` + twoRevisions,
			"[1/3] Waiting for StatefulSet update to roll out (1/2 Pods ready)"},
		{"apps/StatefulSet", 2, `replicas: 2`,
			`observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 2, currentReplicas: 2, ` + twoRevisions,
			"[2/3] Waiting for StatefulSet to update .status.currentRevision"},
		{"apps/StatefulSet", 2, `replicas: 2`, `observedGeneration: 1, replicas: 2, readyReplicas: 2, currentReplicas: 2, ` + oneRevision,
			"[1/3] Waiting for StatefulSet update to roll out (0/2 Pods ready)"},
		{"apps/StatefulSet", 2, `replicas: 2, updateStrategy: {type: OnDelete}`,
			`observedGeneration: 2, replicas: 2, readyReplicas: 2, ` + twoRevisions, ""},
		{"apps/StatefulSet", 2, `replicas: 2`,
			`observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 2, currentReplicas: 2, ` + oneRevision, ""},
		{"apps/DaemonSet", 2, ``, `observedGeneration: 1`, "DaemonSet generation is not yet observed"},
		{"apps/DaemonSet", 2, ``, daemons(3, 1, 3, 3), "Updated: 1/3"},
		{"apps/DaemonSet", 2, ``, daemons(3, 3, 2, 3), "Available: 2/3"},
		{"apps/DaemonSet", 2, ``, daemons(3, 3, 3, 3), ""},
		{"/ReplicationController", 1, `replicas: 2`, `availableReplicas: 1`, "1 of 2 replicas available"},
		{"/ResourceQuota", 1, `hard: {pods: "3"}`, `hard: {pods: "2"}`, "status.hard is not yet spec.hard"},
		{"/ResourceQuota", 1, `hard: {pods: "3"}`, `hard: {pods: "3"}`, ""},
		{"/PersistentVolume", 1, ``, `phase: Pending`, "phase is Pending, want Available or Bound"},
		{"/PersistentVolume", 1, ``, `phase: Bound`, ""},
	} {
		object := parse(t, `{spec: {`+c.spec+`}, status: {`+c.status+`}}`)
		object["metadata"] = map[string]any{"generation": float64(c.generation)}
		judge(t, c.kind, object, c.want)
	}
}

func TestATokenOfAServiceAccountIsWaitedFor(t *testing.T) {
	for secret, want := range map[string]string{
		`{type: kubernetes.io/service-account-token}`:                      "the token is not there yet",
		`{type: kubernetes.io/service-account-token, data: {token: YQ==}}`: "",
		`{type: Opaque}`: "",
	} {
		judge(t, "/Secret", parse(t, secret), want)
	}
}

func daemons(current, updated, available, ready int) string {
	return fmt.Sprintf(`observedGeneration: 2, desiredNumberScheduled: 3, currentNumberScheduled: %d, updatedNumberScheduled: %d,
		numberAvailable: %d, numberReady: %d`, current, updated, available, ready)
}

func judge(t *testing.T, kind string, object map[string]any, want string) {
	t.Helper()
	group, name, _ := strings.Cut(kind, "/")
	rule := rules[schema.GroupKind{Group: group, Kind: name}]
	if rule == nil {
		t.Errorf("%s is not waited for", kind)
		return
	}
	whole(object)
	if s := rule(t.Context(), nil, &unstructured.Unstructured{Object: object}); s.Ready != (want == "") || !s.Ready && s.Reason != want {
		t.Errorf("%s %v\nready: %t, %q, want %q", kind, object, s.Ready, s.Reason, want)
	}
}

// whole makes the numbers of a manifest whole, as an API server's are.
func whole(object map[string]any) {
	for k, v := range object {
		switch v := v.(type) {
		case map[string]any:
			whole(v)
		case float64:
			object[k] = int64(v)
		}
	}
}

func TestAnObjectSaysWhatIsWaitedFor(t *testing.T) {
	const status = `{phase: Running, replicas: 2, conditions: [{type: Ready, status: "True"}, {type: Old, status: "False"}]}`
	for expression, want := range map[string]bool{
		"jsonpath={.status.phase}=Running":                             true,
		"jsonpath={.status.phase}=Pending":                             false,
		"jsonpath={.status.phase}":                                     true,
		"jsonpath={.status.none}":                                      false,
		"jsonpath={.status.replicas}=2":                                true,
		`jsonpath={.status.conditions[?(@.type=="Old")].status}=False`: true,
		"condition=Ready":                                              true,
		"condition=Ready=true":                                         true,
		"condition=Old":                                                false,
		"condition=Old=False":                                          true,
		"condition=None":                                               false,
		`["condition=Ready", "jsonpath={.status.phase}=Running"]`:      true,
		`["condition=Ready", "jsonpath={.status.phase}=Failed"]`:       false,
	} {
		u := annotated(t, "a.io/v1, kind: Thing", WaitFor, expression, status)
		wanted, err := wishes(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := all(wanted, u); got.Ready != want || !got.Ready && got.Reason == "" {
			t.Errorf("%s: got %+v, want %t", expression, got, want)
		}
	}
}

func TestAStatusOfAnEarlierGenerationIsNotBelieved(t *testing.T) {
	wanted, err := wishes("jsonpath={.status.phase}=Running")
	if err != nil {
		t.Fatal(err)
	}
	if got := all(wanted, annotated(t, "a.io/v1, kind: Thing", WaitFor, "", "{phase: Running, observedGeneration: 1}")); got.Ready {
		t.Errorf("got %+v, want it to wait", got)
	}
}

// annotated is an object with one annotation, and a status.
func annotated(t *testing.T, kind, annotation, value, status string) *unstructured.Unstructured {
	t.Helper()
	m := parse(t, `{apiVersion: `+kind+`, metadata: {name: a, generation: 2}, status: `+status+`}`)
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{} // with numbers as the API server's answers have them
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	u.SetAnnotations(map[string]string{annotation: value})
	return u
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func deploymentStatus(t *testing.T, status string) *unstructured.Unstructured {
	t.Helper()
	object := parse(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, generation: 2}, spec: {replicas: 3}, status: `+status+`}`)
	whole(object)
	return &unstructured.Unstructured{Object: object}
}

func TestADeploymentIsReadyWhenItsNewPodsAreAndTheOldAreGone(t *testing.T) {
	for status, want := range map[string]bool{
		`{observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 3}`: true,
		`{observedGeneration: 1, replicas: 3, updatedReplicas: 3, availableReplicas: 3}`: false,
		`{observedGeneration: 2, replicas: 4, updatedReplicas: 3, availableReplicas: 3}`: false,
		`{observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 2}`: false,
		`{}`: false,
	} {
		if s := awaitDeployment(t.Context(), nil, deploymentStatus(t, status)); s.Ready != want {
			t.Errorf("%s: ready is %t, want %t (%s)", status, s.Ready, want, s.Reason)
		}
	}
	const stuck = `conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded, message: late}]}`
	late := deploymentStatus(t, `{observedGeneration: 2, `+stuck)
	if s := awaitDeployment(t.Context(), nil, late); !s.Failed || s.Reason != "ProgressDeadlineExceeded: late" {
		t.Errorf("a deployment past its deadline is %+v, want failed with the reason", s)
	}
	before := deploymentStatus(t, `{observedGeneration: 1, `+stuck)
	if s := awaitDeployment(t.Context(), nil, before); s.Failed {
		t.Error("the deadline of the generation before fails the new one, want it awaited")
	}
}
