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

	"github.com/google/uuid"
)

// chroma speaks to a Chroma server: its HTTP API v2 (https://docs.trychroma.com ; read 2026-11-24), of which this needs
// six requests. What it answers is checked: it is another program, and so is what may stand in front of it.
type chroma struct {
	base string // of the database's collections
	http *http.Client

	mu  sync.Mutex
	ids map[string]string // of collections, by name
}

// One tenant and database of a server are there from the start.
const collectionsPath = "/api/v2/tenants/default_tenant/databases/default_database/collections"

const (
	// answerWithin bounds one request; the largest is an upsert of upsertSize vectors. Searches wait less.
	answerWithin = 20 * time.Second
	mostError    = 500 // bytes of an error's answer that are shown
	// maxAnswer bounds what is read of an answer: the ids and distances of some hundred chunks take kilobytes.
	maxAnswer = 1 << 20
	// idleConnections are kept for as many searches at once. Go's default keeps two, and the others connect anew each time.
	idleConnections = 64
)

func newChroma(base string) *chroma {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = idleConnections, idleConnections
	return &chroma{base: base + collectionsPath, ids: map[string]string{}, http: &http.Client{
		Timeout: answerWithin, Transport: transport,
		// A redirect is no answer of Chroma's.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// errNoCollection means that the server does not know a collection (any more).
var errNoCollection = errors.New("no such collection")

// refusal is an answer that says the request itself is at fault: sent again, it is refused again.
type refusal struct{ answer string }

func (r refusal) Error() string { return "vector store: refuses with " + r.answer }

// ask sends a request and decodes its answer, a JSON value of the kind of into.
func (c *chroma) ask(ctx context.Context, method, path string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("vector store: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("vector store: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("vector store: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("vector store: %w", err)
	case resp.StatusCode >= http.StatusMultipleChoices || resp.StatusCode < http.StatusOK:
		return fault(resp, answer)
	case len(answer) > maxAnswer:
		return fmt.Errorf("vector store: answers more than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("vector store: answer: %w", err)
	}
	return nil
}

// fault is the error of an answer that is none.
func fault(resp *http.Response, answer []byte) error {
	text := fmt.Sprintf("%s: %q", resp.Status, answer[:min(len(answer), mostError)])
	var said struct {
		Error string `json:"error"`
	}
	switch resp.StatusCode {
	case http.StatusNotFound: // of Chroma, or of a proxy that knows no such path
		if json.Unmarshal(answer, &said) == nil && said.Error == "NotFoundError" {
			return errNoCollection
		}
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return refusal{text}
	}
	return errors.New("vector store: answers " + text)
}

// collection returns the id of the collection with this name, which is made if there is none and it is to be.
func (c *chroma) collection(ctx context.Context, name string, create bool) (string, error) {
	c.mu.Lock()
	id := c.ids[name]
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	var found struct{ ID uuid.UUID }
	var err error
	if create {
		err = c.ask(ctx, http.MethodPost, "", map[string]any{
			"name": name, "get_or_create": true, "configuration": map[string]any{"hnsw": map[string]any{"space": "cosine"}},
		}, &found)
	} else {
		err = c.ask(ctx, http.MethodGet, "/"+url.PathEscape(name), nil, &found)
	}
	if err == nil && found.ID == uuid.Nil {
		err = errors.New("vector store: answers a collection without an id")
	}
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids[name] = found.ID.String()
	return c.ids[name], nil
}

// in sends a request to a collection, and returns its id. One that was deleted meanwhile is made anew, if it is to be, else it is
// errNoCollection.
func (c *chroma) in(ctx context.Context, name string, create bool, operation string, body, into any) (id string, err error) {
	for attempt := 0; ; attempt++ {
		if id, err = c.collection(ctx, name, create); err != nil {
			return "", err
		}
		err = c.ask(ctx, http.MethodPost, "/"+url.PathEscape(id)+"/"+operation, body, into)
		if !errors.Is(err, errNoCollection) || attempt > 0 {
			return id, err
		}
		c.forget(name)
	}
}

func (c *chroma) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ids, name)
}

// size returns the id of a collection as the server has it now, and how many vectors it holds; an empty id if there is none.
func (c *chroma) size(ctx context.Context, name string) (id string, vectors int64, err error) {
	c.forget(name)
	if id, err = c.collection(ctx, name, false); err == nil {
		err = c.ask(ctx, http.MethodGet, "/"+url.PathEscape(id)+"/count", nil, &vectors)
	}
	if errors.Is(err, errNoCollection) {
		c.forget(name)
		return "", 0, nil
	}
	return id, vectors, err
}

// done is what Chroma answers to a change: an empty object.
type done struct{}

// closest returns the ids of at most limit vectors close to one, and their distances, the closest first.
func (c *chroma) closest(ctx context.Context, name string, vector []float32, limit int) (ids []string, distances []float64, err error) {
	var answer struct {
		IDs       [][]string   `json:"ids"`
		Distances [][]*float64 `json:"distances"`
	}
	_, err = c.in(ctx, name, false, "query", map[string]any{"query_embeddings": [][]float32{vector}, "n_results": limit, "include": []string{"distances"}}, &answer)
	switch {
	case err != nil:
		return nil, nil, err
	case len(answer.IDs) != 1 || len(answer.Distances) != 1:
		return nil, nil, fmt.Errorf("vector store: answers %d lists of ids and %d of distances, want one of each", len(answer.IDs), len(answer.Distances))
	case len(answer.IDs[0]) != len(answer.Distances[0]) || len(answer.IDs[0]) > limit:
		return nil, nil, fmt.Errorf("vector store: answers %d ids and %d distances, want as many, %d at most", len(answer.IDs[0]), len(answer.Distances[0]), limit)
	}
	for i, d := range answer.Distances[0] {
		if d == nil {
			return nil, nil, fmt.Errorf("vector store: id %q has no distance", answer.IDs[0][i])
		}
		distances = append(distances, *d)
	}
	return answer.IDs[0], distances, nil
}
