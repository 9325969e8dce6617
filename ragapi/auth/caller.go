package auth

import (
	"context"
	"slices"
)

// Scope is a right that a token may carry.
type Scope string

// The scopes. Each route needs one of them, or none.
const (
	SearchRead     Scope = "search:read"
	DocumentsRead  Scope = "documents:read"
	DocumentsWrite Scope = "documents:write"
	SessionsRead   Scope = "sessions:read"
	SessionsWrite  Scope = "sessions:write"
	// SessionsAdmin widens both of the above to every user's sessions.
	SessionsAdmin Scope = "sessions:admin"
	// LimitsExempt lifts the rate limit: for load tests and services that act for many.
	LimitsExempt Scope = "limits:exempt"
)

// Caller is who sends a request.
type Caller struct {
	User      string // "" where nobody is asked
	scopes    []Scope
	unchecked bool
}

// NewCaller returns a user with these rights.
func NewCaller(user string, scopes ...Scope) Caller { return Caller{User: user, scopes: scopes} }

// Checked reports whether a token says who this is.
func (c Caller) Checked() bool { return !c.unchecked }

// May reports whether the caller has a right. Where nobody is asked, everybody has all.
func (c Caller) May(s Scope) bool { return c.unchecked || slices.Contains(c.scopes, s) }

// ActsFor reports whether the caller may see and change what a user owns.
func (c Caller) ActsFor(user string) bool {
	return c.User != "" && c.User == user || c.May(SessionsAdmin)
}

// Exempt reports whether no rate limit holds for the caller.
func (c Caller) Exempt() bool { return c.Checked() && c.May(LimitsExempt) }

type callerKey struct{}

// With returns a context that knows the caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller that With put there; without one, a caller who may do nothing.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
