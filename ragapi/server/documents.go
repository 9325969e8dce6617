package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
)

var (
	pageLimit    = number{name: "limit", low: 1, high: 100, fallback: 20, about: "How many at most."}
	pageCursor   = token{name: "cursor", about: "The value of next of the page before; without it, the first page."}
	listedStatus = choice{name: "status", words: words(document.Statuses), orNone: true, about: "Only documents of this status."}
)

type documentBody struct {
	ID         uuid.UUID       `json:"id"`
	Title      string          `json:"title"`
	Status     document.Status `json:"status"`
	Failure    string          `json:"failure,omitempty" jsonschema:"why the status is failed"`
	Progress   *progressBody   `json:"progress,omitempty" jsonschema:"of a pending one"`
	Version    int             `json:"version" jsonschema:"of the text, from 1"`
	Bytes      int64           `json:"bytes" jsonschema:"of the text, in UTF-8"`
	ChunkCount int             `json:"chunkCount" jsonschema:"that searches find; while a replacement is pending, of the text before"`
	Metadata   json.RawMessage `json:"metadata"`
	CreatedAt  time.Time       `json:"createdAt"`
	UpdatedAt  time.Time       `json:"updatedAt"`
}

type progressBody struct {
	FailedAttempts int `json:"failedAttempts"`
	ChunksDone     int `json:"chunksDone"`
	ChunksTotal    int `json:"chunksTotal,omitempty" jsonschema:"absent until it is known, and of a small document"`
}

func bodyOf(d document.Document) documentBody {
	body := documentBody{
		ID: d.ID, Title: d.Title, Status: d.Status, Failure: d.Failure, Bytes: d.Bytes, ChunkCount: d.ChunkCount,
		Metadata: d.Metadata, CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(), Version: d.Version,
	}
	if d.Status == document.Pending {
		body.Progress = &progressBody{FailedAttempts: d.FailedAttempts, ChunksDone: d.ChunksDone, ChunksTotal: d.ChunksTotal}
	}
	return body
}

// documentTag is the ETag of a document as it is: of its version, and of how far that has come.
func documentTag(d document.Document) string {
	return fmt.Sprintf(`"%d-%s"`, d.Version, strings.Trim(timeTag(d.UpdatedAt), `"`))
}

type documentPage struct {
	Documents []documentBody `json:"documents"`
	Next      string         `json:"next,omitempty" jsonschema:"the cursor of the next page; absent on the last"`
}

func (a *api) createDocument(w *exchange, r *http.Request) error {
	up, err := readUpload(w, r)
	if err == nil {
		err = ofNothing(r)
	}
	if err != nil {
		return err
	}
	up.Key, err = requestKey(r, up.Title, up.Text, string(up.Metadata))
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
	return writeAccepted(w, doc)
}

func writeAccepted(w *exchange, doc document.Document) error {
	w.Header().Set("Location", "/v1/documents/"+doc.ID.String())
	w.Header().Set("ETag", documentTag(doc))
	return writeJSON(w, http.StatusAccepted, bodyOf(doc))
}

func (a *api) replaceDocument(w *exchange, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	up, err := readUpload(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	doc, err := a.Documents.Replace(ctx, id, up, ofDocument(r))
	if err != nil {
		return err
	}
	a.Metrics.Uploaded(doc.Bytes)
	return writeAccepted(w, doc)
}

func (a *api) retryDocument(w *exchange, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	doc, err := a.Documents.Retry(ctx, id, ofDocument(r))
	if err != nil {
		return err
	}
	return writeAccepted(w, doc)
}

func (a *api) getDocument(w *exchange, r *http.Request) error {
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
	return writeTaggedJSON(w, r, documentTag(doc), bodyOf(doc))
}

func (a *api) deleteDocument(w *exchange, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	if err := a.Documents.Delete(ctx, id, ofDocument(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) listDocuments(w *exchange, r *http.Request) error {
	q, err := w.parameters(r)
	if err != nil {
		return err
	}
	limit := q.number(pageLimit)
	before := q.cursor(pageCursor)
	status := document.Status(q.oneOf(listedStatus))
	if q.faults != nil {
		return invalid(q.faults)
	}
	if err := w.expect(r.Context(), min((limit+1)*(maxTitleBytes+maxMetadataBytes), 2*document.MostMetadata)); err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	docs, err := a.list(ctx, status, limit+1, before) // one more tells whether there is a next page
	if err != nil {
		return err
	}
	return writeTaggedJSON(w, r, "", documentPageOf(docs, limit))
}

// documentPageOf has at most limit of the documents, and no more of them than the metadata of a page may have.
func documentPageOf(docs []document.Document, limit int) documentPage {
	page, size := documentPage{Documents: []documentBody{}}, 0
	for i, d := range docs {
		size += len(d.Metadata)
		if i == limit || i > 0 && size > document.MostMetadata {
			page.Next = cursorOf(docs[i-1].ID)
			break
		}
		page.Documents = append(page.Documents, bodyOf(d))
	}
	return page
}

// list returns documents of one status, or of any.
func (a *api) list(ctx context.Context, status document.Status, limit int, before uuid.UUID) ([]document.Document, error) {
	if status == "" {
		return a.Documents.List(ctx, limit, before)
	}
	return a.Documents.ListStatus(ctx, status, limit, before)
}

// deadline is the time that one request has for the database.
func (a *api) deadline(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), a.RequestTimeout)
}

func pathID(r *http.Request) (uuid.UUID, error) {
	text := r.PathValue("id")
	id, err := parseID(text)
	if err != nil {
		return uuid.Nil, invalid([]Fault{{Parameter: "id", Detail: "is " + quoted(text) + ", want a UUID such as " + uuid.Nil.String()}})
	}
	return id, nil
}

// parseID reads an id in the one form in which ids are answered.
func parseID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err == nil && len(text) != len(uuid.Nil.String()) {
		err = errors.New("another form")
	}
	return id, err
}

func cursorOf(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
