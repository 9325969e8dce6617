package sigv4

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// claim is what a request says about its signature.
type claim struct {
	accessKeyID string
	scope       scope
	date        time.Time
	expires     time.Duration // of a presigned request, else 0
	headers     []string      // signed ones, lower case, in their order
	signature   string
	token       string // of the session
	presigned   bool
}

// Parameters of a presigned request.
const (
	queryAlgorithm  = "X-Amz-Algorithm"
	queryCredential = "X-Amz-Credential"
	queryDate       = "X-Amz-Date"
	queryExpires    = "X-Amz-Expires"
	queryHeaders    = "X-Amz-SignedHeaders"
	querySignature  = "X-Amz-Signature"
	queryToken      = "X-Amz-Security-Token"
)

const (
	// maxExpires is how long a presigned request may be good for.
	maxExpires = 7 * 24 * time.Hour
	// plainExpires is how long one is that does not say.
	plainExpires = 15 * time.Minute
)

func parse(r *http.Request) (*claim, error) {
	header, query := r.Header.Get("Authorization"), r.URL.Query()
	switch {
	case header != "":
		return parseHeader(r, header)
	case query.Has(queryAlgorithm):
		return parseQuery(query)
	}
	return nil, fault(Missing, "the request has no signature")
}

func parseHeader(r *http.Request, header string) (*claim, error) {
	fields, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return nil, fault(Malformed, "the Authorization header does not begin with %s", algorithm)
	}
	values := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		values[name] = value
	}
	c := &claim{signature: values["Signature"], token: r.Header.Get(queryToken)}
	date := r.Header.Get(queryDate)
	if date == "" {
		at, err := http.ParseTime(r.Header.Get("Date"))
		if err == nil {
			date = at.UTC().Format(dateLayout)
		}
	}
	return c, c.fill(values["Credential"], date, values["SignedHeaders"])
}

func parseQuery(query url.Values) (*claim, error) {
	if got := query.Get(queryAlgorithm); got != algorithm {
		return nil, fault(Malformed, "%s is %q, want %s", queryAlgorithm, got, algorithm)
	}
	c := &claim{signature: query.Get(querySignature), token: query.Get(queryToken), presigned: true}
	c.expires = plainExpires
	if text := query.Get(queryExpires); text != "" {
		seconds, err := strconv.Atoi(text)
		c.expires = time.Duration(seconds) * time.Second
		if err != nil || c.expires < time.Second || c.expires > maxExpires {
			return nil, fault(Malformed, "%s is %q, want 1 to 604800", queryExpires, text)
		}
	}
	return c, c.fill(query.Get(queryCredential), query.Get(queryDate), query.Get(queryHeaders))
}

func (c *claim) fill(credential, date, headers string) (err error) {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != terminator || parts[0] == "" {
		return fault(Malformed, "the credential is not KEY/DATE/REGION/SERVICE/%s", terminator)
	}
	c.accessKeyID, c.scope = parts[0], scope{parts[1], parts[2], parts[3]}
	if c.date, err = time.Parse(dateLayout, date); err != nil {
		return fault(Malformed, "X-Amz-Date is %q, want a date such as 20060102T150405Z", date)
	}
	if day := c.date.Format(dayLayout); day != c.scope.day {
		return fault(Malformed, "the credential is of %s, the request of %s", c.scope.day, day)
	}
	if c.headers = strings.Split(headers, ";"); !slices.IsSorted(c.headers) {
		return fault(Malformed, "the signed headers are not in alphabetical order")
	}
	return nil
}

// timely says whether the request comes in its time.
func (c *claim) timely(now time.Time) error {
	allowed := skew
	if c.scope.service == "s3" {
		allowed = skewS3
	}
	switch {
	case c.date.Sub(now) > allowed:
		return fault(Skewed, "the request is of %s, and here it is %s", c.date.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case c.presigned && now.Sub(c.date) > c.expires:
		return fault(Expired, "the request was good until %s", c.date.Add(c.expires).Format(time.RFC3339))
	case !c.presigned && now.Sub(c.date) > allowed:
		return fault(Skewed, "the request is of %s, and here it is %s", c.date.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// payload is the hash that was signed, or what stands for it. Where S3's clients name it, the body is checked while
// it is read; else it is read and hashed here.
func (c *claim) payload(r *http.Request) (string, error) {
	named := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case c.scope.service == "s3" && c.presigned && named == "":
		return unsignedPayload, nil
	case c.scope.service == "s3" && named == "":
		return "", fault(Malformed, "the header x-amz-content-sha256 is missing")
	case c.scope.service == "s3":
		return named, nil
	case r.Body == nil:
		return hexHash(nil), nil
	}
	all, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return "", fault(Body, "the body has more than %d bytes", maxBody)
	}
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(all))
	return hexHash(all), nil
}
