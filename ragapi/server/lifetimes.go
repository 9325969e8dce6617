package server

import (
	"fmt"
	"net/http"
	"time"

	"github.com/ragscale/ragscale/ragapi/auth"
)

// lifetimes is where it is decided who may keep which answer, and for how long: browsers and the CDN. By route of a GET; whatever
// is not here nobody keeps. docs/api.md has the same table.
//
// What somebody may have changed is asked for again each time, by its ETag: a browser must not show what is deleted.
var lifetimes = map[string]lifetime{
	"/v1/documents":             {shown: auth.Documents},
	"/v1/documents/{id}":        {shown: auth.Documents},
	"/v1/documents/{id}/chunks": {shown: auth.Documents},
	"/v1/search":                {shown: auth.Searches},
	"/v1/sessions":              {shown: auth.Sessions},
	"/v1/sessions/{id}":         {shown: auth.Sessions},
	"/v1/dashboard":             {shown: auth.Dashboard, fresh: 10 * time.Second, stale: 10 * time.Second},
	"/v1/openapi.json":          {shown: auth.Description, fresh: 5 * time.Minute, stale: 5 * time.Minute},
}

// lifetime is that of an answer.
type lifetime struct {
	shown auth.Resource
	fresh time.Duration // it may be shown without a question; 0 is never
	stale time.Duration // from then on the CDN may show it while it asks
}

// nobody keeps what is somebody's own, nor errors.
const nobody = "no-store"

// control is Cache-Control for an answer; checked says whether callers have tokens. What belongs to one user stays out of a browser's
// files.
func (l lifetime) control(checked bool) string {
	switch {
	case l.shown == "" || !l.shown.Shared():
		return nobody
	case l.fresh == 0:
		return "private, no-cache"
	case l.shown.Public(checked):
		return fmt.Sprintf("public, max-age=%d, s-maxage=%[1]d, stale-while-revalidate=%d", int(l.fresh.Seconds()), int(l.stale.Seconds()))
	}
	return fmt.Sprintf("private, max-age=%d", int(l.fresh.Seconds()))
}

// kept is Cache-Control for the answers of a route, but for errors.
func (t route) kept(checked bool) string {
	if t.method != http.MethodGet { // and HEAD
		return nobody
	}
	return lifetimes[t.path].control(checked)
}

// validation is how the copy was that a client had of an answer: hit if it may use it, stale if there is another by now, miss if it
// had none; empty where there is nothing that clients keep.
func validation(r *http.Request, status int, answer http.Header) string {
	switch {
	case r.Method != http.MethodGet || answer.Get("ETag") == "":
		return ""
	case status == http.StatusNotModified:
		return "hit"
	case status == http.StatusOK && r.Header.Get("If-None-Match") != "":
		return "stale"
	case status == http.StatusOK:
		return "miss"
	}
	return ""
}
