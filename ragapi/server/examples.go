package server

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/session"
)

// Examples of what the API answers. Their types are what its schemas are made of.
const (
	exampleText = "The keeper trims the lamp at dusk."
	exampleUser = "u-17"
	exampleNext = "AZMAAAAAcACAAAAAAAAAAQ"
)

var (
	exampleTime       = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	exampleDocumentID = uuid.MustParse("01930000-0000-7000-8000-000000000001")
	exampleSessionID  = uuid.MustParse("01930000-0000-7000-8000-000000000002")

	examplePending = documentBody{
		ID: exampleDocumentID, Title: "Lighthouses", Status: document.Pending, Progress: &progressBody{}, Version: 1, Bytes: int64(len(exampleText)),
		Metadata: json.RawMessage(`{"lang":"en"}`), CreatedAt: exampleTime, UpdatedAt: exampleTime,
	}
	exampleDocument = documentBody{
		ID: exampleDocumentID, Title: "Lighthouses", Status: document.Ready, Version: 1, Bytes: int64(len(exampleText)), ChunkCount: 1,
		Metadata: json.RawMessage(`{"lang":"en"}`), CreatedAt: exampleTime, UpdatedAt: exampleTime.Add(time.Second),
	}
	exampleDocuments = documentPage{Documents: []documentBody{exampleDocument}, Next: exampleNext}
	exampleChunks    = chunkPage{DocumentID: exampleDocumentID, Version: 1, Status: document.Ready, Chunks: []document.Chunk{{Content: exampleText}}}
	exampleHits      = searchBody{Query: "lamp", Mode: search.Simple, Hits: []search.Hit{{
		DocumentID: exampleDocumentID, Title: "Lighthouses", Score: 0.09, Match: search.MatchTerms, Snippet: "The keeper trims the <mark>lamp</mark> at dusk.",
	}}}

	exampleMessage    = session.Message{Number: 1, Role: "user", Content: "Where is the lamp?", At: exampleTime.Add(time.Second)}
	exampleNewSession = sessionBody{ID: exampleSessionID, User: exampleUser, CreatedAt: exampleTime, UpdatedAt: exampleTime, ExpiresAt: exampleTime.Add(24 * time.Hour)}
	exampleSession    = sessionBody{
		ID: exampleSessionID, User: exampleUser, Messages: []session.Message{exampleMessage},
		CreatedAt: exampleTime, UpdatedAt: exampleMessage.At, ExpiresAt: exampleMessage.At.Add(24 * time.Hour),
	}
	exampleSessions = sessionPage{Sessions: []sessionBody{exampleNewSession}, Next: exampleNext}

	exampleFault = "/title"

	exampleDashboard = dashboardBody{
		Documents: countBody{812, true}, Chunks: countBody{Count: 301_544}, Sessions: countBody{97, true},
		Hours: []hourBody{{exampleTime, spanBody{5120, 3411, 53.8}}}, Modes: map[string]spanBody{string(search.Simple): {4800, 3300, 45.3}},
	}
)

// exampleProblem is one of a kind.
func exampleProblem(k *kind) *Problem {
	p := k.because("")
	p.RequestID = "0b0c7e1a-3f0e-4f4c-9d57-6a1d2f1c1a55"
	if k == invalidRequest {
		p.Errors = []Fault{{Pointer: &exampleFault, Detail: "is missing or blank, want a text"}}
	}
	return p
}
