package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ragscale/ragscale/ragapi/admission"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/session"
)

// Problem is an error as the API answers it, after RFC 9457 (application/problem+json).
type Problem struct {
	Type      string  `json:"type"` // urn:ragapi:problem:… ; stable, for programs
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	Instance  string  `json:"instance,omitempty"` // the path of the request
	RequestID string  `json:"requestId,omitempty"`
	Errors    []Fault `json:"errors,omitempty"` // the faults of an invalid request
}

// Error makes a problem an error, so that handlers can return one.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

const (
	problemPrefix = "urn:ragapi:problem:"
	inFlight      = problemPrefix + "idempotency-in-flight"
)

func invalid(faults []Fault) *Problem {
	return &Problem{Type: problemPrefix + "invalid-request", Title: "The request is not valid", Status: http.StatusBadRequest, Detail: "see errors", Errors: faults}
}

func notFound(detail string) *Problem {
	return &Problem{Type: problemPrefix + "not-found", Title: "Not found", Status: http.StatusNotFound, Detail: detail}
}

func unsupportedMedia(want string) *Problem {
	return &Problem{Type: problemPrefix + "unsupported-media-type", Title: "The media type is not supported", Status: http.StatusUnsupportedMediaType, Detail: "want " + want}
}

func overloaded(detail string) *Problem {
	return &Problem{Type: problemPrefix + "overloaded", Title: "There is too much to do", Status: http.StatusServiceUnavailable, Detail: detail}
}

// statusClientClosed is what the log and the metrics show when the client went away before the answer (nginx's number; not in any RFC).
const statusClientClosed = 499

// storeProblems are the errors of the stores that a client can help.
var storeProblems = []struct {
	error
	problem *Problem
}{
	{document.ErrNotFound, notFound("no document has this id")},
	{session.ErrNotFound, notFound("no session has this id, or it has expired")},
	{document.ErrChanged, &Problem{Type: problemPrefix + "precondition-failed", Title: "The document has changed", Status: http.StatusPreconditionFailed, Detail: "no tag of If-Match is that of the document as it is"}},
	{document.ErrNotFailed, &Problem{Type: problemPrefix + "not-failed", Title: "There is nothing to try again", Status: http.StatusConflict, Detail: "the document has not failed"}},
	{idempotency.ErrInFlight, &Problem{Type: inFlight, Title: "A request with this key is being carried out", Status: http.StatusConflict, Detail: "send it again when it has ended"}},
	{idempotency.ErrOtherRequest, &Problem{Type: problemPrefix + "idempotency-mismatch", Title: "The key was used for another request", Status: http.StatusUnprocessableEntity, Detail: keyHeader + " stands for one path and one content, for 24 hours"}},
}

// problemOf turns any error of a handler into a problem. What a client cannot help is not explained to it, but logged.
func problemOf(err error) *Problem {
	for _, k := range storeProblems {
		if errors.Is(err, k.error) {
			return k.problem
		}
	}
	var p *Problem
	var tooLarge *http.MaxBytesError
	var server *pgconn.PgError
	var over *admission.Overloaded
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &over):
		return overloaded("try again later")
	case errors.As(err, &tooLarge):
		return &Problem{Type: problemPrefix + "too-large", Title: "The body is too large", Status: http.StatusRequestEntityTooLarge, Detail: "a request body may have " + bytesText(tooLarge.Limit) + " at most"}
	case errors.Is(err, context.Canceled):
		return &Problem{Type: problemPrefix + "client-closed", Title: "The client closed the request", Status: statusClientClosed}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &server) && server.Code == "57014": // statement timeout
		return &Problem{Type: problemPrefix + "timeout", Title: "The request took too long", Status: http.StatusServiceUnavailable, Detail: "try again, or ask for less"}
	case postgres.Unavailable(err):
		return &Problem{Type: problemPrefix + "unavailable", Title: "The database does not answer", Status: http.StatusServiceUnavailable, Detail: "try again"}
	case postgres.Unstorable(err):
		return invalid([]Fault{{Parameter: "request", Detail: "has a value that the database cannot keep"}})
	}
	return &Problem{Type: problemPrefix + "internal", Title: "The request could not be served", Status: http.StatusInternalServerError, Detail: "the log has the cause under this request id"}
}

func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) error {
	answer := *p
	answer.Instance = cut(r.URL.Path, maxPointer)
	answer.RequestID = requestID(r.Context())
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", nobody)
	h.Del("ETag")
	switch {
	case p.Status == http.StatusServiceUnavailable, p.Type == inFlight:
		h.Set("Retry-After", "1")
	case p.Status == http.StatusRequestTimeout:
		h.Set("Connection", "close")
	}
	w.WriteHeader(p.Status)
	_, err = w.Write(append(body, '\n'))
	return err
}
