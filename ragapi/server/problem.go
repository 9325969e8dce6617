package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/schema"
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
	Errors    []Fault `json:"errors,omitempty"` // every fault of an invalid request
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	// Pointer is where it is in a JSON body (RFC 6901); Parameter is the query parameter or form field. One of them is set.
	Pointer   *string `json:"pointer,omitempty"`
	Parameter string  `json:"parameter,omitempty"`
	Detail    string  `json:"detail"`
}

func (f Fault) sameField(other Fault) bool {
	if f.Pointer == nil || other.Pointer == nil {
		return f.Pointer == other.Pointer && f.Parameter == other.Parameter
	}
	return *f.Pointer == *other.Pointer
}

// Error makes a problem an error, so that handlers can return one.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

const problemPrefix = "urn:ragapi:problem:"

func invalid(faults []Fault) *Problem {
	return &Problem{Type: problemPrefix + "invalid-request", Title: "The request is not valid", Status: http.StatusBadRequest, Detail: "see errors", Errors: faults}
}

func notFound(detail string) *Problem {
	return &Problem{Type: problemPrefix + "not-found", Title: "Not found", Status: http.StatusNotFound, Detail: detail}
}

func unsupportedMedia(want string) *Problem {
	return &Problem{Type: problemPrefix + "unsupported-media-type", Title: "The media type is not supported", Status: http.StatusUnsupportedMediaType, Detail: "want " + want}
}

// statusClientClosed is what the log and the metrics show when the client went away before the answer (nginx's number; not in any RFC).
const statusClientClosed = 499

// problemOf turns any error of a handler into a problem. What a client cannot help is not explained to it, but logged.
func problemOf(err error) *Problem {
	var p *Problem
	var tooLarge *http.MaxBytesError
	var server *pgconn.PgError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooLarge):
		return &Problem{Type: problemPrefix + "too-large", Title: "The upload is too large", Status: http.StatusRequestEntityTooLarge, Detail: "a request body may have " + bytesText(tooLarge.Limit) + " at most"}
	case errors.Is(err, document.ErrNotFound):
		return notFound("no document has this id")
	case errors.Is(err, document.ErrChanged):
		return &Problem{Type: problemPrefix + "precondition-failed", Title: "The document has changed", Status: http.StatusPreconditionFailed, Detail: "no tag of If-Match is that of the document as it is"}
	case errors.Is(err, document.ErrNotFailed):
		return &Problem{Type: problemPrefix + "not-failed", Title: "There is nothing to try again", Status: http.StatusConflict, Detail: "the document has not failed"}
	case errors.Is(err, idempotency.ErrOtherRequest):
		return &Problem{Type: problemPrefix + "idempotency-mismatch", Title: "The key was used for another request", Status: http.StatusUnprocessableEntity, Detail: keyHeader + " stands for one path and one content, for 24 hours"}
	case errors.Is(err, session.ErrNotFound):
		return notFound("no session has this id, or it has expired")
	case errors.Is(err, context.Canceled):
		return &Problem{Type: problemPrefix + "client-closed", Title: "The client closed the request", Status: statusClientClosed}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &server) && server.Code == "57014": // statement timeout
		return &Problem{Type: problemPrefix + "timeout", Title: "The request took too long", Status: http.StatusServiceUnavailable, Detail: "try again, or ask for less"}
	case schema.Unreachable(err):
		return &Problem{Type: problemPrefix + "unavailable", Title: "The database does not answer", Status: http.StatusServiceUnavailable, Detail: "try again"}
	}
	return &Problem{Type: problemPrefix + "internal", Title: "The request could not be served", Status: http.StatusInternalServerError, Detail: "the log has the cause under this request id"}
}

func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) error {
	answer := *p
	answer.Instance = r.URL.Path
	answer.RequestID = requestID(r.Context())
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	_, err = w.Write(append(body, '\n'))
	return err
}
