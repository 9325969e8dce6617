// Package objects reads the objects of the cluster that a pod refers to.
//
// Owns: configuration, secrets, Services, tokens, the folders behind claims. Does not own: what is made of them.
package objects

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// Token is a service account token and when it is to be replaced.
type Token struct {
	Value   string
	Refresh time.Time
}

// tokenShare is the part of a token's life after which it is replaced, as in the kubelet.
const tokenShare = 0.8

// Cluster reads from informers, and from the API server what they have not seen yet: a pod may come a moment
// before its ConfigMap does here.
type Cluster struct {
	client     kubernetes.Interface
	configMaps corelisters.ConfigMapLister
	secrets    corelisters.SecretLister
	services   corelisters.ServiceLister
}

// New reads with a client, and from what the informers of a factory have seen. The informers are started by the caller.
func New(client kubernetes.Interface, factory informers.SharedInformerFactory) *Cluster {
	core := factory.Core().V1()
	return &Cluster{client: client, configMaps: core.ConfigMaps().Lister(), secrets: core.Secrets().Lister(), services: core.Services().Lister()}
}

// ConfigMap reads one.
func (o *Cluster) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	cm, err := o.configMaps.ConfigMaps(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return o.client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	}
	return cm, err
}

// Secret reads one.
func (o *Cluster) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	s, err := o.secrets.Secrets(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return o.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	}
	return s, err
}

// Services are those of a namespace that the agent has seen.
func (o *Cluster) Services(namespace string) ([]*corev1.Service, error) {
	return o.services.Services(namespace).List(labels.Everything())
}

// Token asks for a service account token bound to the pod.
func (o *Cluster) Token(ctx context.Context, pod *corev1.Pod, want *corev1.ServiceAccountTokenProjection) (Token, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: want.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
	}}
	if want.Audience != "" {
		request.Spec.Audiences = []string{want.Audience}
	}
	got, err := o.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return Token{}, fmt.Errorf("token of service account %s/%s: %w", pod.Namespace, pod.Spec.ServiceAccountName, err)
	}
	life := time.Until(got.Status.ExpirationTimestamp.Time)
	return Token{Value: got.Status.Token, Refresh: time.Now().Add(time.Duration(tokenShare * float64(life)))}, nil
}

// ClaimFolder is the folder behind a bound claim: its volume must be a hostPath or local one.
func (o *Cluster) ClaimFolder(ctx context.Context, namespace, claim string) (string, error) {
	folder, _, err := o.ClaimVolume(ctx, namespace, claim)
	return folder, err
}

// ClaimVolume is the folder behind a bound claim, and how many bytes its volume is declared to hold.
func (o *Cluster) ClaimVolume(ctx context.Context, namespace, claim string) (folder string, capacity int64, err error) {
	c, err := o.client.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, claim, metav1.GetOptions{})
	if err != nil {
		return "", 0, err
	}
	if c.Status.Phase != corev1.ClaimBound {
		return "", 0, fmt.Errorf("claim %s/%s is %s, want Bound", namespace, claim, c.Status.Phase)
	}
	pv, err := o.client.CoreV1().PersistentVolumes().Get(ctx, c.Spec.VolumeName, metav1.GetOptions{})
	if err != nil {
		return "", 0, err
	}
	capacity = pv.Spec.Capacity.Storage().Value()
	switch {
	case pv.Spec.HostPath != nil:
		return pv.Spec.HostPath.Path, capacity, nil
	case pv.Spec.Local != nil:
		return pv.Spec.Local.Path, capacity, nil
	}
	return "", 0, fmt.Errorf("persistent volume %s has no folder on this machine, want hostPath or local", pv.Name)
}

// UnlessOptional drops a "not found" of something optional.
func UnlessOptional(err error, optional *bool) error {
	if apierrors.IsNotFound(err) && optional != nil && *optional {
		return nil
	}
	return err
}
