package server

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/session"
)

const (
	maxUserBytes    = auth.MaxUserBytes
	maxContentBytes = 16 << 10
	// maxSessionBody is a message of nothing but characters that JSON escapes with six.
	maxSessionBody = 6*maxContentBytes + 1024
)

var (
	newSession     = shapeOf("NewSession", "The beginning of a session.", sessionUser)
	newMessage     = shapeOf("NewMessage", "Something that was said.", messageRole, messageContent)
	sessionUser    = field{name: "user", need: unlessChecked, most: maxUserBytes, about: "Whose session it is; callers with a token may leave it out: it is theirs."}
	messageRole    = field{name: "role", most: maxUserBytes, words: []string{"user", "assistant", "system"}, about: "Who said it."}
	messageContent = field{name: "content", most: maxContentBytes, about: "What was said."}

	listedUser     = phrase{name: "user", need: unlessChecked, most: maxUserBytes, about: "Whose sessions; callers with a token may leave it out: it is theirs."}
	messageLimit   = number{name: "limit", low: 1, high: session.MostMessages, fallback: session.MostMessages, about: "Messages at most, the newest."}
	messagesBefore = number{name: "before", low: 1, high: math.MaxInt, about: "Only messages before the one with this number."}
)

type sessionBody struct {
	ID        uuid.UUID         `json:"id"`
	User      string            `json:"user"`
	Messages  []session.Message `json:"messages,omitempty" jsonschema:"the oldest first; absent in lists, and while there are none"`
	CreatedAt time.Time         `json:"createdAt"`
	UpdatedAt time.Time         `json:"updatedAt"`
	ExpiresAt time.Time         `json:"expiresAt"`
	Next      int64             `json:"next,omitempty" jsonschema:"before of the page of older messages; absent where there are none"`
}

func sessionBodyOf(s session.Session) sessionBody {
	body := sessionBody{
		ID: s.ID, User: s.User, Messages: s.Messages,
		CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
	}
	if s.Older {
		body.Next = s.Messages[0].Number
	}
	return body
}

type sessionPage struct {
	Sessions []sessionBody `json:"sessions"`
	Next     string        `json:"next,omitempty" jsonschema:"the cursor of the next page; absent on the last"`
}

func (a *api) createSession(w *exchange, r *http.Request) error {
	body, err := readObject(w, newSession)
	if err != nil {
		return err
	}
	named := ""
	if body.has("user") || !auth.From(r.Context()).Checked() {
		named = body.user(sessionUser)
	}
	if body.faults != nil {
		return invalid(body.faults)
	}
	user, err := actingFor(w, r, named)
	if err == nil {
		err = ofNothing(r)
	}
	if err != nil {
		return err
	}
	key, err := requestKey(r, user)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	s, err := a.Sessions.Create(ctx, user, key)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/sessions/"+s.ID.String())
	return writeJSON(w, http.StatusCreated, sessionBodyOf(s))
}

func (a *api) getSession(w *exchange, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	q, err := w.parameters(r)
	if err != nil {
		return err
	}
	part := session.Span{Limit: q.number(messageLimit), Before: int64(q.number(messagesBefore))}
	if q.faults != nil {
		return invalid(q.faults)
	}
	if err := w.expect(r.Context(), min(part.Limit*maxContentBytes, session.MostText)); err != nil {
		return err
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

func (a *api) appendMessage(w *exchange, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	body, err := readObject(w, newMessage)
	if err != nil {
		return err
	}
	m := session.Message{Role: body.text(messageRole), Content: body.text(messageContent)}
	if body.faults != nil {
		return invalid(body.faults)
	}
	key, err := requestKey(r, m.Role, m.Content)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	if m, err = a.say(ctx, r, id, m, key); err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, m)
}

// say adds a message to a session that the caller may see. Of one that is gone, what was said under the key before is answered.
func (a *api) say(ctx context.Context, r *http.Request, id uuid.UUID, m session.Message, key idempotency.Key) (session.Message, error) {
	meant, gone := ofSession(r), a.changeable(ctx, id)
	switch {
	case gone == nil:
		return a.Sessions.Append(ctx, id, m, key, meant)
	case key.Value == "" || !errors.Is(gone, session.ErrNotFound):
		return session.Message{}, gone
	}
	none := func(session.Session) bool { return false }
	m, err := a.Sessions.Append(ctx, id, m, key, none)
	if errors.Is(err, session.ErrChanged) {
		err = gone
	}
	return m, err
}

func (a *api) listSessions(w *exchange, r *http.Request) error {
	q, err := w.parameters(r)
	if err != nil {
		return err
	}
	named := ""
	if q.values.Has("user") || !auth.From(r.Context()).Checked() {
		named = q.user(listedUser)
	}
	limit := q.number(pageLimit)
	before := q.cursor(pageCursor)
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

func (a *api) deleteSession(w *exchange, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	if err := a.changeable(ctx, id); err != nil {
		return err
	}
	if err := a.Sessions.Delete(ctx, id, ofSession(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
