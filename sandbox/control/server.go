package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// maxBody bounds a request: the largest specs are access entries and parameter groups, a few kB each.
const maxBody = 4 << 20

// Manager does the work behind one kind. Calls on one id never overlap; calls on different ids do.
type Manager interface {
	// Put makes spec true and answers with the kind's info (nil for a kind without one).
	Put(ctx context.Context, id string, spec json.RawMessage) (info any, err error)
	// Delete removes id; an id that is not there is no error.
	Delete(ctx context.Context, id string) error
}

// Refusal is an error of the caller's making; the client sees its HTTP status.
type Refusal struct {
	Code    int
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// Conflict refuses what another resource rules out.
func Conflict(format string, args ...any) error {
	return &Refusal{Code: http.StatusConflict, Message: fmt.Sprintf(format, args...)}
}

// Invalid refuses a spec that cannot be.
func Invalid(format string, args ...any) error {
	return &Refusal{Code: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// Decode reads a spec strictly: an unknown property means that client and sandbox are of different versions.
func Decode(kind, id string, spec json.RawMessage, into any) error {
	dec := json.NewDecoder(bytes.NewReader(spec))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return Invalid("%s/%s: %v", kind, id, err)
	}
	return nil
}

// Server serves the control API.
type Server struct {
	managers map[string]Manager
	status   func(context.Context) (Status, error)
	mux      *http.ServeMux
	busy     keyedMutex
}

// NewServer serves managers (kind to manager) and status.
func NewServer(managers map[string]Manager, status func(context.Context) (Status, error)) *Server {
	s := &Server{managers: managers, status: status, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /v1/status", s.getStatus)
	s.mux.HandleFunc("PUT /v1/{kind}/{id}", s.put)
	s.mux.HandleFunc("DELETE /v1/{kind}/{id}", s.remove)
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) getStatus(w http.ResponseWriter, r *http.Request) {
	st, err := s.status(r.Context())
	answer(w, st, err)
}

func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	m, err := s.manager(r)
	if err != nil {
		answer(w, nil, err)
		return
	}
	spec, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answer(w, nil, Invalid("%s/%s: %v", r.PathValue("kind"), r.PathValue("id"), err))
		return
	}
	defer s.busy.lock(r.PathValue("kind") + "/" + r.PathValue("id"))()
	info, err := m.Put(r.Context(), r.PathValue("id"), spec)
	answer(w, info, err)
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	m, err := s.manager(r)
	if err == nil {
		defer s.busy.lock(r.PathValue("kind") + "/" + r.PathValue("id"))()
		err = m.Delete(r.Context(), r.PathValue("id"))
	}
	answer(w, nil, err)
}

func (s *Server) manager(r *http.Request) (Manager, error) {
	kind := r.PathValue("kind")
	if m, ok := s.managers[kind]; ok {
		return m, nil
	}
	return nil, &Refusal{Code: http.StatusNotFound, Message: fmt.Sprintf("%s is no kind of this sandbox", kind)}
}

func answer(w http.ResponseWriter, body any, err error) {
	code := http.StatusOK
	if err != nil {
		code = http.StatusInternalServerError
		var refusal *Refusal
		if errors.As(err, &refusal) {
			code = refusal.Code
		}
		body = Error{Message: err.Error()}
	}
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	raw, err := json.Marshal(body)
	if err != nil {
		code, raw = http.StatusInternalServerError, fmt.Appendf(nil, `{"message":%q}`, err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(raw) // a client that went away gets no answer
}

// keyedMutex serialises by key and forgets a key nobody holds.
type keyedMutex struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	sync.Mutex
	users int
}

// lock waits for key and returns what releases it.
func (k *keyedMutex) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*keyLock{}
	}
	l, ok := k.held[key]
	if !ok {
		l = &keyLock{}
		k.held[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.held, key)
		}
	}
}
