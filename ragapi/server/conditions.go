package server

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"strings"

	"github.com/ragscale/ragscale/ragapi/idempotency"
)

const (
	keyHeader   = "Idempotency-Key"
	maxKeyBytes = 255
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

// ifMatch reports whether a request's condition holds for what has tag, after RFC 9110, 13.1.1. Without one it does.
func ifMatch(r *http.Request, tag string) bool {
	conditions := r.Header.Values("If-Match")
	for _, condition := range conditions {
		for candidate := range strings.SplitSeq(condition, ",") {
			if candidate = strings.TrimSpace(candidate); candidate == tag || candidate == "*" {
				return true // a weak tag is none here
			}
		}
	}
	return len(conditions) == 0
}
