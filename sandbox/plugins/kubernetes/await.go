package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/ragscale/ragscale/sandbox/plugins/kubernetes/ready"
)

type resourceClient = dynamic.ResourceInterface

const pollInterval = 150 * time.Millisecond // the API server is on this machine

// await polls until the object of a resource works, as its kind defines it, and says what it waits for. The last live object
// is returned also with an error. seconds is the program's own timeout, 0 for none.
func (p *provider) await(ctx context.Context, urn resource.URN, u *unstructured.Unstructured, seconds float64) (*unstructured.Unstructured, error) {
	rule, err := ready.RuleOf(u)
	if rule == nil || err != nil {
		return u, err
	}
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout(u, seconds))
	defer cancel()
	c, err := p.connected()
	if err != nil {
		return u, err
	}
	w := &waiting{to: p.engine, urn: urn, began: time.Now()}
	defer w.over(ctx)
	for {
		s := rule(ctx, c.dynamic, u)
		if s.Ready {
			return u, nil
		}
		if s.Failed {
			return u, p.describe(u, s.Reason)
		}
		w.explain = func() string { return p.describe(u, s.Reason).Error() }
		w.until(ctx, s.Reason)
		select {
		case <-ctx.Done():
			return u, p.describe(u, "not ready: "+s.Reason)
		case <-time.After(pollInterval):
		}
		if u, err = c.renew(ctx, u); err != nil {
			return u, err
		}
	}
}

// renew reads u again. An API server that does not answer now may do so at the next try.
func (c *cluster) renew(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := c.resourceFor(u, u.GetNamespace())
	if err != nil {
		return u, err
	}
	live, err := client.Get(ctx, u.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return u, fmt.Errorf("%s %s was deleted while it was waited for", u.GetKind(), objectID(u))
	case err != nil:
		return u, nil //nolint:nilerr // the wait goes on; its deadline ends it
	}
	return live, nil
}

// awaitGone waits until the object and, by foreground deletion, all it owns are gone.
func awaitGone(ctx context.Context, client resourceClient, u *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	for {
		live, err := client.Get(ctx, u.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && u.GetUID() != "" && live.GetUID() != u.GetUID() {
			return nil
		}
		select {
		case <-ctx.Done():
			detail := ""
			if live != nil {
				detail = fmt.Sprintf("; finalizers %v", live.GetFinalizers())
			}
			return fmt.Errorf("%s %s is still there%s", u.GetKind(), objectID(u), detail)
		case <-time.After(pollInterval):
		}
	}
}

// describe adds to a reason what the user would look up next: the pods' states and the last warnings.
func (p *provider) describe(u *unstructured.Unstructured, reason string) error {
	head := fmt.Errorf("%s %s: %s", u.GetKind(), objectID(u), reason)
	c, err := p.connected()
	if err != nil {
		return head
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	lines := ready.Explain(ctx, c.dynamic, u)
	if len(lines) == 0 {
		return head
	}
	return errors.Join(head, errors.New(strings.Join(lines, "\n")))
}
