package server

import (
	"math"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/session"
)

const (
	maxUserBytes    = 128
	maxContentBytes = 16 << 10
	// maxSessionBody is a message of nothing but characters that JSON escapes with six.
	maxSessionBody = 6*maxContentBytes + 1024
)

var roles = []string{"user", "assistant", "system"}

type sessionBody struct {
	ID        uuid.UUID         `json:"id"`
	User      string            `json:"user"`
	Messages  []session.Message `json:"messages,omitempty"` // absent in lists
	CreatedAt time.Time         `json:"createdAt"`
	UpdatedAt time.Time         `json:"updatedAt"`
	ExpiresAt time.Time         `json:"expiresAt"`
}

func sessionBodyOf(s session.Session) sessionBody {
	return sessionBody{
		ID: s.ID, User: s.User, Messages: s.Messages,
		CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
	}
}

type sessionPage struct {
	Sessions []sessionBody `json:"sessions"`
	Next     string        `json:"next,omitempty"` // the cursor of the next page; absent on the last
}

func (a *api) createSession(w http.ResponseWriter, r *http.Request) error {
	body, err := readObject(w, r, maxSessionBody, "user")
	if err != nil {
		return err
	}
	named := ""
	if body.has("user") || !auth.From(r.Context()).Checked() {
		named = body.text("user", maxUserBytes)
	}
	if body.faults != nil {
		return invalid(body.faults)
	}
	user, err := actingFor(w, r, named)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	s, err := a.Sessions.Create(ctx, user)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/sessions/"+s.ID.String())
	return writeJSON(w, http.StatusCreated, sessionBodyOf(s))
}

func (a *api) getSession(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	q, err := readParameters(r)
	if err != nil {
		return err
	}
	part := session.Span{Limit: q.integer("limit", session.MostMessages, session.MostMessages), Before: int64(q.integer("before", 0, math.MaxInt))}
	if q.faults != nil {
		return invalid(q.faults)
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	s, err := a.Sessions.Get(ctx, id, part)
	if err == nil {
		err = visible(ctx, s)
	}
	if err != nil {
		return err
	}
	return writeTaggedJSON(w, r, timeTag(s.UpdatedAt), sessionBodyOf(s))
}

func (a *api) appendMessage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	body, err := readObject(w, r, maxSessionBody, "role", "content")
	if err != nil {
		return err
	}
	m := session.Message{Role: body.oneOf("role", roles...), Content: body.text("content", maxContentBytes)}
	if body.faults != nil {
		return invalid(body.faults)
	}
	key, err := requestKey(r, m.Role, m.Content)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	if err := a.changeable(ctx, id); err != nil {
		return err
	}
	if m, err = a.Sessions.Append(ctx, id, m, key); err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, m)
}

func (a *api) listSessions(w http.ResponseWriter, r *http.Request) error {
	q, err := readParameters(r)
	if err != nil {
		return err
	}
	named := ""
	if q.values.Has("user") || !auth.From(r.Context()).Checked() {
		named = q.text("user", maxUserBytes)
	}
	limit := q.integer("limit", defaultPage, maxPage)
	before := q.cursor("cursor")
	if q.faults != nil {
		return invalid(q.faults)
	}
	user, err := actingFor(w, r, named)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	found, err := a.Sessions.List(ctx, user, limit+1, before)
	if err != nil {
		return err
	}
	page := sessionPage{Sessions: []sessionBody{}}
	for _, s := range found[:min(limit, len(found))] {
		page.Sessions = append(page.Sessions, sessionBodyOf(s))
	}
	if len(found) > limit {
		page.Next = cursorOf(found[limit-1].ID)
	}
	return writeTaggedJSON(w, r, "", page)
}

func (a *api) deleteSession(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	if err := a.changeable(ctx, id); err != nil {
		return err
	}
	if err := a.Sessions.Delete(ctx, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
