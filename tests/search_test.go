package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/retry"
)

func stackServesASearch(t *testing.T, where target) {
	if u := where.up(t); u.changed == 0 {
		t.Fatalf("the first up changed nothing:\n%s", u.output)
	}
	api := where.apiURL(t)
	word := fmt.Sprintf("zebrafish%d", time.Now().UnixNano())
	id := post(t, api, "Danio rerio", "A note on the "+word+", which heals its own heart.")
	retry.DoWithRetryContext(t, t.Context(), "the document is found", 60, time.Second, func() (string, error) {
		if ids := search(t, api, word); len(ids) != 1 || ids[0] != id {
			return "", fmt.Errorf("a search for %s finds %v, want %s", word, ids, id)
		}
		return "", nil
	})
}

// post stores a document and returns its id.
func post(t *testing.T, api, title, text string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"title": title, "text": text})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(api+"/v1/documents", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusAccepted {
		t.Fatalf("POST /v1/documents answers %s %s (%v), want 202", res.Status, raw, err)
	}
	var doc struct{ ID string }
	if err := json.Unmarshal(raw, &doc); err != nil || doc.ID == "" {
		t.Fatalf("POST /v1/documents answers %s, want an id (%v)", raw, err)
	}
	return doc.ID
}

// search returns the ids of the documents found, each once, best first.
func search(t *testing.T, api, query string) []string {
	t.Helper()
	res, err := http.Get(api + "/v1/search?q=" + url.QueryEscape(query))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var found struct {
		Hits []struct {
			DocumentID string `json:"documentId"`
		}
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET /v1/search answers %s %s (%v), want 200", res.Status, raw, err)
	}
	if err := json.Unmarshal(raw, &found); err != nil {
		t.Fatalf("GET /v1/search answers %s: %v", raw, err)
	}
	var ids []string
	seen := map[string]bool{}
	for _, r := range found.Hits {
		if !seen[r.DocumentID] {
			seen[r.DocumentID] = true
			ids = append(ids, r.DocumentID)
		}
	}
	return ids
}
