package cache

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
)

// DocumentStore is where documents are; document.Store is one.
type DocumentStore interface {
	Create(ctx context.Context, up document.Upload) (document.Document, error)
	Get(ctx context.Context, id uuid.UUID) (document.Document, error)
	List(ctx context.Context, limit int, before uuid.UUID) ([]document.Document, error)
	ListStatus(ctx context.Context, status document.Status, limit int, before uuid.UUID) ([]document.Document, error)
	Replace(ctx context.Context, id uuid.UUID, up document.Upload, matches func(document.Document) bool) (document.Document, error)
	Retry(ctx context.Context, id uuid.UUID) (document.Document, error)
	Delete(ctx context.Context, id uuid.UUID) error
}

// Documents keeps the documents of a store. Those that are still to be processed are not kept: they change once, soon.
type Documents struct {
	DocumentStore
	cache *Cache
}

// NewDocuments returns the documents of store, kept in c.
func NewDocuments(store DocumentStore, c *Cache) *Documents {
	return &Documents{DocumentStore: store, cache: c}
}

var documentKind = kind[document.Document]{
	name: "document", ttl: 10 * time.Minute,
	final: func(d document.Document) bool { return d.Status != document.Pending },
}

// Get returns the document with id, or document.ErrNotFound.
func (d *Documents) Get(ctx context.Context, id uuid.UUID) (document.Document, error) {
	doc, cached, err := fetch(ctx, d.cache, documentKind, documentEntry(id), []string{documentStamp(id)}, func(ctx context.Context) (document.Document, error) {
		return d.DocumentStore.Get(ctx, id)
	})
	if err == nil && !cached && len(d.cache.deleted(ctx, []uuid.UUID{id})) > 0 {
		return document.Document{}, document.ErrNotFound // a replica has not heard of it yet
	}
	return doc, err
}

// Delete removes the document with id from the store and from every answer that is kept.
func (d *Documents) Delete(ctx context.Context, id uuid.UUID) error {
	if err := d.DocumentStore.Delete(ctx, id); err != nil {
		return err
	}
	if d.cache.set(ctx, "invalidate", documentStamp(id), deletedMark(time.Now().UnixMilli()), stampTTL) != nil {
		d.cache.lost.Store(true)
	}
	return nil
}

// deleted returns which documents were deleted lately. It answers none when Redis cannot be asked.
func (c *Cache) deleted(ctx context.Context, ids []uuid.UUID) map[uuid.UUID]bool {
	gone := map[uuid.UUID]bool{}
	if len(ids) == 0 {
		return gone
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = documentStamp(id)
	}
	stamps, err := c.stamps(ctx, names)
	if err != nil {
		return gone
	}
	for i, id := range ids {
		if strings.HasSuffix(stamps[names[i]], "d") {
			gone[id] = true
		}
	}
	return gone
}
