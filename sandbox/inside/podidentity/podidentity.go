// Package podidentity gives pods AWS credentials as EKS Pod Identity does.
//
// Owns: what is injected into pods, the agent's endpoint, temporary credentials. Does not own: which service account has
// which role (the account's), what a role may do.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html ; read 2026-11-30.
package podidentity

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/sigv4"
)

const (
	path = "/v1/credentials"
	// Audience of the tokens that pods show.
	Audience = "pods.eks.amazonaws.com"
	// lifetime of credentials; an SDK asks for new ones before.
	lifetime = 6 * time.Hour

	volume    = "eks-pod-identity-token"
	tokenDir  = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
	tokenLife = 86400 // s
)

// Role is what a service account is associated with.
type Role struct {
	ARN    string
	Region string
}

// Config of New.
type Config struct {
	// Role tells the role of a service account; an empty one for none.
	Role func(namespace, serviceAccount string) (Role, error)
	// Review tells whose a token for Audience is: namespace, service account and pod.
	Review func(ctx context.Context, token string) (Holder, error)
}

// Holder is who holds a token.
type Holder struct{ Namespace, ServiceAccount, Pod string }

// Agent hands out credentials and knows those that it did.
type Agent struct {
	cfg Config
	now func() time.Time

	mu    sync.Mutex
	given map[string]given // by access key id
}

type given struct {
	key   sigv4.Key
	until time.Time
}

// New returns an agent that has given nothing yet.
func New(cfg Config) *Agent { return &Agent{cfg: cfg, now: time.Now, given: map[string]given{}} }

// Lookup finds an access key that the agent gave and that is still good.
func (a *Agent) Lookup(accessKeyID string) (sigv4.Key, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g, ok := a.given[accessKeyID]
	return g.key, ok && a.now().Before(g.until)
}

// credentials is what an SDK reads.
type credentials struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	AccountID       string `json:"AccountId"`
	Expiration      time.Time
}

func (a *Agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != path || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	holder, err := a.cfg.Review(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		http.Error(w, fmt.Sprintf("the pod's token: %v", err), http.StatusUnauthorized)
		return
	}
	role, err := a.cfg.Role(holder.Namespace, holder.ServiceAccount)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case role.ARN == "":
		message := fmt.Sprintf("service account %s/%s has no pod identity association", holder.Namespace, holder.ServiceAccount)
		http.Error(w, message, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a.give(role, holder)) // a pod that went away gets none
}

// give makes credentials of a session of role.
func (a *Agent) give(role Role, holder Holder) credentials {
	parts := strings.SplitN(role.ARN, ":", 6)
	account, name := parts[4], role.ARN[strings.LastIndex(role.ARN, "/")+1:]
	c := credentials{
		AccessKeyID: "ASIA" + rand.Text()[:16], SecretAccessKey: (rand.Text() + rand.Text())[:40], Token: rand.Text() + rand.Text(),
		AccountID: account, Expiration: a.now().Add(lifetime).UTC().Truncate(time.Second),
	}
	session := fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, name, holder.Pod)
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, g := range a.given {
		if a.now().After(g.until) {
			delete(a.given, id)
		}
	}
	a.given[c.AccessKeyID] = given{sigv4.Key{Secret: c.SecretAccessKey, Session: c.Token, ARN: session}, c.Expiration}
	return c
}

// Inject has the pod's containers find the agent, if its service account has a role, and says whether it did.
func (a *Agent) Inject(pod *core.Pod, namespace string) (bool, error) {
	account := pod.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	role, err := a.cfg.Role(namespace, account)
	if err != nil || role.ARN == "" {
		return false, err
	}
	life := int64(tokenLife)
	pod.Spec.Volumes = append(pod.Spec.Volumes, core.Volume{Name: volume, VolumeSource: core.VolumeSource{Projected: &core.ProjectedVolumeSource{
		Sources: []core.VolumeProjection{{ServiceAccountToken: &core.ServiceAccountTokenProjection{
			Audience: Audience, ExpirationSeconds: &life, Path: volume}}},
	}}})
	for _, list := range [][]core.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			inject(&list[i], role.Region)
		}
	}
	return true, nil
}

// inject leaves variables alone that the container has.
func inject(c *core.Container, region string) {
	for _, v := range []core.EnvVar{
		{Name: "AWS_STS_REGIONAL_ENDPOINTS", Value: "regional"},
		{Name: "AWS_DEFAULT_REGION", Value: region},
		{Name: "AWS_REGION", Value: region},
		{Name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", Value: "http://" + layout.PodIdentity.Addr().String() + path},
		{Name: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Value: tokenDir + "/" + volume},
	} {
		if !has(c.Env, v.Name) {
			c.Env = append(c.Env, v)
		}
	}
	c.VolumeMounts = append(c.VolumeMounts, core.VolumeMount{Name: volume, MountPath: tokenDir, ReadOnly: true})
}

func has(env []core.EnvVar, name string) bool {
	for _, v := range env {
		if v.Name == name {
			return true
		}
	}
	return false
}
