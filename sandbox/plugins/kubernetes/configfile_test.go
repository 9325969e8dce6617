package kubernetes

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// monitor is the engine's: it keeps what is registered.
type monitor struct {
	pulumirpc.ResourceMonitorClient
	registered []*pulumirpc.RegisterResourceRequest
	outputs    []string
}

func (m *monitor) RegisterResource(_ context.Context, in *pulumirpc.RegisterResourceRequest, _ ...grpc.CallOption) (*pulumirpc.RegisterResourceResponse, error) {
	m.registered = append(m.registered, in)
	return &pulumirpc.RegisterResourceResponse{Urn: "urn:" + in.GetName()}, nil
}

func (m *monitor) RegisterResourceOutputs(_ context.Context, in *pulumirpc.RegisterResourceOutputsRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	m.outputs = append(m.outputs, in.GetUrn())
	return &emptypb.Empty{}, nil
}

func TestAFilesObjectsAreItsChildren(t *testing.T) {
	file := filepath.Join(t.TempDir(), "all.yaml")
	content := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: rag}\ndata: {k: v}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.a.io}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	objects, err := manifest(file)
	if err != nil {
		t.Fatal(err)
	}
	m := &monitor{}
	r := plugin.ConstructRequest{Type: configFile, Name: "kinds", Parent: "urn:cluster", Inputs: resource.PropertyMap{}, Options: plugin.ConstructOptions{
		Providers: map[string]string{"kubernetes": "urn:provider::1"}, Dependencies: []resource.URN{"urn:nodes"},
	}}
	made, err := construct(t.Context(), m, r, objects)
	if err != nil || made.URN != "urn:kinds" {
		t.Fatalf("%v, %v", made, err)
	}
	var got []string
	for _, c := range m.registered {
		got = append(got, strings.Join([]string{c.GetType(), c.GetName(), c.GetParent(), c.GetProvider(), strings.Join(c.GetDependencies(), ",")}, " "))
	}
	want := []string{
		"kubernetes:yaml/v2:ConfigFile kinds urn:cluster  urn:nodes",
		"kubernetes:core/v1:ConfigMap kinds:rag/a urn:kinds urn:provider::1 urn:nodes",
		"kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition kinds:things.a.io urn:kinds urn:provider::1 urn:nodes",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if m.registered[0].GetCustom() || !m.registered[1].GetCustom() || m.registered[1].GetObject().AsMap()["data"].(map[string]any)["k"] != "v" {
		t.Errorf("registered %v", m.registered)
	}
	if d := cmp.Diff([]string{"urn:kinds"}, m.outputs); d != "" {
		t.Error(d)
	}
}

func TestWhatIsElsewhereIsNotRead(t *testing.T) {
	for file, want := range map[string]string{
		"https://example.com/all.yaml": "the sandbox reads nothing from elsewhere, want a file on this machine or one of",
		"none.yaml":                    "no such file",
	} {
		if _, err := manifest(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", file, err, want)
		}
	}
	for _, component := range []string{"kubernetes:yaml/v2:ConfigGroup", "kubernetes:helm.sh/v4:Chart"} {
		_, err := newProvider().Construct(t.Context(), plugin.ConstructRequest{Type: tokens.Type(component)})
		if err == nil || !strings.Contains(err.Error(), component+" is not served by the sandbox") {
			t.Errorf("%s: got %v", component, err)
		}
	}
}

func TestAReleaseWithoutItsKindsInstallsTheRest(t *testing.T) {
	t.Setenv("RAGSCALE_SANDBOX_BIN", t.TempDir())
	in := inputs(t, `{chart: aws-load-balancer-controller, name: a, version: "3.5.0", values: {clusterName: c}}`)
	p := newProvider()
	with, err := p.releaseObjects(in)
	if err != nil || len(with) == 0 {
		t.Fatalf("%d objects, %v", len(with), err)
	}
	in["skipCrds"] = resource.NewBoolProperty(true)
	without, err := p.releaseObjects(in)
	if err != nil || len(without) != 0 {
		t.Errorf("%d objects, %v, want none: the chart's stand-in is its kinds", len(without), err)
	}
}
