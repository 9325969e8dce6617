package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/ragapi/auth"
)

// anyone is the scope of routes that nobody needs a token for.
const anyone auth.Scope = "anyone"

// route is a handler, the scope that its caller needs, and what readers of the document are told. The empty scope is nobody's.
type route struct {
	method, path string
	scope        auth.Scope
	handle       handler

	id, tag, summary string
	about            string
	parameters       []parameter
	body             *content
	answers          []answer
	problems         []*kind // beyond those that follow from all else
	idle             bool    // asks no store for anything
	admin            bool    // is for the second port alone
}

// tagged reports whether its answers have an ETag, and are 304 to a client that has them.
func (t route) tagged() bool {
	_, kept := lifetimes[t.path]
	return kept && t.method == http.MethodGet
}

// conditional reports whether it heeds If-Match and If-None-Match.
func (t route) conditional() bool { return t.tagged() || !t.admin && t.method != http.MethodGet }

// routes are all there is.
func (a *api) routes() []route {
	return slices.Concat(a.documentRoutes(), a.searchRoutes(), a.sessionRoutes(), probeRoutes(a.Readiness), []route{{
		method: http.MethodGet, path: "/v1/openapi.json", scope: anyone, handle: a.describe, idle: true,
		id: "getDescription", tag: "operation", summary: "Read this document",
		answers: []answer{{about: "This document.", media: &media{mediaJSON, anyObject}}},
	}})
}

func (a *api) documentRoutes() []route {
	return []route{{
		method: http.MethodPost, path: "/v1/documents", scope: auth.DocumentsWrite, handle: a.createDocument,
		id: "createDocument", tag: "documents", summary: "Upload a document",
		about:      "It is pending until a worker has processed it; then searches find it.",
		parameters: []parameter{idempotencyKey, userName, textTitle},
		body:       uploads(a.MaxUploadBytes),
		answers:    []answer{acceptedDocument},
		problems:   []*kind{inFlight, keyMismatch},
	}, {
		method: http.MethodGet, path: "/v1/documents", scope: auth.DocumentsRead, handle: a.listDocuments,
		id: "listDocuments", tag: "documents", summary: "List documents, the newest first",
		parameters: []parameter{listedStatus, pageLimit, pageCursor},
		answers:    []answer{{about: "A page of documents.", body: exampleDocuments}},
	}, {
		method: http.MethodGet, path: "/v1/documents/{id}", scope: auth.DocumentsRead, handle: a.getDocument,
		id: "getDocument", tag: "documents", summary: "Read a document, without its text",
		answers: []answer{{about: "The document.", body: exampleDocument}},
	}, {
		method: http.MethodPut, path: "/v1/documents/{id}", scope: auth.DocumentsWrite, handle: a.replaceDocument,
		id: "replaceDocument", tag: "documents", summary: "Replace a document's title, text and metadata",
		about:      "Searches find the text before until the new one is ready.",
		parameters: []parameter{textTitle},
		body:       uploads(a.MaxUploadBytes),
		answers:    []answer{acceptedDocument},
	}, {
		method: http.MethodDelete, path: "/v1/documents/{id}", scope: auth.DocumentsWrite, handle: a.deleteDocument,
		id: "deleteDocument", tag: "documents", summary: "Delete a document",
		answers: []answer{{status: http.StatusNoContent, about: "It is gone from every search that begins afterwards."}},
	}, {
		method: http.MethodPost, path: "/v1/documents/{id}/retry", scope: auth.DocumentsWrite, handle: a.retryDocument,
		id: "retryDocument", tag: "documents", summary: "Process a failed document again",
		answers:  []answer{acceptedDocument},
		problems: []*kind{notFailed},
	}, {
		method: http.MethodGet, path: "/v1/documents/{id}/chunks", scope: auth.DocumentsRead, handle: a.listChunks,
		id: "listChunks", tag: "documents", summary: "Read a document's text, chunk by chunk",
		parameters: []parameter{firstChunk, pageLimit},
		answers:    []answer{{about: "A page of chunks.", body: exampleChunks}},
	}}
}

func (a *api) searchRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/search", scope: auth.SearchRead, handle: a.search,
		id: "search", tag: "search", summary: "Find chunks of documents, the best first",
		parameters: []parameter{
			searchText, searchMode, searchLimit, searchCursor, searchPerDocument, searchContent, searchNeighbours, searchFilter, userName,
		},
		answers: []answer{{about: "A page of hits.", body: exampleHits, reduced: true}},
	}, {
		method: http.MethodGet, path: "/v1/dashboard", scope: auth.SearchRead, handle: a.dashboard,
		id: "getDashboard", tag: "search", summary: "Read what is held and how it was searched",
		answers: []answer{{about: "The dashboard.", body: exampleDashboard}},
	}}
}

func (a *api) sessionRoutes() []route {
	return []route{{
		method: http.MethodPost, path: "/v1/sessions", scope: auth.SessionsWrite, handle: a.createSession,
		id: "createSession", tag: "sessions", summary: "Begin a session",
		parameters: []parameter{idempotencyKey, userName},
		body:       jsonBody(newSession, maxSessionBody, map[string]string{"user": exampleUser}),
		answers:    []answer{{status: http.StatusCreated, about: "The session.", body: exampleNewSession, located: true}},
		problems:   []*kind{inFlight, keyMismatch},
	}, {
		method: http.MethodGet, path: "/v1/sessions", scope: auth.SessionsRead, handle: a.listSessions,
		id: "listSessions", tag: "sessions", summary: "List a user's sessions without their messages, the newest first",
		parameters: []parameter{listedUser, pageLimit, pageCursor},
		answers:    []answer{{about: "A page of sessions.", body: exampleSessions}},
	}, {
		method: http.MethodGet, path: "/v1/sessions/{id}", scope: auth.SessionsRead, handle: a.getSession,
		id: "getSession", tag: "sessions", summary: "Read a session with its newest messages",
		parameters: []parameter{messageLimit, messagesBefore},
		answers:    []answer{{about: "The session.", body: exampleSession}},
	}, {
		method: http.MethodPost, path: "/v1/sessions/{id}/messages", scope: auth.SessionsWrite, handle: a.appendMessage,
		id: "appendMessage", tag: "sessions", summary: "Add a message to a session",
		parameters: []parameter{idempotencyKey, userName},
		body:       jsonBody(newMessage, maxSessionBody, map[string]string{"role": exampleMessage.Role, "content": exampleMessage.Content}),
		answers:    []answer{{status: http.StatusCreated, about: "The message as it is kept.", body: exampleMessage}},
		problems:   []*kind{inFlight, keyMismatch},
	}, {
		method: http.MethodDelete, path: "/v1/sessions/{id}", scope: auth.SessionsWrite, handle: a.deleteSession,
		id: "deleteSession", tag: "sessions", summary: "Delete a session",
		answers: []answer{{status: http.StatusNoContent, about: "It is gone."}},
	}}
}

func probeRoutes(ready *Readiness) []route {
	return []route{{
		method: http.MethodGet, path: "/healthz", scope: anyone, handle: healthz, idle: true,
		id: "getHealth", tag: "operation", summary: "Whether the process answers",
		answers: []answer{{about: "It does.", body: probeBody{Status: "alive"}}},
	}, {
		method: http.MethodGet, path: "/readyz", scope: anyone, handle: ready.readyz, idle: true,
		id: "getReadiness", tag: "operation", summary: "Whether the process should get requests",
		answers:  []answer{{about: "It should.", body: probeBody{Status: "ready"}}},
		problems: []*kind{notReady},
	}}
}

// mount serves routes, and answers for their paths where another method is asked for.
func mount(mux *http.ServeMux, routes []route, wrap func(path string, h handler) http.Handler) {
	methods := map[string][]string{}
	for _, t := range routes {
		methods[t.path] = append(methods[t.path], t.method)
		mux.Handle(t.method+" "+t.path, wrap(t.path, t.handle))
	}
	for path, allowed := range methods {
		mux.Handle(path, wrap(path, onlyAllowed(allowed)))
	}
	mux.Handle("/", wrap("unmatched", noSuchPath))
}

func noSuchPath(*exchange, *http.Request) error { return notFound.because("no such path") }

// tidy answers paths that have empty parts or dots: a ServeMux leads to others in their place, by an answer of its own.
type tidy struct {
	*http.ServeMux
	unmatched http.Handler
}

// ServeHTTP implements http.Handler.
func (t tidy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path := r.URL.Path; !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || strings.Contains(path, "/.") {
		t.unmatched.ServeHTTP(w, r)
		return
	}
	t.ServeMux.ServeHTTP(w, r)
}

// onlyAllowed answers every method that is not one of those.
func onlyAllowed(methods []string) handler {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		// A pattern for GET serves HEAD too.
		if slices.Contains(methods, m) || m == http.MethodHead && slices.Contains(methods, http.MethodGet) {
			allowed = append(allowed, m)
		}
	}
	allow := strings.Join(allowed, ", ")
	return func(w *exchange, r *http.Request) error {
		w.Header().Set("Allow", allow)
		return methodNotAllowed.because(cut(r.Method, maxQuoted) + " is not one of " + allow)
	}
}
