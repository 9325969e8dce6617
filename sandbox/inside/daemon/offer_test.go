package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	authentication "k8s.io/api/authentication/v1"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/ekstoken"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func testOffer(t *testing.T) *offer {
	t.Helper()
	return newOffer(listen(t), slog.New(slog.DiscardHandler))
}

// ask sends text to addr, ends its half of the connection, and returns what comes back.
func ask(t *testing.T, addr net.Addr, text string) string {
	t.Helper()
	c, err := net.Dial("tcp4", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		return ""
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return ""
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return ""
	}
	return string(answer)
}

// echo answers everything on l with greeting and what was sent.
func echo(l net.Listener, greeting string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			said, err := io.ReadAll(c)
			if err == nil {
				_, _ = io.WriteString(c, greeting+string(said)) // the test reads what arrives
			}
		}()
	}
}

func TestAPortThatNobodyServesClosesConnections(t *testing.T) {
	o := testOffer(t)
	if got := ask(t, o.listener.Addr(), "hello"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestAForwardCarriesBothHalves(t *testing.T) {
	inside := listen(t)
	go echo(inside, "inside: ")
	o := testOffer(t)
	o.forward(inside.Addr().String())
	if got := ask(t, o.listener.Addr(), "hello"); got != "inside: hello" {
		t.Errorf("got %q", got)
	}
}

func TestAForwardToNothingClosesConnections(t *testing.T) {
	inside := listen(t)
	if err := inside.Close(); err != nil {
		t.Fatal(err)
	}
	o := testOffer(t)
	o.forward(inside.Addr().String())
	if got := ask(t, o.listener.Addr(), "hello"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestAClaimedPortIsAListener(t *testing.T) {
	o := testOffer(t)
	l, ok := o.claim()
	if !ok {
		t.Fatal("a free port could not be claimed")
	}
	go echo(l, "claimed: ")
	if got := ask(t, o.listener.Addr(), "hello"); got != "claimed: hello" {
		t.Errorf("got %q", got)
	}
}

func TestAPortIsClaimedOnceAtATime(t *testing.T) {
	o := testOffer(t)
	first, ok := o.claim()
	if !ok {
		t.Fatal("a free port could not be claimed")
	}
	if _, ok := o.claim(); ok {
		t.Error("it was claimed twice")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
	if _, ok := o.claim(); !ok {
		t.Error("it could not be claimed again")
	}
}

var testKey = ekstoken.Credentials{AccessKeyID: "AKIAEXAMPLEEXAMPLE00", SecretAccessKey: "a-secret"}

// review sends a token for cluster to the webhook as the API server does.
func review(t *testing.T, w *tokenWebhook, cluster string) authentication.TokenReviewStatus {
	t.Helper()
	token, _, err := ekstoken.Sign(testKey, "eu-central-1", cluster, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(authentication.TokenReview{Spec: authentication.TokenReviewSpec{Token: token}})
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, webhookPath, bytes.NewReader(body)))
	if bytes.Contains(answer.Body.Bytes(), []byte(token)) {
		t.Error("the answer repeats the token")
	}
	var out authentication.TokenReview
	if err := json.Unmarshal(answer.Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Status
}

func TestTheClustersCreatorIsItsAdmin(t *testing.T) {
	w := newTokenWebhook(testKey.Lookup)
	w.admit("main", nil)
	got := review(t, w, "main")
	if !got.Authenticated || got.User.Username != ekstoken.CreatorARN || len(got.User.Groups) != 1 || got.User.Groups[0] != "system:masters" {
		t.Errorf("got %+v", got)
	}
}

func TestAnAccessEntryDecidesNameAndGroups(t *testing.T) {
	w := newTokenWebhook(testKey.Lookup)
	w.admit("main", []control.AccessEntry{{PrincipalARN: ekstoken.CreatorARN, Username: "ci", Groups: []string{"deployers"}}})
	got := review(t, w, "main")
	if got.User.Username != "ci" || got.User.Groups[0] != "deployers" {
		t.Errorf("got %+v", got)
	}
}

func TestATokenForAnotherClusterIsRefused(t *testing.T) {
	w := newTokenWebhook(testKey.Lookup)
	w.admit("main", nil)
	if got := review(t, w, "other"); got.Authenticated || got.Error == "" {
		t.Errorf("got %+v", got)
	}
}

func TestNoClusterAdmitsNobody(t *testing.T) {
	w := newTokenWebhook(testKey.Lookup)
	w.admit("", nil)
	if got := review(t, w, "main"); got.Authenticated {
		t.Errorf("got %+v", got)
	}
}
