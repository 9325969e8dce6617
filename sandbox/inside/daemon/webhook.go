package daemon

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	authentication "k8s.io/api/authentication/v1"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/ekstoken"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
	"github.com/ragscale/ragscale/sandbox/sigv4"
)

const (
	webhookAddress = "127.0.0.1:6444" // inside the namespace
	webhookPath    = "/authenticate"
	// maxReview bounds a request: a token is some hundred bytes.
	maxReview = 64 << 10
)

// tokenWebhook tells the API server who an EKS token belongs to.
type tokenWebhook struct {
	lookup sigv4.Lookup
	now    func() time.Time

	mu      sync.Mutex
	cluster string
	entries map[string]control.AccessEntry // by principal ARN
	known   map[string]string              // principals of AWS's own services, by token
}

func newTokenWebhook(lookup sigv4.Lookup) *tokenWebhook {
	return &tokenWebhook{lookup: lookup, now: time.Now, known: map[string]string{}}
}

// know lets an AWS service in with a token of its own, by the name of its role and in no group.
func (w *tokenWebhook) know(token, arn string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known[token] = arn
}

// admit sets the cluster that tokens have to name and who may enter it. The cluster's creator always may, as admin,
// unless an entry says otherwise.
func (w *tokenWebhook) admit(cluster string, entries []control.AccessEntry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cluster = cluster
	w.entries = map[string]control.AccessEntry{
		ekstoken.CreatorARN: {PrincipalARN: ekstoken.CreatorARN, Username: ekstoken.CreatorARN, Groups: []string{"system:masters"}},
	}
	for _, e := range entries {
		w.entries[e.PrincipalARN] = e
	}
}

// identify answers for one token.
func (w *tokenWebhook) identify(token string) (authentication.UserInfo, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cluster == "" {
		return authentication.UserInfo{}, errNoCluster
	}
	if arn, ok := w.known[token]; ok {
		return authentication.UserInfo{Username: arn, UID: arn}, nil
	}
	arn, err := ekstoken.Verify(token, w.cluster, w.lookup, w.now())
	if err != nil {
		return authentication.UserInfo{}, err
	}
	entry, ok := w.entries[arn]
	if !ok {
		return authentication.UserInfo{}, errors.New(arn + " has no access entry")
	}
	name := entry.Username
	if name == "" {
		name = arn
	}
	return authentication.UserInfo{
		Username: name, UID: arn, Groups: entry.Groups, Extra: map[string]authentication.ExtraValue{"arn": {arn}},
	}, nil
}

func (w *tokenWebhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var review authentication.TokenReview
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxReview)).Decode(&review); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	user, err := w.identify(review.Spec.Token)
	review.Spec.Token = ""
	review.Status = authentication.TokenReviewStatus{Authenticated: err == nil, User: user}
	if err != nil {
		review.Status.Error = err.Error()
	}
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(review) // an API server that went away asks again
}

// listen serves the webhooks until ctx ends.
func (d *daemon) listen(ctx context.Context, pair pki.Pair) error {
	cert, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", webhookAddress)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST "+webhookPath, d.webhook)
	mux.Handle("POST "+workloadPath, reviewing(d.agents.annotate))
	mux.Handle("POST "+identityPath, reviewing(d.identify))
	mux.Handle("POST "+podPath, reviewing(d.agents.instrument))
	srv := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() {
		if err := srv.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("the webhooks ended", "error", err)
		}
	}()
	return nil
}
