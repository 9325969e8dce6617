package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonical is the form of a request that is signed.
func (c *claim) canonical(r *http.Request, payload string) string {
	lines := []string{r.Method, c.path(r), canonicalQuery(r.URL.RawQuery)}
	for _, name := range c.headers {
		lines = append(lines, name+":"+headerValue(r, name))
	}
	return strings.Join(append(lines, "", strings.Join(c.headers, ";"), payload), "\n")
}

// path is the path, each segment escaped: once for S3, whose keys are what they are, and twice for all others.
func (c *claim) path(r *http.Request) string {
	p := r.URL.Path
	if c.scope.service != "s3" {
		p = r.URL.EscapedPath()
	}
	if p == "" {
		return "/"
	}
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i] = escape(s)
	}
	return strings.Join(segments, "/")
}

// canonicalQuery has the parameters in order, but for the signature.
func canonicalQuery(raw string) string {
	var pairs [][2]string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name = unescape(name); part != "" && name != querySignature {
			pairs = append(pairs, [2]string{escape(name), escape(unescape(value))})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if order := strings.Compare(a[0], b[0]); order != 0 {
			return order
		}
		return strings.Compare(a[1], b[1])
	})
	out := make([]string, len(pairs))
	for i, p := range pairs {
		out[i] = p[0] + "=" + p[1]
	}
	return strings.Join(out, "&")
}

// unescape leaves alone what cannot be read: it is signed as it is, or the signature is another.
func unescape(s string) string {
	plain, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return plain
}

// escape leaves letters, digits and -._~ as they are.
func escape(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		switch {
		case 'A' <= ch && ch <= 'Z', 'a' <= ch && ch <= 'z', '0' <= ch && ch <= '9', strings.IndexByte("-._~", ch) >= 0:
			b.WriteByte(ch)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[ch>>4])
			b.WriteByte(digits[ch&15])
		}
	}
	return b.String()
}

// headerValue joins a header's values, with runs of spaces made one.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	var all []string
	for _, v := range r.Header.Values(name) {
		all = append(all, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(all, ",")
}
