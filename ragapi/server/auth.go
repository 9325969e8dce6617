package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/session"
)

// guarded lets a request through to its handler if its caller may, and not too often.
func (a *api) guarded(t route) handler {
	kept := t.kept(a.checked())
	if t.scope == anyone {
		return func(w *exchange, r *http.Request) error {
			w.Header().Set("Cache-Control", kept)
			return t.handle(w, r)
		}
	}
	checked := a.checked()
	return func(w *exchange, r *http.Request) error {
		if checked {
			w.Header().Set("Vary", "Authorization")
		}
		caller, err := a.Auth.Authenticate(r.Context(), r.Header)
		if err != nil {
			return a.refused(w, r, err)
		}
		if err := a.RateLimit.take(w, r, caller); err != nil {
			return err
		}
		if !caller.May(t.scope) {
			return lacks(w, t.scope)
		}
		w.Header().Set("Cache-Control", kept)
		return t.handle(w, r.WithContext(auth.With(r.Context(), caller)))
	}
}

// refused answers a request without a good token after RFC 6750, 3.1: what is wrong by its standard code, and no more.
// The log has the cause.
func (a *api) refused(w http.ResponseWriter, r *http.Request, err error) error {
	a.Log.LogAttrs(r.Context(), slog.LevelDebug, "token refused", slog.String("request", requestID(r.Context())), slog.String("cause", err.Error()))
	switch {
	case errors.Is(err, auth.ErrAbsent):
		challenge(w, "")
		return unauthenticated.because("want a bearer token in the header Authorization")
	case errors.Is(err, auth.ErrMalformed):
		challenge(w, `, error="invalid_request"`)
		return invalid([]Fault{{Parameter: "Authorization", Detail: "is there more than once, want one header"}})
	case errors.Is(err, auth.ErrToken):
		challenge(w, `, error="invalid_token"`)
		return unauthenticated.because("the token is not valid, or no longer")
	case errors.Is(err, auth.ErrUnavailable):
		return unavailable.because("the issuer of tokens does not answer, try again")
	}
	return err
}

func challenge(w http.ResponseWriter, more string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="ragapi"`+more)
}

func lacks(w http.ResponseWriter, lacking auth.Scope) *Problem {
	challenge(w, `, error="insufficient_scope", scope="`+string(lacking)+`"`)
	return forbidden.because("want the scope " + string(lacking))
}

// actingFor is the user whom a request is about: who is named, or else the caller. Another than the caller is for those
// with the scope for it.
func actingFor(w http.ResponseWriter, r *http.Request, named string) (string, error) {
	caller := auth.From(r.Context())
	if named == "" {
		return caller.User, nil
	}
	if !caller.ActsFor(named) {
		return "", lacks(w, auth.SessionsAdmin)
	}
	return named, nil
}

// visible hides a session from those who may not see it: it is as if there were none.
func visible(ctx context.Context, s session.Session) error {
	if !auth.Sessions.VisibleTo(auth.From(ctx), s.User) {
		return session.ErrNotFound
	}
	return nil
}

// changeable is visible by id, for what changes a session without reading it. An owner never changes, so that asking
// first is enough.
func (a *api) changeable(ctx context.Context, id uuid.UUID) error {
	if auth.From(ctx).May(auth.SessionsAdmin) {
		return nil
	}
	s, err := a.Sessions.Get(ctx, id, session.Span{Limit: 1})
	if err != nil {
		return err
	}
	return visible(ctx, s)
}
