package kubernetes

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ragscale/ragscale/sandbox/ekstoken"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// cluster is the connection to one API server.
type cluster struct {
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

func newCluster(kubeconfig string) (*cluster, error) {
	cfg, err := restConfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg.QPS, cfg.Burst = 200, 400 // the program declares some hundred objects at once; the server is local
	cfg.WarningHandler = rest.NoWarnings{}
	dyn, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	disco, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, err
	}
	return &cluster{dynamic: dyn, mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco))}, nil
}

// restConfig reads a kubeconfig, given as text or as a path. A login by `aws eks get-token` is done in process: the
// token is the same, and the machine needs no aws command.
func restConfig(kubeconfig string) (*rest.Config, error) {
	raw := []byte(kubeconfig)
	if filepath.IsAbs(kubeconfig) {
		b, err := os.ReadFile(kubeconfig)
		if err != nil {
			return nil, err
		}
		raw = b
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(raw)
	if err != nil {
		return nil, err
	}
	login, ok := eksLogin(cfg.ExecProvider)
	if !ok {
		return cfg, nil
	}
	cfg.ExecProvider = nil
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return &tokenTransport{next: next, login: login} })
	return cfg, nil
}

// login is what `aws eks get-token` is asked for.
type login struct{ region, cluster string }

func eksLogin(exec *clientcmdapi.ExecConfig) (login, bool) {
	if exec == nil || filepath.Base(exec.Command) != "aws" {
		return login{}, false
	}
	var l login
	isToken := false
	for i, a := range exec.Args {
		next := ""
		if i+1 < len(exec.Args) {
			next = exec.Args[i+1]
		}
		switch a {
		case "get-token":
			isToken = true
		case "--cluster-name":
			l.cluster = next
		case "--region":
			l.region = next
		}
	}
	return l, isToken && l.cluster != ""
}

// tokenTransport adds an EKS token and renews it before it expires (15 minutes).
type tokenTransport struct {
	next  http.RoundTripper
	login login

	mu      sync.Mutex
	token   string
	expires time.Time
}

func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := t.current(time.Now())
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return t.next.RoundTrip(r)
}

func (t *tokenTransport) current(now time.Time) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.expires.Add(-time.Minute)) {
		return t.token, nil
	}
	l, err := layout.New("/")
	if err != nil {
		return "", err
	}
	creds, err := ekstoken.Load(l)
	if err != nil {
		return "", fmt.Errorf("credentials of the sandbox: %w", err)
	}
	t.token, t.expires, err = ekstoken.Sign(creds, t.login.region, t.login.cluster, now)
	return t.token, err
}

// resourceFor is the client of an object's kind and namespace. A kind the server did not know a moment ago may come
// from a definition applied since, so the discovery is asked once more.
func (c *cluster) resourceFor(u *unstructured.Unstructured, defaultNamespace string) (dynamic.ResourceInterface, error) {
	gvk := u.GroupVersionKind()
	m, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		m, err = c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("kind %s of %s: %w", gvk.Kind, gvk.GroupVersion(), err)
	}
	if m.Scope.Name() != meta.RESTScopeNameNamespace {
		return c.dynamic.Resource(m.Resource), nil
	}
	ns := u.GetNamespace()
	if ns == "" {
		ns = defaultNamespace
	}
	return c.dynamic.Resource(m.Resource).Namespace(ns), nil
}
