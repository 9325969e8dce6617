package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	talkers      = 20 // those who talk in sessions
	uploaders    = 50
	storeLimit   = 5 * time.Minute
	removeLimit  = 3 * time.Minute
	refusalPause = 200 * time.Millisecond // after a 429 or 503
	mark         = "bench-api"            // in the metadata of everything that is stored
)

func upload(title, text string) request {
	body, err := json.Marshal(map[string]any{"title": title, "text": text, "metadata": map[string]string{"by": mark}})
	if err != nil {
		panic(err) // texts always can
	}
	return request{method: http.MethodPost, path: "/v1/documents", body: string(body), want: http.StatusAccepted}
}

// store uploads the corpus at once and waits until all of it is ready.
func (b *bench) store(ctx context.Context) ([]row, error) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	before, err := own()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	uploaded, err := b.upload(ctx)
	if err != nil {
		return nil, err
	}
	if err := processed(ctx, b.addr); err != nil {
		return nil, err
	}
	within := time.Since(begin)
	if err := each(len(b.documents), b.addr,
		func(c *client, i int) error { return ready(ctx, c, b.documents[i]) }); err != nil {
		return nil, err
	}
	after, err := own()
	uploaded.cores = (after - before).Seconds() / within.Seconds()
	toReady := row{Name: "documents from upload to ready, all at once",
		Rates: []float64{float64(len(b.documents)) / within.Seconds()}, Requests: len(b.documents)}
	rows := []row{rowOf(fmt.Sprintf("uploads of 3 kB, %d clients", uploaders), []sample{uploaded}), toReady}
	if err != nil || b.database == "" {
		return rows, err
	}
	if err := embedded(ctx, b.database, b.documents); err != nil {
		return nil, err
	}
	rate := float64(len(b.documents)) / time.Since(begin).Seconds()
	return append(rows, row{Name: "documents from upload to embedded, all at once", Rates: []float64{rate},
		Requests: len(b.documents)}), nil
}

// upload uploads the corpus; what is refused is sent again.
func (b *bench) upload(ctx context.Context) (sample, error) {
	b.documents = make([]string, b.options.documents)
	took := make([]time.Duration, b.options.documents)
	var refused atomic.Int64
	begin := time.Now()
	err := each(b.options.documents, b.addr, func(c *client, i int) error {
		r := upload(title(i), b.corpus.text(i))
		for {
			asked := time.Now()
			id, err := c.made(ctx, r)
			if err == nil {
				b.documents[i], took[i] = id, time.Since(asked)
				return nil
			}
			if refused.Add(1); ctx.Err() != nil || refused.Load() > int64(10*len(took)) {
				return err
			}
			time.Sleep(refusalPause)
		}
	})
	slices.Sort(took)
	return sample{took: took, faults: int(refused.Load()), within: time.Since(begin)}, err
}

// embedded waits until all documents have their vectors.
func embedded(ctx context.Context, database string, ids []string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for {
		var n int
		err := conn.QueryRow(ctx, `SELECT count(DISTINCT e.document_id) FROM document_embeddings e JOIN documents d ON d.id = e.document_id
			WHERE e.document_id = ANY ($1) AND e.version = d.version AND e.chunks = d.chunk_count`, ids).Scan(&n)
		if err != nil || n == len(ids) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d documents are embedded after %s", n, len(ids), storeLimit)
		case <-time.After(refusalPause):
		}
	}
}

// each calls do for 0 to n-1, some at the same time.
func each(n int, addr string, do func(*client, int) error) error {
	var next atomic.Int64
	var all sync.WaitGroup
	faults := make([]error, uploaders)
	for u := range uploaders {
		all.Go(func() {
			c := client{addr: addr}
			defer c.close()
			for i := next.Add(1) - 1; i < int64(n) && faults[u] == nil; i = next.Add(1) - 1 {
				faults[u] = do(&c, int(i))
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}

// processed waits until no document is pending: one question at a time, for 50 clients who each ask for their own would
// be most of the load.
func processed(ctx context.Context, addr string) error {
	c := client{addr: addr}
	defer c.close()
	for {
		status, body, err := c.ask(ctx, request{method: http.MethodGet, path: "/v1/documents?status=pending&limit=1"})
		var page struct{ Documents []struct{} }
		if err == nil && status == http.StatusOK {
			err = json.Unmarshal(body, &page)
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("documents are pending after %s", storeLimit)
		case err == nil && status == http.StatusOK && len(page.Documents) == 0:
			return nil
		}
		time.Sleep(refusalPause)
	}
}

// ready waits for a document that may be seen by one replica and not yet by another.
func ready(ctx context.Context, c *client, id string) error {
	for {
		status, body, err := c.ask(ctx, request{method: http.MethodGet, path: "/v1/documents/" + id})
		var d struct{ Status string }
		if err == nil && status == http.StatusOK {
			err = json.Unmarshal(body, &d)
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("document %s is %q after %s, want ready", id, d.Status, storeLimit)
		case err == nil && d.Status == "ready":
			return nil
		case d.Status == "failed":
			return fmt.Errorf("document %s is failed, want ready: %.200s", id, body)
		}
		time.Sleep(refusalPause)
	}
}

// remove deletes what this program has ever stored, and its sessions of this run.
func (b *bench) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, removeLimit)
	defer cancel()
	ids, err := b.stored(ctx)
	if err != nil {
		return err
	}
	paths := make([]string, 0, len(ids)+len(b.sessions))
	for _, id := range ids {
		paths = append(paths, "/v1/documents/"+id)
	}
	for _, id := range b.sessions {
		paths = append(paths, "/v1/sessions/"+id)
	}
	return each(len(paths), b.addr, func(c *client, i int) error {
		for {
			status, _, err := c.ask(ctx, request{method: http.MethodDelete, path: paths[i]})
			if err == nil && (status == http.StatusNoContent || status == http.StatusNotFound) {
				return nil
			}
			if ctx.Err() != nil {
				return fmt.Errorf("DELETE %s answers %d, want 204: %w", paths[i], status, errors.Join(err, ctx.Err()))
			}
			time.Sleep(refusalPause)
		}
	})
}

// stored are the ids of the documents with our mark.
func (b *bench) stored(ctx context.Context) ([]string, error) {
	c := client{addr: b.addr}
	defer c.close()
	var ids []string
	for cursor := ""; ; {
		path := "/v1/documents?limit=100" + cursor
		status, body, err := c.ask(ctx, request{method: http.MethodGet, path: path})
		if err != nil || status != http.StatusOK {
			return nil, errors.Join(fmt.Errorf("GET %s answers %d, want 200: %.200s", path, status, body), err)
		}
		var page struct {
			Documents []struct {
				ID       string
				Metadata map[string]any
			}
			Next string
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, fmt.Errorf("GET %s: %w", path, err)
		}
		for _, d := range page.Documents {
			if d.Metadata["by"] == mark {
				ids = append(ids, d.ID)
			}
		}
		if page.Next == "" {
			return ids, nil
		}
		cursor = "&cursor=" + url.QueryEscape(page.Next)
	}
}
