package kubernetes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
