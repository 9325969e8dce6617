package server

import "net/http"

// kind is what problems of one type have in common.
type kind struct {
	code   string // the end of the type; stable, for programs
	status int
	title  string
	about  string // when it is answered
	again  bool   // the same request may do better after a moment: the answer has Retry-After
}

// lasting problems are the request's own.
func lasting(code string, status int, title, about string) *kind {
	return &kind{code: code, status: status, title: title, about: about}
}

// passing problems may be gone after a moment.
func passing(code string, status int, title, about string) *kind {
	return &kind{code: code, status: status, title: title, about: about, again: true}
}

// All kinds there are.
var (
	invalidRequest     = lasting("invalid-request", http.StatusBadRequest, "The request is not valid", "The request is not valid: errors has every fault.")
	unauthenticated    = lasting("unauthenticated", http.StatusUnauthorized, "The request is not authenticated", "There is no token, or none that is good: WWW-Authenticate says which.")
	forbidden          = lasting("forbidden", http.StatusForbidden, "The token does not allow this", "The token lacks the scope that WWW-Authenticate names.")
	notFound           = lasting("not-found", http.StatusNotFound, "Not found", "There is none, or none that the caller may see.")
	methodNotAllowed   = lasting("method-not-allowed", http.StatusMethodNotAllowed, "The method is not allowed here", "Allow has the methods that are.")
	tooSlow            = lasting("too-slow", http.StatusRequestTimeout, "The body came too slowly", "The body came too slowly.")
	notFailed          = lasting("not-failed", http.StatusConflict, "There is nothing to try again", "The document has not failed.")
	preconditionFailed = lasting("precondition-failed", http.StatusPreconditionFailed, "A condition does not hold", "What it is about is not, as it is, what If-Match and If-None-Match say.")
	tooLarge           = lasting("too-large", http.StatusRequestEntityTooLarge, "The body is too large", "The body is larger than it may be.")
	headTooLarge       = lasting("head-too-large", http.StatusRequestHeaderFieldsTooLarge, "The head of the request is too large", "The head has more fields or bytes than it may have: detail says how many.")
	unsupportedMedia   = lasting("unsupported-media-type", http.StatusUnsupportedMediaType, "The media type is not supported", "The media type is none of those here, or has a charset other than UTF-8 or a Content-Encoding.")
	inFlight           = passing("idempotency-in-flight", http.StatusConflict, "A request with this key is being carried out", "Another request with this Idempotency-Key is being carried out.")
	keyMismatch        = lasting("idempotency-mismatch", http.StatusUnprocessableEntity, "The key was used for another request", "The Idempotency-Key stands for another request.")
	rateLimited        = passing("rate-limited", http.StatusTooManyRequests, "Too many requests", "The caller asks more often than it may: Retry-After says when the next request is answered.")
	clientClosed       = lasting("client-closed", statusClientClosed, "The client closed the request", "The client went away: nobody gets this.")
	internal           = lasting("internal", http.StatusInternalServerError, "The request could not be served", "The log has the cause, under the request id.")
	timedOut           = passing("timeout", http.StatusServiceUnavailable, "The request took too long", "It took too long.")
	unavailable        = passing("unavailable", http.StatusServiceUnavailable, "What is needed does not answer", "What is needed for the answer does not answer now: detail says what.")
	overloaded         = passing("overloaded", http.StatusServiceUnavailable, "There is too much to do", "There is more to do than can be done: it was not begun.")
	notReady           = passing("not-ready", http.StatusServiceUnavailable, "Not ready", "This process should get no requests now: detail says why.")
)

// problemKinds are all of them.
var problemKinds = []*kind{
	invalidRequest, unauthenticated, forbidden, notFound, methodNotAllowed, tooSlow, notFailed, preconditionFailed, tooLarge, headTooLarge, unsupportedMedia, inFlight, keyMismatch,
	rateLimited, clientClosed, internal, timedOut, unavailable, overloaded, notReady,
}

// statusClientClosed is what the log and the metrics show when the client went away before the answer (nginx's number; not in any RFC).
const statusClientClosed = 499

const problemPrefix = "urn:ragapi:problem:"

func (k *kind) uri() string { return problemPrefix + k.code }

// because is a problem of this kind.
func (k *kind) because(detail string) *Problem {
	return &Problem{Type: k.uri(), Title: k.title, Status: k.status, Detail: detail, again: k.again}
}
