package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/pgtest"
)

// near is a model and a vector store, which count what searches ask of them.
type near struct{ embedded, queried atomic.Int64 }

func (n *near) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := `{"id":"` + uuid.Max.String() + `"}` // a collection
	switch {
	case r.URL.Path == "/embed":
		n.embedded.Add(1)
		answer = `{"data":[{"embedding":[1,0]}]}`
	case strings.HasSuffix(r.URL.Path, "/query"):
		n.queried.Add(1)
		answer = `{"ids":[[]],"distances":[[]]}`
	}
	_, _ = io.WriteString(w, answer) // a client that went away notices itself
}

func TestAModelAndTheStoreAreAskedOncePerTextUntilThatIsInvalidated(t *testing.T) {
	n := &near{}
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	env := append(tiers(t), "VECTOR_URL="+server.URL, "EMBEDDING_URL="+server.URL+"/embed", "EMBEDDING_MODEL="+uuid.NewString(), "EMBEDDING_DIMENSIONS=2")
	api := start(t, "serve", pgtest.Database(t), env...)
	eventually(t, "the cache is used", func() bool {
		_, served := ask(t, http.MethodGet, api.admin+"/metrics", "")
		return strings.Contains(served, "ragapi_cache_available 1\n")
	})
	limit := 0
	search := func() (embedded, queried int64) {
		t.Helper()
		limit = limit%50 + 1 // another search of the same text
		beforeModel, beforeStore := n.embedded.Load(), n.queried.Load()
		if status, answer := ask(t, http.MethodGet, fmt.Sprintf("%s/v1/search?mode=complex&q=old+lamps&limit=%d&perDocument=%d", api.http, limit, 1+limit%7), ""); status != http.StatusOK {
			t.Fatalf("status %d: %s", status, answer)
		}
		return n.embedded.Load() - beforeModel, n.queried.Load() - beforeStore
	}
	kept := func() bool { embedded, queried := search(); return embedded == 0 && queried == 0 }
	for _, invalidation := range []struct {
		body   string
		reread bool
	}{
		{body: `{"document":"` + uuid.NewString() + `"}`}, {body: `{"user":"u"}`}, {body: `{"search":"keeper"}`},
		{body: `{"search":"lamp"}`, reread: true}, {body: `{"search":"*"}`, reread: true}, {body: `{"all":true}`, reread: true},
	} {
		eventually(t, "kept", kept)
		if status, answer := ask(t, http.MethodPost, api.admin+"/v1/cache/invalidations", invalidation.body); status != http.StatusNoContent {
			t.Fatalf("%s: status %d: %s", invalidation.body, status, answer)
		}
		embedded, queried := search()
		if (embedded == 1) != invalidation.reread || (queried == 1) != invalidation.reread {
			t.Errorf("%s: the model is asked %d times and the store %d times, want both read anew: %t", invalidation.body, embedded, queried, invalidation.reread)
		}
	}
}
