package daemon

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"text/template"
	"time"

	admission "k8s.io/api/admission/v1"
	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/sandbox/inside/podidentity"
	"github.com/ragscale/ragscale/sandbox/layout"
)

const (
	podIdentityAddon = "eks-pod-identity-agent"
	identityPath     = "/mutate-pod-identity"
	serviceAccount   = "system:serviceaccount:"
	podNameKey       = "authentication.kubernetes.io/pod-name"
	associations     = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
)

//go:embed podidentity.yaml
var podIdentityManifest string

// podIdentity gives pods the roles that their service accounts are associated with, while its add-on is there.
type podIdentity struct {
	d     *daemon
	agent *podidentity.Agent

	mu   sync.Mutex
	kube kubernetes.Interface // nil without the add-on
}

func newPodIdentity(d *daemon) *podIdentity {
	p := &podIdentity{d: d}
	p.agent = podidentity.New(podidentity.Config{Role: p.role, Review: p.review})
	return p
}

// role is what the cluster's associations say of a service account.
func (p *podIdentity) role(namespace, account string) (podidentity.Role, error) {
	all, err := p.d.account.List(associations)
	if err != nil {
		return podidentity.Role{}, err
	}
	for _, r := range all {
		s := r.State
		if r.Ready && s["clusterName"] == p.d.cluster.currentName() && s["namespace"] == namespace && s["serviceAccount"] == account {
			arn, _ := s["roleArn"].(string) //nolint:errcheck // an association without a role gives none
			return podidentity.Role{ARN: arn, Region: r.Region}, nil
		}
	}
	return podidentity.Role{}, nil
}

// review asks the API server whose a token is.
func (p *podIdentity) review(ctx context.Context, token string) (podidentity.Holder, error) {
	p.mu.Lock()
	kube := p.kube
	p.mu.Unlock()
	if kube == nil {
		return podidentity.Holder{}, errors.New("the cluster has no add-on " + podIdentityAddon)
	}
	spec := authentication.TokenReviewSpec{Token: token, Audiences: []string{podidentity.Audience}}
	out, err := kube.AuthenticationV1().TokenReviews().Create(ctx, &authentication.TokenReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return podidentity.Holder{}, err
	}
	namespace, name, ok := strings.Cut(strings.TrimPrefix(out.Status.User.Username, serviceAccount), ":")
	pod := out.Status.User.Extra[podNameKey]
	if !out.Status.Authenticated || !ok || len(pod) != 1 {
		return podidentity.Holder{}, errors.New("it is not one of a pod for " + podidentity.Audience)
	}
	return podidentity.Holder{Namespace: namespace, ServiceAccount: name, Pod: pod[0]}, nil
}

// identify changes a pod whose service account has a role.
func (d *daemon) identify(_ context.Context, r *admission.AdmissionRequest) ([]patchOperation, error) {
	var pod core.Pod
	if err := json.Unmarshal(r.Object.Raw, &pod); err != nil {
		return nil, err
	}
	changed, err := d.pods.agent.Inject(&pod, r.Namespace)
	if err != nil || !changed {
		return nil, err
	}
	return []patchOperation{{"replace", "/spec", pod.Spec}}, nil
}

// openPodIdentity serves the agent until ctx ends.
func (d *daemon) openPodIdentity(ctx context.Context) error {
	l, err := net.Listen("tcp4", layout.PodIdentity.String())
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: d.pods.agent, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("pod identity's agent ended", "error", err)
		}
	}()
	return nil
}

// putPodIdentity has the API server ask for each new pod.
func (d *daemon) putPodIdentity(ctx context.Context, client *rest.Config) error {
	kube, err := kubernetes.NewForConfig(client)
	if err != nil {
		return err
	}
	d.pods.with(kube)
	manifest, err := d.podIdentityObjects()
	if err != nil {
		return err
	}
	return applyManifest(ctx, client, manifest)
}

func (d *daemon) removePodIdentity(ctx context.Context, client *rest.Config) error {
	d.pods.with(nil)
	manifest, err := d.podIdentityObjects()
	if err != nil {
		return err
	}
	return deleteManifest(ctx, client, manifest)
}

func (p *podIdentity) with(kube kubernetes.Interface) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kube = kube
}

func (d *daemon) podIdentityObjects() ([]byte, error) {
	ca, err := os.ReadFile(d.layout.CA())
	if err != nil {
		return nil, err
	}
	t, err := template.New(podIdentityAddon).Parse(podIdentityManifest)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{"URL": "https://" + webhookAddress + identityPath, "CA": base64.StdEncoding.EncodeToString(ca)})
	return out.Bytes(), err
}
