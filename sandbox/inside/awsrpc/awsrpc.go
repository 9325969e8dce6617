// Package awsrpc speaks the protocols of AWS's services that have operations and no paths: RPC v2 CBOR, JSON 1.0 and 1.1,
// and query. An operation is written once, over structs whose fields are the members of AWS's shapes.
//
// Owns: which protocol a request speaks, its bounds, members in and out, the form of errors in each protocol. Does not own:
// signatures (awsapi), what operations do.
package awsrpc

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// MostBody bounds a request: 500 queries of metrics, the most of one GetMetricData, take less than half.
const MostBody = 1 << 20

// Service is one of AWS's.
type Service struct {
	Name      string // in messages: "monitoring"
	Shape     string // "GraniteServiceVersion20100801", as targets and paths have it
	Namespace string // of its XML; "" for one that does not speak query
	Actions   map[string]Action
	Log       *slog.Logger
}

// Action answers one call. Its result is a struct, or a pointer to one, or nil.
type Action func(Call) (any, error)

// Call is one call of an action.
type Call struct {
	Region, Account string
	members         any
}

// Into fills a struct with the members of the call.
func (c Call) Into(target any) error { return fill(c.members, target) }

// Error is an error in AWS's sense.
type Error struct {
	Shape   string // the name of its shape: "InvalidParameterValueException"
	Code    string // in the query protocol, "" for the same: "InvalidParameterValue"
	Message string
	Status  int // 0 is 400
}

func (e *Error) Error() string { return e.code() + ": " + e.Message }

func (e *Error) code() string {
	if e.Code == "" {
		return e.Shape
	}
	return e.Code
}

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// Invalid is the common error of what does not satisfy a constraint.
func Invalid(format string, args ...any) error {
	return &Error{Shape: "ValidationException", Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}

// protocol is how a request and its answer are written.
type protocol interface {
	read(r *http.Request, body []byte) (action string, members any, err error)
	write(w http.ResponseWriter, action string, result any) error
	refuse(w http.ResponseWriter, e *Error)
}

// protocolOf is the one that a request speaks.
func (s *Service) protocolOf(r *http.Request) protocol {
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return cborProtocol{s}
	case r.Header.Get("X-Amz-Target") != "" || s.Namespace == "":
		return jsonProtocol{s}
	}
	return queryProtocol{s}
}

// Serve answers a request whose signature was checked. region is the one that it was signed for.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, region, account string) {
	p := s.protocolOf(r)
	if w.Header().Get("X-Amzn-Requestid") == "" {
		w.Header().Set("X-Amzn-Requestid", rand.Text())
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MostBody))
	if err != nil {
		s.fail(w, p, &Error{Shape: "SerializationException", Message: err.Error()})
		return
	}
	name, members, err := p.read(r, body)
	if err != nil {
		s.fail(w, p, &Error{Shape: "SerializationException", Code: "MalformedInput", Message: err.Error()})
		return
	}
	act, known := s.Actions[name]
	if !known {
		s.fail(w, p, s.unknown(name))
		return
	}
	result, err := act(Call{Region: region, Account: account, members: members})
	if err == nil {
		err = p.write(w, name, result)
	}
	if err != nil {
		s.fail(w, p, err)
	}
}

func (s *Service) unknown(action string) error {
	known := strings.Join(slices.Sorted(maps.Keys(s.Actions)), ", ")
	return &Error{
		Shape: "UnknownOperationException", Code: "InvalidAction", Status: http.StatusNotFound,
		Message: fmt.Sprintf("the action %s is not valid here: of %s the sandbox answers %s", action, s.Name, known),
	}
}

// fail answers err, which is the service's own or a defect.
func (s *Service) fail(w http.ResponseWriter, p protocol, err error) {
	var known *Error
	if !errors.As(err, &known) {
		s.Log.Error("an AWS API", "service", s.Name, "error", err)
		known = &Error{Shape: "InternalServiceFault", Code: "InternalServiceError", Status: http.StatusInternalServerError, Message: "the sandbox: " + err.Error()}
	}
	p.refuse(w, known)
}

// Refuse answers an error of the caller's own, such as a signature that is wrong.
func (s *Service) Refuse(w http.ResponseWriter, r *http.Request, e *Error) {
	s.protocolOf(r).refuse(w, e)
}

// compatible tells clients of a service that once spoke query the code that it had there.
func (s *Service) compatible(w http.ResponseWriter, e *Error) {
	if s.Namespace == "" {
		return
	}
	blame := "Sender"
	if e.status() >= http.StatusInternalServerError {
		blame = "Receiver"
	}
	w.Header().Set("X-Amzn-Query-Error", e.code()+";"+blame)
}
