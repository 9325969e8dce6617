package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Create applies a new object and waits until it works. In a preview the API server validates the object without
// keeping it, if the cluster, the namespace and the kind exist already.
func (p *provider) Create(ctx context.Context, r plugin.CreateRequest) (plugin.CreateResponse, error) {
	p.warnOfOwners(ctx, r.URN, r.Properties)
	if r.Preview {
		return p.previewCreate(ctx, r)
	}
	if isRelease(r.URN) {
		return p.createRelease(ctx, r)
	}
	ctx, cancel := p.waitContext(ctx, r.Timeout)
	defer cancel()
	if !p.options.upsert {
		if err := p.refuseForeign(ctx, r.URN, r.Properties); err != nil {
			return plugin.CreateResponse{}, err
		}
	}
	live, err := p.apply(ctx, r.URN, r.Properties, false, true)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	live, waitErr := p.await(ctx, r.URN, live, r.Timeout)
	out, err := properties(live, r.Properties)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	id := resource.ID(objectID(live))
	if waitErr != nil {
		return plugin.CreateResponse{}, unready(id, r.Properties, out, waitErr)
	}
	return plugin.CreateResponse{ID: id, Properties: out, Status: resource.StatusOK}, nil
}

func (p *provider) previewCreate(ctx context.Context, r plugin.CreateRequest) (plugin.CreateResponse, error) {
	out := r.Properties.Copy()
	out["status"] = resource.MakeComputed(resource.NewStringProperty(""))
	if !isRelease(r.URN) && !hasUnknowns(r.Properties) {
		if _, err := p.apply(ctx, r.URN, r.Properties, true, true); err != nil && !comesLater(err) {
			return plugin.CreateResponse{}, err
		}
	}
	return plugin.CreateResponse{Properties: out, Status: resource.StatusOK}, nil
}

// comesLater tells the errors of a preview that the update itself cures: the namespace, the kind or the cluster is
// created before the object.
func comesLater(err error) bool {
	return apierrors.IsNotFound(err) || meta.IsNoMatchError(err) || !isAnswer(err)
}

// isAnswer: the API server spoke, as opposed to not being there.
func isAnswer(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}

// Update applies the changed object and waits.
func (p *provider) Update(ctx context.Context, r plugin.UpdateRequest) (plugin.UpdateResponse, error) {
	p.warnOfOwners(ctx, r.URN, r.NewInputs)
	if r.Preview {
		if !isRelease(r.URN) && !hasUnknowns(r.NewInputs) {
			if _, err := p.apply(ctx, r.URN, r.NewInputs, true, p.forces(r.NewInputs)); err != nil && !comesLater(err) {
				return plugin.UpdateResponse{}, err
			}
		}
		return plugin.UpdateResponse{Properties: r.NewInputs, Status: resource.StatusOK}, nil
	}
	if isRelease(r.URN) {
		return p.updateRelease(ctx, r)
	}
	ctx, cancel := p.waitContext(ctx, r.Timeout)
	defer cancel()
	live, err := p.apply(ctx, r.URN, r.NewInputs, false, p.forces(r.NewInputs))
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	live, waitErr := p.await(ctx, r.URN, live, r.Timeout)
	out, err := properties(live, r.NewInputs)
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	if waitErr != nil {
		return plugin.UpdateResponse{}, unready(r.ID, r.NewInputs, out, waitErr)
	}
	return plugin.UpdateResponse{Properties: out, Status: resource.StatusOK}, nil
}

// Delete removes the object with everything it owns, and waits until both are gone.
func (p *provider) Delete(ctx context.Context, r plugin.DeleteRequest) (plugin.DeleteResponse, error) {
	if isRelease(r.URN) {
		return plugin.DeleteResponse{Status: resource.StatusOK}, p.deleteRelease(ctx, r)
	}
	u, client, err := p.clientFor(r.Outputs)
	if meta.IsNoMatchError(errors.Unwrap(err)) {
		return plugin.DeleteResponse{Status: resource.StatusOK}, nil // its kind is gone, and it with it
	}
	if err != nil {
		return plugin.DeleteResponse{}, err
	}
	ctx, cancel := p.waitContext(ctx, r.Timeout)
	defer cancel()
	propagation := propagationOf(u)
	err = client.Delete(ctx, u.GetName(), metav1.DeleteOptions{PropagationPolicy: &propagation})
	if apierrors.IsNotFound(err) {
		return plugin.DeleteResponse{Status: resource.StatusOK}, nil
	}
	if err != nil {
		return plugin.DeleteResponse{}, err
	}
	return plugin.DeleteResponse{Status: resource.StatusOK}, awaitGone(ctx, client, u)
}

// apply sends the object as the API server's own merge does it (server-side apply). With force it takes fields that others
// own. Unknown fields are errors.
func (p *provider) apply(ctx context.Context, urn resource.URN, in resource.PropertyMap, dryRun, force bool) (*unstructured.Unstructured, error) {
	u, client, err := p.clientFor(in)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(u.Object)
	if err != nil {
		return nil, err
	}
	opts := metav1.PatchOptions{FieldManager: managerOf(urn, in), Force: &force, FieldValidation: metav1.FieldValidationStrict}
	if dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	live, err := patch(ctx, client, u.GetName(), body, opts)
	if ownedByOthers(err) && !force && takesOver(err) {
		force = true
		live, err = patch(ctx, client, u.GetName(), body, opts)
	}
	if ownedByOthers(err) {
		return nil, conflict(managerOf(urn, in), err)
	}
	return live, err
}

// patch sends an object, again while the API server says that it may succeed then.
func patch(ctx context.Context, client dynamic.ResourceInterface, name string, body []byte, opts metav1.PatchOptions) (*unstructured.Unstructured, error) {
	for attempt := 1; ; attempt++ {
		live, err := client.Patch(ctx, name, types.ApplyPatchType, body, opts)
		if err == nil || ownedByOthers(err) || !retryable(err) || attempt == 5 {
			return live, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(attempt) * 200 * time.Millisecond):
		}
	}
}

func retryable(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err)
}

// manager is the field manager of one resource of the program. It also tells whose an existing object is.
func manager(urn resource.URN) string {
	sum := sha256.Sum256([]byte(urn))
	return "pulumi-kubernetes-" + hex.EncodeToString(sum[:])[:8]
}

// managerOf is the field manager that an object names, or its resource's.
func managerOf(urn resource.URN, in resource.PropertyMap) string {
	if name := text(in, "metadata", "annotations", patchFieldManager); name != "" {
		return name
	}
	return manager(urn)
}

// refuseForeign: creating over somebody else's object is an error, as with the official provider. An object left by
// an earlier update of this very resource that ended half-way is taken up again.
func (p *provider) refuseForeign(ctx context.Context, urn resource.URN, in resource.PropertyMap) error {
	u, client, err := p.clientFor(in)
	if err != nil {
		return err
	}
	live, err := client.Get(ctx, u.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range live.GetManagedFields() {
		if f.Manager == managerOf(urn, in) {
			return nil
		}
	}
	return fmt.Errorf("%s %s exists and is not this stack's: import it or delete it", u.GetKind(), objectID(u))
}

func (p *provider) clientFor(in resource.PropertyMap) (*unstructured.Unstructured, resourceClient, error) {
	c, err := p.connected()
	if err != nil {
		return nil, nil, err
	}
	u, err := object(in)
	if err != nil {
		return nil, nil, err
	}
	unstructured.RemoveNestedField(u.Object, "status")
	client, err := c.resourceFor(u, p.namespace)
	return u, client, err
}

// objectID is namespace/name, or name where the kind has no namespaces, as the official provider has it.
func objectID(u *unstructured.Unstructured) string {
	if ns := u.GetNamespace(); ns != "" {
		return ns + "/" + u.GetName()
	}
	return u.GetName()
}

func splitID(id resource.ID) (namespace, name string) {
	ns, n, ok := strings.Cut(string(id), "/")
	if !ok {
		return "", ns
	}
	return ns, n
}

// unready reports an object that exists but does not work yet: the engine records it, and the next update waits again.
func unready(id resource.ID, in, out resource.PropertyMap, reason error) error {
	opts := plugin.MarshalOptions{KeepSecrets: true, KeepResources: true}
	props, err := plugin.MarshalProperties(out, opts)
	if err != nil {
		return err
	}
	inputs, err := plugin.MarshalProperties(in, opts)
	if err != nil {
		return err
	}
	return rpcerror.WithDetails(rpcerror.New(codes.Unknown, reason.Error()), &pulumirpc.ErrorResourceInitFailed{
		Id: string(id), Properties: props, Inputs: inputs, Reasons: []string{reason.Error()},
	})
}

// What becomes of a field that another field manager owns: the official provider reports it, unless the object or the
// provider says that the program's value wins.
// Source: provider/pkg/await/await.go (patchForce, handleSSAErr, fixCSAFieldManagers) of
// https://github.com/pulumi/pulumi-kubernetes , of 2026-07-01; read 2026-11-30.
const guide = "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/" +
	"#handle-field-conflicts-on-existing-resources"

// forces says whether an object's update takes other owners' fields.
func (p *provider) forces(in resource.PropertyMap) bool {
	return p.options.patchForce || text(in, "metadata", "annotations", patchForce) == "true"
}

// ownedByOthers tells a conflict about fields from one about versions.
func ownedByOthers(err error) bool { return len(ownershipCauses(err)) > 0 }

func ownershipCauses(err error) []metav1.StatusCause {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(status.Status().Details.Causes), func(c metav1.StatusCause) bool {
		return c.Type != metav1.CauseTypeFieldManagerConflict
	})
}

// yielding are the managers whose fields the official provider makes its own before it applies: `kubectl apply`, and
// what was there before the first apply.
var yielding = []string{`conflict with "kubectl" using `, `conflict with "kubectl":`, `conflict with "before-first-apply"`, `conflict with "pulumi-kubernetes" `}

// takesOver says whether all owners in a conflict yield. A subresource's (kubectl scale) do not.
func takesOver(err error) bool {
	for _, c := range ownershipCauses(err) {
		if !slices.ContainsFunc(yielding, func(y string) bool { return strings.HasPrefix(c.Message, y) }) {
			return false
		}
	}
	return true
}

func conflict(manager string, err error) error {
	return errors.Join(
		fmt.Errorf("server-side apply field conflict detected, see %s for troubleshooting help", guide),
		fmt.Errorf("The resource managed by field manager %q had an apply conflict: %w", manager, err), //nolint:staticcheck,revive // as the official provider says it
	)
}
