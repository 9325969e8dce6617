package cache

import (
	"context"
	"fmt"
	"slices"
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
	Chunks(ctx context.Context, id uuid.UUID, from, limit int) (document.Passage, error)
	Replace(ctx context.Context, id uuid.UUID, up document.Upload, meant document.Condition) (document.Document, error)
	Retry(ctx context.Context, id uuid.UUID, meant document.Condition) (document.Document, error)
	Delete(ctx context.Context, id uuid.UUID, meant document.Condition) error
}

// Documents keeps the documents of a store, and pages of them. Those that are still to be processed are not kept: they
// change soon.
type Documents struct {
	DocumentStore
	cache *Cache
}

// NewDocuments returns the documents of store, kept in c.
func NewDocuments(store DocumentStore, c *Cache) *Documents {
	return &Documents{DocumentStore: store, cache: c}
}

var documentKind = &kind[document.Document]{
	name: "document", ttl: 10 * time.Minute, strict: true, absent: document.ErrNotFound,
	final: func(d document.Document) bool { return d.Status != document.Pending },
}

// Get returns the document with id, or document.ErrNotFound.
func (d *Documents) Get(ctx context.Context, id uuid.UUID) (document.Document, error) {
	q := question{key: "document:" + id.String(), marks: []string{documentMark(id.String()), deletedMark(id.String())}}
	doc, _, err := fetch(ctx, d.cache, documentKind, q, func(ctx context.Context) (document.Document, error) {
		return d.DocumentStore.Get(ctx, id)
	})
	return doc, err
}

var passageKind = &kind[document.Passage]{
	name: "chunks", ttl: 10 * time.Minute, strict: true, absent: document.ErrNotFound,
	final: func(p document.Passage) bool { return p.Of > 0 },
}

// Chunks returns chunks of the document with id, or document.ErrNotFound.
func (d *Documents) Chunks(ctx context.Context, id uuid.UUID, from, limit int) (document.Passage, error) {
	q := question{key: fmt.Sprintf("chunks:%s:%d:%d", id, from, limit), marks: []string{documentMark(id.String()), deletedMark(id.String())}}
	p, _, err := fetch(ctx, d.cache, passageKind, q, func(ctx context.Context) (document.Passage, error) {
		return d.DocumentStore.Chunks(ctx, id, from, limit)
	})
	return p, err
}

// pageKind is brief with documents that are processed: their progress marks nothing.
var pageKind = &kind[[]document.Document]{
	name: "page", ttl: time.Minute, strict: true,
	brief: func(page []document.Document) bool {
		return slices.ContainsFunc(page, func(d document.Document) bool { return d.Status == document.Pending })
	},
}

// List returns a page of documents.
func (d *Documents) List(ctx context.Context, limit int, before uuid.UUID) ([]document.Document, error) {
	return d.page(ctx, fmt.Sprintf("page:%d:%s", limit, before), func(ctx context.Context) ([]document.Document, error) {
		return d.DocumentStore.List(ctx, limit, before)
	})
}

// ListStatus returns a page of the documents with a status.
func (d *Documents) ListStatus(ctx context.Context, status document.Status, limit int, before uuid.UUID) ([]document.Document, error) {
	return d.page(ctx, fmt.Sprintf("page:%s:%d:%s", status, limit, before), func(ctx context.Context) ([]document.Document, error) {
		return d.DocumentStore.ListStatus(ctx, status, limit, before)
	})
}

func (d *Documents) page(ctx context.Context, key string, load func(ctx context.Context) ([]document.Document, error)) ([]document.Document, error) {
	docs, _, err := fetch(ctx, d.cache, pageKind, question{key: key, marks: []string{pages}}, load)
	return docs, err
}
