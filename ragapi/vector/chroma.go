package vector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// chroma speaks to a Chroma server: its HTTP API v2 (https://docs.trychroma.com ; read 2026-11-24), of which this needs
// four requests.
type chroma struct {
	base string // of the database's collections
	http *http.Client

	mu  sync.Mutex
	ids map[string]string // of collections, by name
}

// One tenant and database of a server are there from the start.
const collectionsPath = "/api/v2/tenants/default_tenant/databases/default_database/collections"

// answerWithin bounds one request; the largest is an upsert of batchSize vectors. Searches wait less.
const answerWithin = 20 * time.Second

const mostError = 2000 // bytes of an error's answer that are shown

// maxAnswer bounds what is read of an answer: the ids and distances of some hundred chunks take kilobytes.
const maxAnswer = 8 << 20

func newChroma(base string) *chroma {
	return &chroma{base: base + collectionsPath, http: &http.Client{Timeout: answerWithin}, ids: map[string]string{}}
}

// errNoCollection means that the server does not know a collection's id (any more).
var errNoCollection = errors.New("no such collection")

// post sends a request and decodes its answer, unless into is nil.
func (c *chroma) post(ctx context.Context, path string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("vector store: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("vector store: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("vector store: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return fmt.Errorf("vector store: %w", err)
	case resp.StatusCode == http.StatusNotFound:
		return errNoCollection
	case resp.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("vector store: answers %s: %s", resp.Status, answer[:min(len(answer), mostError)])
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("vector store: answer: %w", err)
	}
	return nil
}

// collection returns the id of the collection with this name, which is made if there is none.
func (c *chroma) collection(ctx context.Context, name string) (string, error) {
	c.mu.Lock()
	id := c.ids[name]
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	var made struct{ ID string }
	err := c.post(ctx, "", map[string]any{
		"name": name, "get_or_create": true, "configuration": map[string]any{"hnsw": map[string]any{"space": "cosine"}},
	}, &made)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids[name] = made.ID
	return made.ID, nil
}

// in sends a request to a collection. One that was deleted meanwhile is made anew.
func (c *chroma) in(ctx context.Context, name, operation string, body, into any) error {
	for attempt := 0; ; attempt++ {
		id, err := c.collection(ctx, name)
		if err != nil {
			return err
		}
		err = c.post(ctx, "/"+url.PathEscape(id)+"/"+operation, body, into)
		if !errors.Is(err, errNoCollection) || attempt > 0 {
			return err
		}
		c.mu.Lock()
		delete(c.ids, name)
		c.mu.Unlock()
	}
}
