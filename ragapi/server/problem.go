package server

import (
	"context"
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
	Type      string  `json:"type" jsonschema:"stable, for programs"`
	Title     string  `json:"title" jsonschema:"for people: it may change"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty" jsonschema:"for people: it may change"`
	Instance  string  `json:"instance,omitempty" jsonschema:"the path of the request"`
	RequestID string  `json:"requestId,omitempty" jsonschema:"as in the header X-Request-Id and in the log"`
	Errors    []Fault `json:"errors,omitempty" jsonschema:"every fault of the request, 20 at most and then one that says there are more"`

	again bool // may be sent again after a moment: the answer has Retry-After
}

// Error makes a problem an error, so that handlers can return one.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

func invalid(faults []Fault) *Problem {
	p := invalidRequest.because("see errors")
	p.Errors = faults
	return p
}

// storeProblems are the errors of the stores that a client can help.
var storeProblems = []struct {
	error
	problem *Problem
}{
	{document.ErrNotFound, notFound.because("no document has this id")},
	{session.ErrNotFound, notFound.because("no session has this id, or it has expired")},
	{document.ErrChanged, conditionFailed},
	{session.ErrChanged, conditionFailed},
	{document.ErrNotFailed, notFailed.because("the document has not failed")},
	{idempotency.ErrInFlight, inFlight.because("send it again when it has ended")},
	{idempotency.ErrOtherRequest, keyMismatch.because(keyHeader + " stands for one path and one content, for 24 hours")},
}

// problemOf turns any error of a handler into a problem. What a client cannot help is not explained to it, but logged.
func problemOf(err error) *Problem {
	for _, k := range storeProblems {
		if errors.Is(err, k.error) {
			return k.problem
		}
	}
	var p *Problem
	var large *http.MaxBytesError
	var server *pgconn.PgError
	var over *admission.Overloaded
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &over):
		return overloaded.because("try again later")
	case errors.As(err, &large):
		return tooLarge.because("a request body may have " + bytesText(large.Limit) + " at most")
	case errors.Is(err, context.Canceled):
		return clientClosed.because("")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &server) && server.Code == "57014": // statement timeout
		return timedOut.because("try again, or ask for less")
	case postgres.Unavailable(err):
		return unavailable.because("the database does not answer, try again")
	case postgres.Unstorable(err):
		return invalid([]Fault{{Parameter: "request", Detail: "has a value that the database cannot keep"}})
	}
	return internal.because("the log has the cause under this request id")
}

func writeProblem(x *exchange, r *http.Request, p *Problem) error {
	answer := *p
	answer.Instance = cut(r.URL.Path, maxPointer)
	answer.RequestID = requestID(r.Context())
	body, err := encode(answer)
	if err != nil {
		return err
	}
	h := x.Header()
	h.Set("Content-Type", mediaProblem)
	h.Set("Cache-Control", nobody)
	h.Del("ETag")
	if p.again && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	if p.Status == http.StatusRequestTimeout {
		h.Set("Connection", "close")
	}
	x.status, x.answer = p.Status, body
	return nil
}
