package server

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/session"
)

const (
	keyHeader       = "Idempotency-Key"
	matchHeader     = "If-Match"
	noneMatchHeader = "If-None-Match"
	maxKeyBytes     = 255
)

// requestKey returns what the sender calls a request that asks for parts; the zero key if they do not call it anything. A key
// stands for one path, one user and one content, so that the same key elsewhere is a mistake that shows.
func requestKey(r *http.Request, parts ...string) (idempotency.Key, error) {
	values := r.Header.Values(keyHeader)
	if len(values) == 0 {
		return idempotency.Key{}, nil
	}
	value := values[0]
	printable := strings.IndexFunc(value, func(c rune) bool { return c < '!' || c > '~' }) < 0
	if len(values) > 1 || value == "" || len(value) > maxKeyBytes || !printable {
		return idempotency.Key{}, invalid([]Fault{{Parameter: keyHeader, Detail: "is not valid, want one of 1 to " + bytesText(maxKeyBytes) + " of printable ASCII without spaces"}})
	}
	user, err := loggedUser(r)
	if err != nil {
		return idempotency.Key{}, err
	}
	sum := sha256.New()
	for _, part := range append([]string{r.Method, r.URL.Path}, parts...) {
		// A hash's Write never fails. Lengths keep the parts apart.
		_ = binary.Write(sum, binary.BigEndian, int64(len(part)))
		_, _ = sum.Write([]byte(part))
	}
	return idempotency.Key{Owner: user, Value: value, Request: [32]byte(sum.Sum(nil))}, nil
}

// ofDocument is a request's conditions on a document that is to change; nil if there are none.
func ofDocument(r *http.Request) document.Condition {
	if !conditional(r) {
		return nil
	}
	return func(d document.Document) bool { return holds(r, documentTag(d)) }
}

// ofSession is a request's conditions on a session that is to change; nil if there are none.
func ofSession(r *http.Request) session.Condition {
	if !conditional(r) {
		return nil
	}
	return func(s session.Session) bool { return holds(r, timeTag(s.UpdatedAt)) }
}

func conditional(r *http.Request) bool {
	return len(r.Header.Values(matchHeader)) > 0 || len(r.Header.Values(noneMatchHeader)) > 0
}

// holds reports whether a request may change what has tag, after RFC 9110, 13.2.2. Dates are not heeded: nothing here has a Last-Modified.
func holds(r *http.Request, tag string) bool { return ifMatch(r, tag) && !noneMatch(r, tag) }

// ofNothing are the conditions on what a request makes: it is not there, so that no If-Match holds, and every If-None-Match does.
func ofNothing(r *http.Request) error {
	if len(r.Header.Values(matchHeader)) > 0 {
		return conditionFailed
	}
	return nil
}

var conditionFailed = preconditionFailed.because("what it is about is not, as it is, what If-Match and If-None-Match say")

// ifMatch reports whether If-Match, if there is one, names what has tag, after RFC 9110, 13.1.1: a weak tag is none here.
func ifMatch(r *http.Request, tag string) bool {
	lists := r.Header.Values(matchHeader)
	return len(lists) == 0 || slices.ContainsFunc(lists, func(list string) bool { return names(list, tag, false) })
}

// noneMatch reports whether If-None-Match names tag, after RFC 9110, 13.1.2. Proxies that compress weaken tags.
func noneMatch(r *http.Request, tag string) bool {
	return slices.ContainsFunc(r.Header.Values(noneMatchHeader), func(list string) bool { return names(list, tag, true) })
}

// names reports whether a list of ETags (RFC 9110, 8.8.3) has tag or is *. It ends where it is not well-formed.
func names(list, tag string, weak bool) bool {
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for rest := list; ; {
		rest = strings.TrimLeft(rest, ", \t")
		opaque := strings.TrimPrefix(rest, "W/")
		strong := opaque == rest
		if !strings.HasPrefix(opaque, `"`) {
			return false
		}
		end := strings.IndexByte(opaque[1:], '"')
		if end < 0 {
			return false
		}
		if opaque[:end+2] == tag && (strong || weak) {
			return true
		}
		rest = opaque[end+2:]
	}
}
