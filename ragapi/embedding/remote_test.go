package embedding_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ragscale/ragscale/ragapi/embedding"
)

// TestTextsGoToNoOtherHost: whatever the one that was named says.
func TestTextsGoToNoOtherHost(t *testing.T) {
	var got atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		named := httptest.NewServer(http.RedirectHandler(other.URL, status))
		if _, err := embedding.NewRemote(named.URL, "", "m", 2).Embed(t.Context(), []string{"private"}); err == nil {
			t.Errorf("%d is taken for vectors", status)
		}
		named.Close()
	}
	if got.Load() > 0 {
		t.Errorf("another host was asked %d times", got.Load())
	}
}

func TestTheKeyIsSentAndNothingSecretIsInErrors(t *testing.T) {
	var sent string
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer model.Close()
	host := strings.TrimPrefix(model.URL, "http://")
	for _, url := range []string{"http://u:SECRET@" + host + "/embed?key=SECRET", "http://u:SECRET@127.0.0.1:1/embed?key=SECRET", "http://u:SECRET%zz@" + host} {
		_, err := embedding.NewRemote(url, "SECRET-key", "m", 2).Embed(t.Context(), []string{"a"})
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%v", err)
		}
	}
	if sent != "Bearer SECRET-key" {
		t.Errorf("the model was sent %q", sent)
	}
}
