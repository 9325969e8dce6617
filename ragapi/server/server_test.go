package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/metrics"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/session"
)

var (
	id      = uuid.MustParse("01930000-0000-7000-8000-000000000001")
	created = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// fake answers as it is told and remembers what arrived.
type fake struct {
	err      error
	waits    time.Duration // in Create
	uploaded document.Upload
	docs     []document.Document
	status   document.Status
	query    search.Query
	degraded bool // its searches
	logged   []querylog.Record
	appended session.Message
	key      idempotency.Key // of what was appended, or begun
	changed  bool            // something was
	sessions []session.Session
	listed   string // whose sessions
	kept     session.Session
}

func (f *fake) Create(ctx context.Context, up document.Upload) (document.Document, error) {
	f.uploaded, f.changed = up, true
	if f.waits > 0 {
		select {
		case <-time.After(f.waits):
		case <-ctx.Done():
			return document.Document{}, ctx.Err()
		}
	}
	return sample(), f.err
}
func (f *fake) Retry(_ context.Context, _ uuid.UUID, meant document.Condition) (document.Document, error) {
	return sample(), f.change(meant)
}

// change is what a store does whose document is the sample.
func (f *fake) change(meant document.Condition) error {
	if meant != nil && !meant(sample()) {
		return fmt.Errorf("document: %w", document.ErrChanged)
	}
	f.changed = true
	return f.err
}
func (f *fake) Replace(_ context.Context, _ uuid.UUID, up document.Upload, meant document.Condition) (document.Document, error) {
	f.uploaded = up
	return sample(), f.change(meant)
}
func (f *fake) ListStatus(_ context.Context, status document.Status, limit int, before uuid.UUID) ([]document.Document, error) {
	f.status = status
	return f.List(context.Background(), limit, before)
}
func (f *fake) Get(_ context.Context, id uuid.UUID) (document.Document, error) {
	for _, d := range f.docs {
		if d.ID == id {
			return d, f.err
		}
	}
	return sample(), f.err
}
func (f *fake) Delete(_ context.Context, _ uuid.UUID, meant document.Condition) error {
	return f.change(meant)
}
func (f *fake) List(_ context.Context, limit int, before uuid.UUID) ([]document.Document, error) {
	var page []document.Document
	for _, d := range f.docs {
		if bytes.Compare(d.ID[:], before[:]) < 0 && len(page) < limit {
			page = append(page, d)
		}
	}
	return page, f.err
}
func (f *fake) Search(_ context.Context, q search.Query) (search.Result, error) {
	f.query = q
	return search.Result{Cached: true, Degraded: f.degraded, Hits: []search.Hit{{DocumentID: id, Title: "T", Position: 2, Score: 0.5, Snippet: "<mark>a</mark>", Match: search.MatchTerms}}}, f.err
}
func (f *fake) Record(r querylog.Record) { f.logged = append(f.logged, r) }

// fakeSessions answers as the fake is told.
type fakeSessions struct{ *fake }

func (f fakeSessions) Create(_ context.Context, user string, key idempotency.Key) (session.Session, error) {
	f.key, f.changed = key, true
	return sampleSession(user), f.err
}
func (f fakeSessions) Get(context.Context, uuid.UUID, session.Span) (session.Session, error) {
	if f.kept.ID != uuid.Nil {
		return f.kept, f.err
	}
	return sampleSession("u"), f.err
}
func (f fakeSessions) Append(_ context.Context, _ uuid.UUID, m session.Message, key idempotency.Key, meant session.Condition) (session.Message, error) {
	if err := f.change(meant); err != nil {
		return session.Message{}, err
	}
	f.appended, f.key = m, key
	m.At = created
	m.Number = 1
	return m, f.err
}
func (f fakeSessions) List(_ context.Context, user string, limit int, before uuid.UUID) ([]session.Session, error) {
	f.listed = user
	var page []session.Session
	for _, s := range f.sessions {
		if bytes.Compare(s.ID[:], before[:]) < 0 && len(page) < limit {
			page = append(page, s)
		}
	}
	return page, f.err
}
func (f fakeSessions) Delete(_ context.Context, _ uuid.UUID, meant session.Condition) error {
	return f.change(meant)
}

// change is what a store does whose session is the sample.
func (f fakeSessions) change(meant session.Condition) error {
	if meant != nil && !meant(sampleSession("u")) {
		return session.ErrChanged
	}
	f.changed = true
	return f.err
}

func sampleSession(user string) session.Session {
	return session.Session{ID: id, User: user, CreatedAt: created, UpdatedAt: created, ExpiresAt: created.Add(time.Hour)}
}

func sample() document.Document {
	return document.Document{ID: id, Title: "T", Bytes: 4, Metadata: json.RawMessage(`{"a":1}`), Status: document.Pending, CreatedAt: created, UpdatedAt: created, Version: 1, AcceptedAt: created}
}

func newAPI(f *fake) http.Handler { return checked(optionsOf(f)) }

// optionsOf are those of an API that lets everybody do everything.
func optionsOf(f *fake) Options {
	log := slog.New(slog.DiscardHandler)
	return Options{
		Auth: auth.Off{}, RateLimit: &RateLimit{},
		Documents: f, Search: f, Sessions: fakeSessions{f}, QueryLog: f,
		Summary: func(context.Context) (querylog.Summary, error) { return sampleSummary, f.err },
		Metrics: metrics.New(metrics.Build{}), Log: log, MaxUploadBytes: 1024, UploadMemory: 1 << 20, RequestTimeout: time.Minute,
		Readiness: NewReadiness(func(context.Context) error { return f.err }, log),
	}
}

func call(h http.Handler, method, target, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("X-Request-Id", "test-1")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// same compares two JSON texts by value.
func same(t *testing.T, want, got string) {
	t.Helper()
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

const sampleJSON = `{"id":"01930000-0000-7000-8000-000000000001","title":"T","status":"pending","progress":{"failedAttempts":0,"chunksDone":0},"version":1,"bytes":4,"chunkCount":0,"metadata":{"a":1},"createdAt":"2026-11-23T12:00:00Z","updatedAt":"2026-11-23T12:00:00Z"}`

func TestAnUploadIsAcceptedAndLocated(t *testing.T) {
	w := call(newAPI(&fake{}), "POST", "/v1/documents", "application/json", `{"title":"T","text":"text"}`)
	if w.Code != http.StatusAccepted || w.Header().Get("Location") != "/v1/documents/"+id.String() {
		t.Errorf("status %d, Location %q", w.Code, w.Header().Get("Location"))
	}
	same(t, sampleJSON, w.Body.String())
}

func form(t *testing.T, parts map[string]string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, name := range []string{"file", "title", "metadata", "colour"} {
		value, ok := parts[name]
		if !ok {
			continue
		}
		var w io.Writer
		var err error
		if name == "file" {
			w, err = m.CreateFormFile(name, "notes.txt")
		} else {
			w, err = m.CreateFormField(name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), b.String()
}

func TestEveryMediaTypeCarriesADocument(t *testing.T) {
	formType, formBody := form(t, map[string]string{"file": "text", "title": "T", "metadata": `{"a":1}`})
	for name, c := range map[string]struct {
		target, contentType, body string
		want                      document.Upload
	}{
		"json":         {"/v1/documents", "application/json; charset=utf-8", `{"title":" T ","text":"text","metadata":{"a":1}}`, document.Upload{Title: "T", Text: "text", Metadata: json.RawMessage(`{"a":1}`)}},
		"form":         {"/v1/documents", formType, formBody, document.Upload{Title: "T", Text: "text", Metadata: json.RawMessage(`{"a":1}`)}},
		"text":         {"/v1/documents?title=T", "text/plain", "text", document.Upload{Title: "T", Text: "text"}},
		"other spaces": {"/v1/documents?title=T", "text/plain", " text\n", document.Upload{Title: "T", Text: " text\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			if w := call(newAPI(f), "POST", c.target, c.contentType, c.body); w.Code != http.StatusAccepted {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(c.want, f.uploaded); diff != "" {
				t.Errorf("upload (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFileNameIsATitle(t *testing.T) {
	contentType, body := form(t, map[string]string{"file": "text"})
	f := &fake{}
	call(newAPI(f), "POST", "/v1/documents", contentType, body)
	if f.uploaded.Title != "notes.txt" {
		t.Errorf("title %q, want notes.txt", f.uploaded.Title)
	}
}

func TestFaultyUploadsAreRefusedWithEveryFault(t *testing.T) {
	formType, formBody := form(t, map[string]string{"file": "\xff", "metadata": "[]", "colour": "red"})
	for name, c := range map[string]struct{ target, contentType, body, faults string }{
		"syntax":        {"/v1/documents", "application/json", `{"title":"T",}`, `[{"pointer":"","detail":"is not JSON: invalid character ',' at start of value at byte 12"}]`},
		"cut off":       {"/v1/documents", "application/json", `{"title":`, `[{"pointer":"","detail":"is not JSON: it ends early"}]`},
		"not an object": {"/v1/documents", "application/json", `[]`, `[{"pointer":"","detail":"is of type array, want an object"}]`},
		"null":          {"/v1/documents", "application/json", `null`, `[{"pointer":"","detail":"is null, want an object"}]`},
		"types":         {"/v1/documents", "application/json", `{"title":7,"text":["x"],"metadata":"m","a/b":1}`, `[{"pointer":"/a~1b","detail":"is not known, want title or text or metadata"},{"pointer":"/text","detail":"is of type array, want a string"},{"pointer":"/title","detail":"is of type number, want a string"},{"pointer":"/metadata","detail":"is of type string, want an object"}]`},
		"missing":       {"/v1/documents", "application/json", `{}`, `[{"pointer":"/title","detail":"is missing or blank, want a text"},{"pointer":"/text","detail":"is missing or blank, want a text"}]`},
		"NUL":           {"/v1/documents", "application/json", `{"title":"T","text":"a\u0000b","metadata":{"a":"\u0000"}}`, `[{"pointer":"/metadata/a","detail":"has a NUL character, which cannot be stored"},{"pointer":"/text","detail":"has a NUL character, which cannot be stored"}]`},
		"long title":    {"/v1/documents", "application/json", `{"title":"` + strings.Repeat("x", 513) + `","text":"x"}`, `[{"pointer":"/title","detail":"has 513 bytes, want 512 bytes at most"}]`},
		"form":          {"/v1/documents", formType, formBody, `[{"parameter":"metadata","detail":"is of type array, want an object"},{"parameter":"colour","detail":"is not known, want file, title or metadata"},{"parameter":"file","detail":"is not valid UTF-8"}]`},
		"text":          {"/v1/documents", "text/plain", " ", `[{"parameter":"title","detail":"is missing or blank, want a text"},{"parameter":"body","detail":"is missing or blank, want a text"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(newAPI(&fake{}), "POST", c.target, c.contentType, c.body)
			if w.Code != http.StatusBadRequest || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("status %d, %s", w.Code, w.Header().Get("Content-Type"))
			}
			same(t, `{"type":"urn:ragapi:problem:invalid-request","title":"The request is not valid","status":400,"detail":"see errors","instance":"/v1/documents","requestId":"test-1","errors":`+c.faults+`}`, w.Body.String())
		})
	}
}

func TestAnUploadOverTheLimitIs413(t *testing.T) {
	w := call(newAPI(&fake{}), "POST", "/v1/documents", "application/json", `{"title":"T","text":"`+strings.Repeat("x", 1024)+`"}`)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413", w.Code)
	}
	same(t, `{"type":"urn:ragapi:problem:too-large","title":"The body is too large","status":413,"detail":"a request body may have 1024 bytes at most","instance":"/v1/documents","requestId":"test-1"}`, w.Body.String())
}

func TestErrorsBecomeProblems(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		kind   string
	}{
		"absent":            {document.ErrNotFound, 404, "not-found"},
		"client gone":       {context.Canceled, statusClientClosed, "client-closed"},
		"too slow":          {context.DeadlineExceeded, 503, "timeout"},
		"statement timeout": {&pgconn.PgError{Code: "57014"}, 503, "timeout"},
		"starting database": {&pgconn.PgError{Code: "57P03"}, 503, "unavailable"},
		"PgBouncer":         {fmt.Errorf("read: %w", &pgconn.PgError{Code: "08P01"}), 503, "unavailable"},
		"connection lost":   {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), 503, "unavailable"},
		"deadlock":          {&pgconn.PgError{Code: "40P01"}, 503, "unavailable"},
		"unstorable":        {&pgconn.PgError{Code: "22003"}, 400, "invalid-request"},
		"no database":       {&net.OpError{Op: "dial", Err: errors.New("refused")}, 503, "unavailable"},
		"anything else":     {errors.New("secret cause"), 500, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(newAPI(&fake{err: c.err}), "GET", "/v1/documents/"+id.String(), "", "")
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			if w.Code != c.status || p.Type != problemPrefix+c.kind || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("status %d, body %s, want %d and %s", w.Code, w.Body, c.status, c.kind)
			}
			if retry := w.Header().Get("Retry-After") != ""; retry != (c.status == 503) {
				t.Errorf("Retry-After %q at status %d", w.Header().Get("Retry-After"), c.status)
			}
		})
	}
}

func TestTheInstanceOfAProblemIsAReferenceToItsPath(t *testing.T) {
	for path, want := range map[string]string{
		"/v2": "/v2", "/v1/documents/a%2Fb": "/v1/documents/a%2Fb", "/v1/documents/%7Ba%20b%7D%00": "/v1/documents/%7Ba%20b%7D%00",
		"//host/v1": "/.//host/v1", "/" + strings.Repeat("x", maxPointer): "", "/v1/documents/%C3%A9": "/v1/documents/%C3%A9",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		var err error
		if r.URL, err = url.ParseRequestURI(path); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		newAPI(&fake{}).ServeHTTP(w, r)
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code < 400 || p.Instance != want {
			t.Errorf("%.40s: status %d, instance %q (%v), want %q", path, w.Code, p.Instance, err, want)
		}
	}
}

func TestFaultyRequestsAreRefused(t *testing.T) {
	for target, want := range map[string]string{
		"/v1/search":                   `[{"parameter":"q","detail":"is missing or blank, want a text"}]`,
		"/v1/search?q=a&mode=x":        `[{"parameter":"mode","detail":"is \"x\", want one of simple, complex"}]`,
		"/v1/search?q=%ff&limit=51":    `[{"parameter":"q","detail":"is not valid UTF-8"},{"parameter":"limit","detail":"is \"51\", want a whole number from 1 to 50"}]`,
		"/v1/documents?limit=0":        `[{"parameter":"limit","detail":"is \"0\", want a whole number from 1 to 100"}]`,
		"/v1/documents?cursor=nonsens": `[{"parameter":"cursor","detail":"is \"nonsens\", want the value of next of the page before"}]`,
		"/v1/documents/7":              `[{"parameter":"id","detail":"is \"7\", want a UUID such as 00000000-0000-0000-0000-000000000000"}]`,
	} {
		t.Run(target, func(t *testing.T) {
			w := call(newAPI(&fake{}), "GET", target, "", "")
			var p struct {
				Errors json.RawMessage `json:"errors"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			same(t, want, string(p.Errors))
		})
	}
}

func TestAWrongMethodNamesTheRightOnes(t *testing.T) {
	w := call(newAPI(&fake{}), "PUT", "/v1/documents", "", "")
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("status %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestAnUnknownPathIsAProblem(t *testing.T) {
	w := call(newAPI(&fake{}), "GET", "/v2", "", "")
	if w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, %s", w.Code, w.Header().Get("Content-Type"))
	}
}

func TestAnotherMediaTypeIs415(t *testing.T) {
	if w := call(newAPI(&fake{}), "POST", "/v1/documents", "application/pdf", "x"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("status %d, want 415", w.Code)
	}
}

func TestAKnownETagIsNotSentAgain(t *testing.T) {
	api := newAPI(&fake{})
	tag := call(api, "GET", "/v1/documents/"+id.String(), "", "").Header().Get("ETag")
	r := httptest.NewRequest("GET", "/v1/documents/"+id.String(), nil)
	r.Header.Set("If-None-Match", `"other", W/`+tag)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") != tag {
		t.Errorf("status %d, ETag %q, body %q", w.Code, w.Header().Get("ETag"), w.Body)
	}
}

func TestPagesListEveryDocumentOnce(t *testing.T) {
	f := &fake{}
	for i := byte(9); i > 0; i-- {
		d := sample()
		d.ID[15] = i
		f.docs = append(f.docs, d)
	}
	api := newAPI(f)
	var seen []byte
	cursor := ""
	for range 5 {
		var page documentPage
		w := call(api, "GET", "/v1/documents?limit=3&cursor="+cursor, "", "")
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Documents {
			seen = append(seen, d.ID[15])
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]byte{9, 8, 7, 6, 5, 4, 3, 2, 1}, seen); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestASearchAnswersItsHits(t *testing.T) {
	f := &fake{}
	w := call(newAPI(f), "GET", "/v1/search?q=+a+&mode=complex&limit=3", "", "")
	if tag := w.Header().Get("ETag"); tag == "" || w.Header().Get("Cache-Control") != "private, no-cache" {
		t.Errorf("ETag %q, Cache-Control %q, want it kept and asked for again", tag, w.Header().Get("Cache-Control"))
	}
	same(t, `{"query":"a","mode":"complex","hits":[{"documentId":"01930000-0000-7000-8000-000000000001","title":"T","position":2,"score":0.5,"match":"terms","snippet":"<mark>a</mark>"}]}`, w.Body.String())
	if diff := cmp.Diff(search.Query{Text: "a", Mode: search.Complex, Limit: 3, PerDocument: 3}, f.query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}

func TestAnImplausibleRequestIDIsReplaced(t *testing.T) {
	for _, given := range []string{"", "a b", "a\"b", strings.Repeat("x", 129)} {
		if got := acceptRequestID(given); got == given || len(got) != 36 {
			t.Errorf("%q became %q, want a UUID", given, got)
		}
	}
}

func TestReadinessFollowsTheDatabase(t *testing.T) {
	if w := call(newAPI(&fake{}), "GET", "/readyz", "", ""); w.Code != http.StatusOK {
		t.Errorf("status %d with a database, want 200", w.Code)
	}
	if w := call(newAPI(&fake{err: errors.New("refused")}), "GET", "/readyz", "", ""); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"detail":"refused"`) {
		t.Errorf("status %d without a database, want 503 with what is missing: %s", w.Code, w.Body)
	}
}

type panicking struct{ fake }

func (*panicking) Search(context.Context, search.Query) (search.Result, error) { panic("boom") }

func TestAPanicIsAnInternalErrorInTheLog(t *testing.T) {
	var logged bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	o := optionsOf(&fake{})
	o.Search, o.Log = &panicking{}, log
	w := call(checked(o), "GET", "/v1/search?q=a", "", "")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("status %d, body %s", w.Code, w.Body)
	}
	if !strings.Contains(logged.String(), "panic: boom") || !strings.Contains(logged.String(), `"request":"test-1"`) {
		t.Errorf("log %s, want the panic and the request id", logged.String())
	}
}

func FuzzUploadsNeverPanicAndFaultsAreNamed(f *testing.F) {
	for _, seed := range []string{
		`{"title":"T","text":"x"}`, `{"title":1}`, `{`, `[]`, `{"metadata":{}}`, "--b\r\n\r\n--b--", `{"title":"\ud800"}`, "{\"text\":\"\xff\"}", `{"a":1,"a":2}`,
		`{"metadata":{"a":1e-20000}}`, `{"x":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}`, part("name=file; filename=f", "x") + "--b--", part("name=metadata", `{"a":"\u0000"}`),
	} {
		f.Add("application/json", seed)
		f.Add("multipart/form-data; boundary=b", seed)
		f.Add("text/plain", seed)
		f.Add("text/plain; charset=utf-16", seed)
	}
	api := newAPI(&fake{})
	f.Fuzz(func(t *testing.T, contentType, body string) {
		w := call(api, "POST", "/v1/documents?title=T", contentType, body)
		if w.Body.Len() > 10_000 {
			t.Errorf("an answer of %d bytes", w.Body.Len())
		}
		switch w.Code {
		case http.StatusAccepted, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
			return
		case http.StatusBadRequest:
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || len(p.Errors) == 0 || len(p.Errors) > maxFaults+1 {
			t.Errorf("a refusal without a fault, or with too many: %s", w.Body)
		}
	})
}
