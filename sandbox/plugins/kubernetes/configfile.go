package kubernetes

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ragscale/ragscale/sandbox/layout"
)

const configFile = "kubernetes:yaml/v2:ConfigFile"

// manifests stand for the files of these addresses, by their beginning and end: the sandbox reads none from elsewhere. Of kinds
// that no stand-in uses there are no definitions.
var manifests = []struct {
	begin, end string
	objects    func(layout.Layout) ([]*unstructured.Unstructured, error)
}{
	{"https://raw.githubusercontent.com/kubernetes-sigs/aws-load-balancer-controller/", "/crds/crds.yaml", decoded(targetGroupBinding)},
	{"https://raw.githubusercontent.com/kubernetes-sigs/aws-load-balancer-controller/", "/crds/gateway-crds.yaml", decoded(nil)},
	{"https://raw.githubusercontent.com/kubernetes/autoscaler/", "/crds/vpa-v1-crd-gen.yaml", verticalDefinitions},
}

func decoded(manifest []byte) func(layout.Layout) ([]*unstructured.Unstructured, error) {
	return func(layout.Layout) ([]*unstructured.Unstructured, error) { return decode(manifest) }
}

// Construct serves one remote component, ConfigFile: it registers the objects of a manifest below itself, named as the official
// provider names them (<file's resource>:<namespace>/<object>).
// Source: provider/pkg/provider/yaml/v2 of https://github.com/pulumi/pulumi-kubernetes at v4.30.0; read 2026-11-30.
func (p *provider) Construct(ctx context.Context, r plugin.ConstructRequest) (plugin.ConstructResponse, error) {
	if string(r.Type) != configFile {
		return plugin.ConstructResponse{}, fmt.Errorf("component %s is not served by the sandbox, want %s or the objects themselves", r.Type, configFile)
	}
	objects, err := manifest(text(r.Inputs, "file"))
	if err != nil {
		return plugin.ConstructResponse{}, err
	}
	conn, err := grpc.NewClient(r.Info.MonitorAddress, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return plugin.ConstructResponse{}, err
	}
	defer conn.Close()
	return construct(ctx, pulumirpc.NewResourceMonitorClient(conn), r, objects)
}

// construct registers the component and its objects.
func construct(
	ctx context.Context, monitor pulumirpc.ResourceMonitorClient, r plugin.ConstructRequest, objects []*unstructured.Unstructured,
) (plugin.ConstructResponse, error) {
	own, err := monitor.RegisterResource(ctx, &pulumirpc.RegisterResourceRequest{
		Type: string(r.Type), Name: r.Name, Parent: string(r.Parent), Providers: r.Options.Providers, Dependencies: urns(r.Options.Dependencies),
	})
	if err != nil {
		return plugin.ConstructResponse{}, err
	}
	prefix := text(r.Inputs, "resourcePrefix")
	if prefix == "" {
		prefix = r.Name
	}
	for _, o := range objects {
		object, err := structpb.NewStruct(o.Object)
		if err != nil {
			return plugin.ConstructResponse{}, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
		}
		_, err = monitor.RegisterResource(ctx, &pulumirpc.RegisterResourceRequest{
			Type: objectToken(o), Name: prefix + ":" + objectID(o), Parent: own.GetUrn(), Custom: true, Object: object, Version: Version,
			Provider: r.Options.Providers["kubernetes"], Dependencies: urns(r.Options.Dependencies), AcceptSecrets: true, AcceptResources: true,
		})
		if err != nil {
			return plugin.ConstructResponse{}, err
		}
	}
	_, err = monitor.RegisterResourceOutputs(ctx, &pulumirpc.RegisterResourceOutputsRequest{Urn: own.GetUrn(), Outputs: &structpb.Struct{}})
	return plugin.ConstructResponse{URN: resource.URN(own.GetUrn()), Outputs: resource.PropertyMap{}}, err
}

func urns(of []resource.URN) []string {
	var out []string
	for _, u := range of {
		out = append(out, string(u))
	}
	return out
}

// objectToken is the resource type of an object, "kubernetes:core/v1:ConfigMap".
func objectToken(o *unstructured.Unstructured) string {
	version := o.GetAPIVersion()
	if !strings.Contains(version, "/") {
		version = "core/" + version
	}
	return "kubernetes:" + version + ":" + o.GetKind()
}

// manifest are the objects of a file on this machine, or of an address that the sandbox stands for.
func manifest(file string) ([]*unstructured.Unstructured, error) {
	if !strings.Contains(file, "://") {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
		return decode(raw)
	}
	tools, err := layout.New("/") // the environment names the folder
	if err != nil {
		return nil, err
	}
	var known []string
	for _, m := range manifests {
		if strings.HasPrefix(file, m.begin) && strings.HasSuffix(file, m.end) {
			return m.objects(tools)
		}
		known = append(known, m.begin+"…"+m.end)
	}
	return nil, fmt.Errorf("file is %q: the sandbox reads nothing from elsewhere, want a file on this machine or one of %q", file, known)
}
