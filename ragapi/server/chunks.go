package server

import (
	"math"
	"net/http"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/chunk"
	"github.com/ragscale/ragscale/ragapi/document"
)

var firstChunk = number{name: "from", high: math.MaxInt32 - pageLimit.high, about: "The number of the first chunk that is wanted."}

type chunkPage struct {
	DocumentID uuid.UUID        `json:"documentId"`
	Version    int              `json:"version" jsonschema:"of the text: another one than that of the page before begins anew"`
	Status     document.Status  `json:"status" jsonschema:"only ready has chunks"`
	Chunks     []document.Chunk `json:"chunks"`
	Next       *int             `json:"next,omitempty" jsonschema:"from of the next page; absent on the last"`
}

// listChunks answers the text of a document, chunk by chunk. Chunks are numbered, so that a page needs no other cursor.
func (a *api) listChunks(w *exchange, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	p, err := w.parameters(r)
	if err != nil {
		return err
	}
	limit := p.number(pageLimit)
	from := p.number(firstChunk)
	if p.faults != nil {
		return invalid(p.faults)
	}
	if err := w.expect(r.Context(), limit*chunk.Size); err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	found, err := a.Documents.Chunks(ctx, id, from, limit)
	if err != nil {
		return err
	}
	page := chunkPage{DocumentID: id, Version: found.Version, Status: found.Status, Chunks: append([]document.Chunk{}, found.Chunks...)}
	if next := from + limit; next < found.Of {
		page.Next = &next
	}
	return writeTaggedJSON(w, r, "", page)
}
