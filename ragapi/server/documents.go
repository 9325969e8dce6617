package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
)

const (
	defaultPage = 20
	maxPage     = 100
)

type documentBody struct {
	ID         uuid.UUID       `json:"id"`
	Title      string          `json:"title"`
	Status     document.Status `json:"status"`
	Failure    string          `json:"failure,omitempty"`
	Bytes      int64           `json:"bytes"`
	ChunkCount int             `json:"chunkCount"`
	Metadata   json.RawMessage `json:"metadata"`
	CreatedAt  time.Time       `json:"createdAt"`
	UpdatedAt  time.Time       `json:"updatedAt"`
}

func bodyOf(d document.Document) documentBody {
	return documentBody{
		ID: d.ID, Title: d.Title, Status: d.Status, Failure: d.Failure, Bytes: d.Bytes, ChunkCount: d.ChunkCount,
		Metadata: d.Metadata, CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
	}
}

type documentPage struct {
	Documents []documentBody `json:"documents"`
	Next      string         `json:"next,omitempty"` // the cursor of the next page; absent on the last
}

func (a *api) createDocument(w http.ResponseWriter, r *http.Request) error {
	up, err := a.readUpload(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	doc, err := a.Documents.Create(ctx, up)
	if err != nil {
		return err
	}
	a.Metrics.Uploaded(doc.Bytes)
	w.Header().Set("Location", "/v1/documents/"+doc.ID.String())
	w.Header().Set("Cache-Control", "no-store")
	return writeJSON(w, http.StatusAccepted, bodyOf(doc))
}

func (a *api) getDocument(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	doc, err := a.Documents.Get(ctx, id)
	if err != nil {
		return err
	}
	return writeTaggedJSON(w, r, timeTag(doc.UpdatedAt), bodyOf(doc))
}

func (a *api) deleteDocument(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	if err := a.Documents.Delete(ctx, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) listDocuments(w http.ResponseWriter, r *http.Request) error {
	q, err := readParameters(r)
	if err != nil {
		return err
	}
	limit := q.integer("limit", defaultPage, maxPage)
	before := q.cursor("cursor")
	if q.faults != nil {
		return invalid(q.faults)
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	docs, err := a.Documents.List(ctx, limit+1, before) // one more tells whether there is a next page
	if err != nil {
		return err
	}
	page := documentPage{Documents: []documentBody{}}
	for _, d := range docs[:min(limit, len(docs))] {
		page.Documents = append(page.Documents, bodyOf(d))
	}
	if len(docs) > limit {
		page.Next = cursorOf(docs[limit-1].ID)
	}
	w.Header().Set("Cache-Control", revalidated)
	return writeJSON(w, http.StatusOK, page)
}

// deadline is the time that one request has for the database.
func (a *api) deadline(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), a.RequestTimeout)
}

func pathID(r *http.Request) (uuid.UUID, error) {
	text := r.PathValue("id")
	id, err := uuid.Parse(text)
	if err != nil || len(text) != len(uuid.Nil.String()) {
		return uuid.Nil, invalid([]Fault{{Parameter: "id", Detail: "is " + quoted(text) + ", want a UUID such as " + uuid.Nil.String()}})
	}
	return id, nil
}

func cursorOf(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
