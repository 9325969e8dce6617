// Package auth tells who sends a request, and what they may do.
//
// Owns: bearer tokens and what makes one good, the issuer's keys, scopes, and who may see what the API keeps.
// Does not own: how a refusal is answered.
package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Authenticator tells who sends a request by its headers: Verifier where tokens are wanted, Off where nobody is asked.
type Authenticator interface {
	Authenticate(ctx context.Context, h http.Header) (Caller, error)
}

// Why a request is not let in. Each is wrapped with a cause for the log; a client learns no more than which of them it is.
var (
	ErrAbsent      = errors.New("no bearer token")
	ErrMalformed   = errors.New("more than one Authorization header")
	ErrToken       = errors.New("the token is not good")
	ErrUnavailable = errors.New("the issuer's keys are not at hand")
)

const (
	// leeway is how far the issuer's clock and this one may be apart.
	leeway = 30 * time.Second
	// maxToken is more than issuers make: 8 kB is what load balancers let through in one header.
	maxToken = 8 << 10
	// maxSeen tokens are remembered, some 1 kB each.
	maxSeen = 4096
)

// Settings say whose tokens are good.
type Settings struct {
	Issuer    string // claim iss, to the letter; its metadata is below it
	Audience  string // one of claim aud
	JWKSURL   string // where the keys are; empty for what the issuer's metadata says
	UserClaim string // the claim that names the user
	CAFile    string // PEM, for connections to the issuer; empty for the system's certificates
}

// Verifier lets in who has a good token.
type Verifier struct {
	settings Settings
	keys     *keySet
	seen     *lru.Cache[[sha256.Size]byte, verified]
	now      func() time.Time
}

// New returns a verifier and begins to fetch the issuer's keys. An issuer that is away is no fault here: requests are
// answered as soon as it is back. fetched hears of each attempt. No fetch outlives ctx.
func New(ctx context.Context, s Settings, fetched func(error)) (*Verifier, error) {
	source, err := newSource(s)
	if err != nil {
		return nil, err
	}
	return newVerifier(s, newKeySet(ctx, source.keys, fetched), time.Now)
}

func newVerifier(s Settings, keys *keySet, now func() time.Time) (*Verifier, error) {
	seen, err := lru.New[[sha256.Size]byte, verified](maxSeen)
	if err != nil {
		return nil, err
	}
	keys.now = now
	keys.begin()
	return &Verifier{settings: s, keys: keys, seen: seen, now: now}, nil
}

// Authenticate returns who the request's token was made for.
func (v *Verifier) Authenticate(ctx context.Context, h http.Header) (Caller, error) {
	token, err := bearer(h)
	if err != nil {
		return Caller{}, err
	}
	return v.verify(ctx, token)
}

// bearer is the token of the only Authorization header (RFC 6750, 2.1). Tokens in bodies and URLs are not read: those are logged.
func bearer(h http.Header) (string, error) {
	given := h.Values("Authorization")
	if len(given) == 0 {
		return "", ErrAbsent
	}
	if len(given) > 1 {
		return "", ErrMalformed
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", fmt.Errorf("%w: another scheme", ErrAbsent)
	}
	token = strings.TrimLeft(token, " ")
	if len(token) > maxToken {
		return "", fmt.Errorf("%w: it has %d bytes, want %d at most", ErrToken, len(token), maxToken)
	}
	return token, nil
}

// Off lets everybody do everything.
type Off struct{}

// Authenticate returns a caller without a name.
func (Off) Authenticate(context.Context, http.Header) (Caller, error) {
	return Caller{unchecked: true}, nil
}
