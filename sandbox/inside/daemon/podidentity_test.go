package daemon

import (
	"context"
	"encoding/json"
	"testing"

	admission "k8s.io/api/admission/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
)

// oneAssociation is an account with one pod identity association.
type oneAssociation map[string]any

func (a oneAssociation) List(token string) ([]awsapi.Resource, error) {
	if token != associations {
		return nil, nil
	}
	return []awsapi.Resource{{Region: "eu-central-1", Ready: true, State: a}}, nil
}

func TestPodsAreChangedByTheirAssociation(t *testing.T) {
	d := &daemon{account: oneAssociation{"clusterName": "rag", "namespace": "load", "serviceAccount": "generator", "roleArn": "arn:aws:iam::1:role/r"}}
	d.cluster = &cluster{d: d, name: "rag"}
	d.pods = newPodIdentity(d)
	for _, c := range []struct {
		namespace, account string
		want               int
	}{{"load", "generator", 1}, {"other", "generator", 0}, {"load", "", 0}} {
		pod := core.Pod{Spec: core.PodSpec{ServiceAccountName: c.account, Containers: []core.Container{{Name: "k6"}}}}
		raw, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.identify(context.Background(), &admission.AdmissionRequest{Namespace: c.namespace, Object: runtime.RawExtension{Raw: raw}})
		if err != nil || len(got) != c.want {
			t.Errorf("%s/%s: %v, %v, want %d changes", c.namespace, c.account, got, err, c.want)
		}
	}
	d.cluster.name = "another"
	if role, err := d.pods.role("load", "generator"); err != nil || role.ARN != "" {
		t.Errorf("in another cluster: %+v, %v", role, err)
	}
}

func TestWithoutTheAddOnNobodyGetsCredentials(t *testing.T) {
	d := &daemon{account: oneAssociation{}}
	if _, err := newPodIdentity(d).review(context.Background(), "token"); err == nil {
		t.Error("want the add-on to be missed")
	}
}
