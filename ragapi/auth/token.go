package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// algorithms are those of public keys alone. A token that says "none" or names a secret's algorithm is not even parsed,
// so that no public key can be taken for a secret.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}

// verified is what a token said whose signature was good.
type verified struct {
	name, algorithm string           // of its key
	key             *jose.JSONWebKey // in the set that was in use then
	claims          jwt.Claims
	caller          Caller
}

// verify checks signature, issuer, audience and times. A token that comes again is not verified again while its key is
// the one that the issuer's set has; its times are.
func (v *Verifier) verify(ctx context.Context, text string) (Caller, error) {
	digest := sha256.Sum256([]byte(text))
	found, known := v.seen.Get(digest)
	if known {
		key, err := v.keys.find(ctx, found.name, found.algorithm)
		if err != nil {
			return Caller{}, err
		}
		known = key == found.key
	}
	if !known {
		var err error
		if found, err = v.open(ctx, text); err != nil {
			return Caller{}, err
		}
	}
	if err := v.settings.check(found.claims, v.now()); err != nil {
		return Caller{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if !known {
		v.seen.Add(digest, found)
	}
	return found.caller, nil
}

// open verifies the signature and reads who the token was made for.
func (v *Verifier) open(ctx context.Context, text string) (verified, error) {
	token, err := jwt.ParseSigned(text, algorithms)
	if err != nil {
		return verified{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	header := token.Headers[0]
	if header.KeyID == "" {
		return verified{}, fmt.Errorf("%w: it has no kid", ErrToken)
	}
	found := verified{name: header.KeyID, algorithm: header.Algorithm}
	if found.key, err = v.keys.find(ctx, found.name, found.algorithm); err != nil {
		return verified{}, err
	}
	var all map[string]json.RawMessage
	if err := token.Claims(found.key.Key, &found.claims, &all); err != nil {
		return verified{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	found.caller, err = v.settings.caller(all)
	return found, err
}

func (s Settings) check(c jwt.Claims, now time.Time) error {
	if c.Expiry == nil {
		return errors.New("it has no exp")
	}
	return c.ValidateWithLeeway(jwt.Expected{Issuer: s.Issuer, AnyAudience: jwt.Audience{s.Audience}, Time: now}, leeway)
}

// caller reads the user and the scopes: claim scope, words of a text (RFC 9068), or scp, the same or a list.
func (s Settings) caller(claims map[string]json.RawMessage) (Caller, error) {
	var user string
	if err := json.Unmarshal(claims[s.UserClaim], &user); err != nil || !nameable(user) {
		return Caller{}, fmt.Errorf("%w: claim %s is no name of 1 to %d bytes in Unicode's form NFC, without blanks at its ends", ErrToken, s.UserClaim, MaxUserBytes)
	}
	var scopes []Scope
	for _, name := range []string{"scope", "scp"} {
		granted, err := words(claims[name])
		if err != nil {
			return Caller{}, fmt.Errorf("%w: claim %s is neither a text nor a list of texts", ErrToken, name)
		}
		for _, word := range granted {
			scopes = append(scopes, Scope(word))
		}
	}
	return NewCaller(user, scopes...), nil
}

// nameable is a name that no other claim reads as: another form of it may be somebody else's at the issuer, and decoding makes one
// and the same replacement character of all that is not UTF-8.
func nameable(user string) bool {
	name, fault := Name(user)
	return fault == "" && name == user && !strings.ContainsRune(user, utf8.RuneError)
}

func words(claim json.RawMessage) ([]string, error) {
	if claim == nil {
		return nil, nil
	}
	var text string
	if err := json.Unmarshal(claim, &text); err == nil {
		return strings.Fields(text), nil
	}
	var list []string
	err := json.Unmarshal(claim, &list)
	return list, err
}
