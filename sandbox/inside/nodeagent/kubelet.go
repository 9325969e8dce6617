package nodeagent

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/logs"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/usage"
)

const (
	streamIdle   = 4 * time.Hour // as the kubelet's
	streamCreate = 30 * time.Second
	mastersGroup = "system:masters" // may do everything, says the API server without being asked
)

// serve opens the node's kubelet API.
func (a *Agent) serve(n *node) error {
	config, err := a.tls()
	if err != nil {
		return err
	}
	listener, err := a.runtime.Listen(netip.AddrPortFrom(n.ip, kubeletPort))
	if err != nil {
		return errors.Join(fmt.Errorf("kubelet API: %w", err), a.runtime.Unlisten(n.ip))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(w, "ok"); err != nil {
			a.log.Debug("kubelet API", "error", err)
		}
	})
	mux.HandleFunc("GET /metrics", a.exposition(n.kubeletMetrics(a)))
	mux.HandleFunc("GET /metrics/cadvisor", a.exposition(n.containerMetrics(a)))
	api.AttachPodRoutes(api.PodHandlerConfig{
		RunInContainer: a.exec, AttachToContainer: attach, PortForward: a.portForward, GetContainerLogs: a.containerLogs,
		GetPods: a.podsOf(n), GetPodsFromKubernetes: a.podsOf(n),
		GetStatsSummary: a.summary(n), GetMetricsResource: a.metrics(n),
		StreamIdleTimeout: streamIdle, StreamCreationTimeout: streamCreate,
	}, mux, true)
	n.server = &http.Server{Handler: a.authorized(n.name, mux), TLSConfig: config, ReadHeaderTimeout: streamCreate,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	a.work.Go(func() {
		if err := n.server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("kubelet API", "node", n.name, "error", err)
		}
	})
	return nil
}

func (a *Agent) tls() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(a.cfg.CertFile, a.cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("kubelet API certificate: %w", err)
	}
	pem, err := os.ReadFile(a.cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("kubelet API client CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("kubelet API client CA %s has no certificate, want PEM", a.cfg.CAFile)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven,
		NextProtos: []string{"http/1.1"}}, nil // exec and port-forward upgrade the connection
}

// authorized lets in whom the API server knows and allows to use this part of the node, as the kubelet does.
func (a *Agent) authorized(node string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := a.authenticate(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		if slices.Contains(user.Groups, mastersGroup) {
			next.ServeHTTP(w, r)
			return
		}
		access := nodeAccess(node, user, r)
		review, err := a.client.AuthorizationV1().SubjectAccessReviews().Create(r.Context(), access, metav1.CreateOptions{})
		switch {
		case err != nil:
			http.Error(w, "authorization: "+err.Error(), http.StatusInternalServerError)
		case !review.Status.Allowed:
			attributes := access.Spec.ResourceAttributes
			http.Error(w, fmt.Sprintf("Forbidden (user=%s, verb=%s, resource=nodes, subresource=%s)", user.Username, attributes.Verb, attributes.Subresource), http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// authenticate accepts a client certificate of the cluster's CA, or a bearer token that the API server recognises.
func (a *Agent) authenticate(r *http.Request) (authenticationv1.UserInfo, error) {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		subject := r.TLS.VerifiedChains[0][0].Subject
		return authenticationv1.UserInfo{Username: subject.CommonName, Groups: subject.Organization}, nil
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || bearer == "" {
		return authenticationv1.UserInfo{}, errors.New("unauthorized: want a client certificate or a bearer token")
	}
	review, err := a.client.AuthenticationV1().TokenReviews().Create(r.Context(), &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: bearer}}, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.UserInfo{}, fmt.Errorf("unauthorized: %w", err)
	}
	if !review.Status.Authenticated {
		return authenticationv1.UserInfo{}, errors.New("unauthorized: the token is not known")
	}
	return review.Status.User, nil
}

// nodeAccess is what a request needs to be allowed: a verb on a part of the node.
func nodeAccess(node string, user authenticationv1.UserInfo, r *http.Request) *authorizationv1.SubjectAccessReview {
	verbs := map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}
	part := "proxy"
	for prefix, name := range map[string]string{"/stats": "stats", "/metrics": "metrics", "/healthz": "healthz", "/pods": "pods", "/runningpods": "pods"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			part = name
		}
	}
	extra := map[string]authorizationv1.ExtraValue{}
	for k, v := range user.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	return &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: cmp.Or(verbs[r.Method], "get"), Version: "v1", Resource: "nodes", Subresource: part, Name: node},
	}}
}

func (a *Agent) podsOf(n *node) api.PodListerFunc {
	return func(context.Context) ([]*corev1.Pod, error) {
		var pods []*corev1.Pod
		for _, p := range a.livePods(func(p *pod) bool { return p.node == n }) {
			pods = append(pods, p.current().DeepCopy())
		}
		return pods, nil
	}
}

// podNamed is the newest pod of that name that the agent has.
func (a *Agent) podNamed(namespace, name string) (*pod, error) {
	object, err := a.podLister.Pods(namespace).Get(name)
	if err != nil {
		return nil, errdefs.NotFoundf("pod %s/%s is not on this node", namespace, name)
	}
	if p := a.podByUID(object.UID); p != nil {
		return p, nil
	}
	return nil, errdefs.NotFoundf("pod %s/%s is not on this node", namespace, name)
}

func (a *Agent) containerNamed(namespace, name, containerName string) (*container, error) {
	p, err := a.podNamed(namespace, name)
	if err != nil {
		return nil, err
	}
	if c := p.containers[containerName]; c != nil {
		return c, nil
	}
	return nil, errdefs.NotFoundf("container %s is not one of pod %s/%s", containerName, namespace, name)
}

// containerLogs opens a container's log, or with Previous that of its run before.
func (a *Agent) containerLogs(ctx context.Context, namespace, name, containerName string, o api.ContainerLogOpts) (io.ReadCloser, error) {
	c, err := a.containerNamed(namespace, name, containerName)
	if err != nil {
		return nil, err
	}
	c.pod.mu.Lock()
	run, state := c.Restarts, c.State
	c.pod.mu.Unlock()
	neverRan := state.Running == nil && state.Terminated == nil && run > 0 && !o.Previous // waits before its next run
	if o.Previous || neverRan {
		run--
	}
	path := c.pod.logPath(c.name, run)
	if _, err := os.Stat(path); err != nil {
		if o.Previous {
			return nil, errdefs.NotFoundf("previous terminated container %q in pod %q not found", containerName, name)
		}
		return nil, errdefs.InvalidInputf("container %q in pod %q is waiting to start", containerName, name)
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(logs.Read(ctx, w, path, o, c.runOver(run))) }()
	return r, nil
}

// runOver is closed when that run of the container has ended.
func (c *container) runOver(run int32) <-chan struct{} {
	c.pod.mu.Lock()
	defer c.pod.mu.Unlock()
	if c.process != nil && c.Restarts == run {
		return c.logged
	}
	ended := make(chan struct{})
	close(ended)
	return ended
}

// samples are the usages of a node's running containers.
func (a *Agent) samples(n *node, table *usage.Table) []usage.Sample {
	var out []usage.Sample
	for _, p := range a.livePods(func(p *pod) bool { return p.node == n }) {
		out = append(out, p.samples(table)...)
	}
	return out
}

// metrics serves /metrics/resource.
func (a *Agent) metrics(n *node) api.PodMetricsResourceHandlerFunc {
	return func(context.Context) ([]*dto.MetricFamily, error) {
		table, err := a.processes.Read()
		if err != nil {
			return nil, err
		}
		samples := a.samples(n, table)
		return usage.Metrics(table.At, n.used.Count(samples), samples), nil
	}
}

// summary serves /stats/summary.
func (a *Agent) summary(n *node) api.PodStatsSummaryHandlerFunc {
	return func(context.Context) (*stats.Summary, error) {
		table, err := a.processes.Read()
		if err != nil {
			return nil, err
		}
		samples := a.samples(n, table)
		out := usage.Summary(table.At, n.used.Count(samples), samples)
		out.Node.NodeName, out.Node.StartTime = n.name, metav1.NewTime(n.started)
		return out, nil
	}
}
