package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// fieldManager owns what the sandbox itself applies.
const fieldManager = "ragscale-sandbox"

// applyManifest applies the YAML documents of manifest, in order, server-side.
func applyManifest(ctx context.Context, client *rest.Config, manifest []byte) error {
	return eachObject(client, manifest, false, func(o *unstructured.Unstructured, to dynamic.ResourceInterface) error {
		raw, err := json.Marshal(o)
		if err != nil {
			return err
		}
		force := true
		_, err = to.Patch(ctx, o.GetName(), types.ApplyPatchType, raw, metav1.PatchOptions{FieldManager: fieldManager, Force: &force})
		return err
	})
}

// deleteManifest deletes the objects of manifest, last first. What is gone is fine.
func deleteManifest(ctx context.Context, client *rest.Config, manifest []byte) error {
	return eachObject(client, manifest, true, func(o *unstructured.Unstructured, to dynamic.ResourceInterface) error {
		if err := to.Delete(ctx, o.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		return nil
	})
}

func eachObject(client *rest.Config, manifest []byte, backwards bool, do func(*unstructured.Unstructured, dynamic.ResourceInterface) error) error {
	objects, err := decodeManifest(manifest)
	if err != nil {
		return err
	}
	if backwards {
		slices.Reverse(objects)
	}
	disco, err := discovery.NewDiscoveryClientForConfig(client)
	if err != nil {
		return err
	}
	groups, err := restmapper.GetAPIGroupResources(disco)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	dyn, err := dynamic.NewForConfig(client)
	if err != nil {
		return err
	}
	for _, o := range objects {
		kind := o.GroupVersionKind()
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			return err
		}
		var to dynamic.ResourceInterface = dyn.Resource(mapping.Resource)
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			to = dyn.Resource(mapping.Resource).Namespace(o.GetNamespace())
		}
		if err := do(o, to); err != nil {
			return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
	return nil
}

func decodeManifest(manifest []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	docs := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := docs.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if len(o.Object) > 0 {
			out = append(out, o)
		}
	}
}
