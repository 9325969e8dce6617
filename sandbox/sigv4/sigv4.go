// Package sigv4 checks requests that were signed by AWS's Signature Version 4.
//
// Owns: signatures in the Authorization header and in the query of presigned URLs, how old a request may be, the body's
// hash, and bodies in signed chunks. Does not own: whose a key is, what it may do, and how a service words a refusal.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html ; read 2026-11-30.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	dateLayout = "20060102T150405Z"
	dayLayout  = "20060102"
	// skewS3 and skew are how far a request's date may be from the service's clock.
	skewS3 = 15 * time.Minute
	skew   = 5 * time.Minute
	// maxBody bounds a body that is hashed before its request is served; S3's are hashed while they are read.
	maxBody = 16 << 20
)

// Key is the secret of an access key, and whose it is.
type Key struct {
	Secret  string
	Session string // the token that temporary credentials come with, "" for a user's own
	ARN     string // of the principal
}

// Lookup finds an access key.
type Lookup func(accessKeyID string) (Key, bool)

// Kind is what is wrong with a request; each protocol has a code of its own for it.
type Kind int

// The kinds of faults.
const (
	Missing   Kind = iota // there is no signature
	Malformed             // there is one that cannot be read
	Unknown               // the key is unknown
	Token                 // the session token is not the key's
	Mismatch              // the signature is another
	Skewed                // the request is too old, or from the future
	Expired               // a presigned request is over
	Body                  // the body is not what was signed
)

// Fault is why a request is refused. It never repeats a signature or a secret.
type Fault struct {
	Kind    Kind
	Message string
}

func (f *Fault) Error() string { return f.Message }

func fault(kind Kind, format string, args ...any) error {
	return &Fault{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Signed is a request whose signature is right.
type Signed struct {
	AccessKeyID string
	ARN         string // of the principal
	Region      string
	Service     string // as signed: "s3", "rds", "monitoring"
	// Trailer holds what came after a body in chunks, once that was read to its end.
	Trailer http.Header
}

// Verify checks r as of now. The body that r has afterwards gives a Fault where it is not what was signed.
func Verify(r *http.Request, lookup Lookup, now time.Time) (*Signed, error) {
	c, err := parse(r)
	if err != nil {
		return nil, err
	}
	if err := c.timely(now); err != nil {
		return nil, err
	}
	return c.verify(r, lookup)
}

// VerifyAtAnyTime checks r but for its age, which its caller judges.
func VerifyAtAnyTime(r *http.Request, lookup Lookup) (*Signed, error) {
	c, err := parse(r)
	if err != nil {
		return nil, err
	}
	return c.verify(r, lookup)
}

func (c *claim) verify(r *http.Request, lookup Lookup) (*Signed, error) {
	key, known := lookup(c.accessKeyID)
	if !known {
		return nil, fault(Unknown, "access key %s is unknown here", c.accessKeyID)
	}
	if subtle.ConstantTimeCompare([]byte(c.token), []byte(key.Session)) != 1 {
		return nil, fault(Token, "the session token is not that of access key %s", c.accessKeyID)
	}
	if err := c.complete(r); err != nil {
		return nil, err
	}
	payload, err := c.payload(r)
	if err != nil {
		return nil, err
	}
	canonical := c.canonical(r, payload)
	k := signingKey(key.Secret, c.scope)
	if !equal(c.signature, sign(k, stringToSign(c.date, c.scope, canonical))) {
		return nil, fault(Mismatch, "the signature is not that of access key %s for this request", c.accessKeyID)
	}
	s := &Signed{AccessKeyID: c.accessKeyID, ARN: key.ARN, Region: c.scope.region, Service: c.scope.service, Trailer: http.Header{}}
	r.Body = s.body(r.Body, payload, &chain{key: k, date: c.date, scope: c.scope, last: c.signature})
	return s, nil
}

// complete says whether everything is signed that has to be.
func (c *claim) complete(r *http.Request) error {
	if !slices.Contains(c.headers, "host") {
		return fault(Malformed, "the header host is not signed")
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(c.headers, lower) && (c.scope.service == "s3" || lower != "x-amz-content-sha256") {
			return fault(Mismatch, "the header %s is there and not signed", lower)
		}
	}
	return nil
}

// scope is what a signing key is good for.
type scope struct{ day, region, service string }

func (s scope) String() string {
	return strings.Join([]string{s.day, s.region, s.service, terminator}, "/")
}

func stringToSign(date time.Time, s scope, canonical string) string {
	return strings.Join([]string{algorithm, date.Format(dateLayout), s.String(), hexHash([]byte(canonical))}, "\n")
}

func signingKey(secret string, s scope) []byte {
	key := mac([]byte("AWS4"+secret), s.day)
	for _, part := range []string{s.region, s.service, terminator} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sign(key []byte, text string) string { return hex.EncodeToString(mac(key, text)) }

func hexHash(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
