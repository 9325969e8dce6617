package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/metrics"
)

const (
	asJSON = "application/json"
	asForm = "multipart/form-data; boundary=b"
	asText = "text/plain"
	docs   = "/v1/documents"
)

// large is an API that takes uploads of as many bytes.
func large(f *fake, most int64) http.Handler { return checked(largeOptions(f, most)) }

func largeOptions(f *fake, most int64) Options {
	log := slog.New(slog.DiscardHandler)
	return Options{
		Auth: auth.Off{}, RateLimit: &RateLimit{},
		Documents: f, Search: f, Sessions: fakeSessions{f}, QueryLog: f, Metrics: metrics.New(metrics.Build{}), Log: log,
		MaxUploadBytes: most, RequestTimeout: time.Minute, Readiness: NewReadiness(nil, log),
	}
}

// part is one of a form.
func part(head, content string) string {
	return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + content + "\r\n"
}

func faultsOf(t *testing.T, w *httptest.ResponseRecorder) []Fault {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest || len(p.Errors) == 0 {
		t.Fatalf("status %d: %.500s", w.Code, w.Body)
	}
	return p.Errors
}

func TestNothingThatIsNotUnicodeIsAccepted(t *testing.T) {
	messages := "/v1/sessions/" + id.String() + "/messages"
	for name, c := range map[string]struct{ method, target, kind, body, place string }{
		"bytes in a title":       {"POST", docs, asJSON, "{\"title\":\"\xff\",\"text\":\"t\"}", "/title"},
		"bytes in a text":        {"POST", docs, asJSON, "{\"title\":\"t\",\"text\":\"\xc0\x80\"}", "/text"},
		"a surrogate in a title": {"POST", docs, asJSON, `{"title":"\ud800","text":"t"}`, "/title"},
		"a surrogate in a text":  {"POST", docs, asJSON, `{"title":"t","text":"a\udc00b"}`, "/text"},
		"bytes in a name":        {"POST", docs, asJSON, "{\"title\xff\":\"t\",\"text\":\"t\"}", ""},
		"a file":                 {"POST", docs, asForm, part(`name=file; filename=f`, "\xff") + "--b--", "file"},
		"a title of a form":      {"POST", docs, asForm, part(`name=file`, "t") + part(`name=title`, "\xed\xa0\x80") + "--b--", "title"},
		"metadata of a form":     {"POST", docs, asForm, part(`name=file; filename=f`, "t") + part(`name=metadata`, "{\"a\":\"\xff\"}") + "--b--", "metadata"},
		"a body":                 {"POST", docs + "?title=t", asText, "\xff", "body"},
		"a title parameter":      {"POST", docs + "?title=%ff", asText, "t", "title"},
		"a query":                {"GET", "/v1/search?q=%ed%a0%80", "", "", "q"},
		"a NUL in a query":       {"GET", "/v1/search?q=a%00", "", "", "q"},
		"a user":                 {"POST", "/v1/sessions", asJSON, "{\"user\":\"\xff\"}", "/user"},
		"a surrogate user":       {"POST", "/v1/sessions", asJSON, `{"user":"\ud83d"}`, "/user"},
		"a listed user":          {"GET", "/v1/sessions?user=%ff", "", "", "user"},
		"a message":              {"POST", messages, asJSON, "{\"role\":\"user\",\"content\":\"\xff\"}", "/content"},
		"a surrogate message":    {"POST", messages, asJSON, `{"role":"user","content":"\ude00"}`, "/content"},
		"a role":                 {"POST", messages, asJSON, "{\"role\":\"\xff\",\"content\":\"c\"}", "/role"},
	} {
		t.Run(name, func(t *testing.T) {
			faults := faultsOf(t, call(newAPI(&fake{}), c.method, c.target, c.kind, c.body))
			got := faults[len(faults)-1]
			if place := got.Parameter; place == c.place || got.Pointer != nil && *got.Pointer == c.place {
				return
			}
			t.Errorf("faults %+v, want one at %q", faults, c.place)
		})
	}
}

func TestTextsAreKeptInOneForm(t *testing.T) {
	const decomposed, composed = "cafe\u0301", "caf\u00e9"
	want := document.Upload{Title: composed, Text: composed}
	for kind, body := range map[string]string{
		asJSON: `{"title":"` + decomposed + `","text":"cafe\u0301"}`,
		asForm: part("name=title", decomposed) + part("name=file", decomposed) + "--b--",
		asText: decomposed,
	} {
		f := &fake{}
		w := call(newAPI(f), "POST", docs+"?title=cafe%CC%81", kind, body)
		if diff := cmp.Diff(want, f.uploaded); diff != "" || w.Code != http.StatusAccepted {
			t.Errorf("%s: status %d, upload (-want +got):\n%s", kind, w.Code, diff)
		}
	}
	f := &fake{}
	call(newAPI(f), "GET", "/v1/search?q=cafe%CC%81", "", "")
	call(newAPI(f), "POST", "/v1/sessions/"+id.String()+"/messages", asJSON, `{"role":"user","content":"`+decomposed+`"}`)
	if f.query.Text != composed || f.appended.Content != composed {
		t.Errorf("query %q, message %q, want %q", f.query.Text, f.appended.Content, composed)
	}
	same(t, strings.Replace(sampleSessionJSON, `"u"`, `"`+composed+`"`, 1), call(newAPI(f), "POST", "/v1/sessions", asJSON, `{"user":"cafe\u0301"}`).Body.String())
}

func TestSizesAreThoseOfTheKeptForm(t *testing.T) {
	f := &fake{}
	fits := strings.Repeat("e\u0301", 256) // 768 bytes that become 512
	if w := call(newAPI(f), "POST", docs+"?title="+fits, asText, "t"); w.Code != http.StatusAccepted || len(f.uploaded.Title) != 512 {
		t.Errorf("status %d, a title of %d bytes, want 512", w.Code, len(f.uploaded.Title))
	}
	grows := strings.Repeat("\U0001d160", 50) // 200 bytes that become 600
	if got := faultsOf(t, call(newAPI(f), "POST", docs+"?title="+grows, asText, "t")); got[0].Detail != "has 600 bytes, want 512 bytes at most" {
		t.Errorf("faults %+v", got)
	}
	if got := faultsOf(t, call(newAPI(f), "GET", "/v1/search?q="+grows, "", "")); got[0].Detail != "has 600 bytes, want 512 bytes at most" {
		t.Errorf("faults %+v", got)
	}
	if got := faultsOf(t, call(large(f, 1<<20), "POST", docs+"?title=t", asText, strings.Repeat("\U0001d160", 10_000))); !strings.Contains(got[0].Detail, "in Unicode's form NFC") {
		t.Errorf("faults %+v", got)
	}
}

func TestMarksCannotBeForged(t *testing.T) {
	f := &fake{}
	call(newAPI(f), "POST", docs, asJSON, `{"title":"\ue000T","text":"a\ue001b"}`)
	if f.uploaded.Title != "\ufffdT" || f.uploaded.Text != "a\ufffdb" {
		t.Errorf("kept %q and %q", f.uploaded.Title, f.uploaded.Text)
	}
}

func TestWhatIsNotPlainUTF8Is415(t *testing.T) {
	for name, c := range map[string]struct{ name, value, kind, body string }{
		"another charset":  {"", "", "text/plain; charset=utf-16", "t"},
		"latin 1":          {"", "", "application/json; charset=ISO-8859-1", `{"title":"t","text":"t"}`},
		"no type":          {"", "", "", "t"},
		"a malformed type": {"", "", "text/plain; charset", "t"},
		"compressed":       {"Content-Encoding", "gzip", asText, "t"},
		"twice compressed": {"Content-Encoding", "identity, br", asText, "t"},
		"two types":        {"Content-Type", asText, asJSON, "t"},
		"a part's charset": {"", "", asForm, "--b\r\nContent-Disposition: form-data; name=file\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nt\r\n--b--"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", docs+"?title=t", strings.NewReader(c.body))
			if c.kind != "" {
				r.Header.Set("Content-Type", c.kind)
			}
			if c.name != "" {
				r.Header.Add(c.name, c.value)
			}
			w := httptest.NewRecorder()
			newAPI(&fake{}).ServeHTTP(w, r)
			if w.Code != http.StatusUnsupportedMediaType {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
	}
	r := httptest.NewRequest("POST", docs+"?title=t", strings.NewReader("t"))
	r.Header.Set("Content-Type", `text/plain; charset="UTF-8"`)
	r.Header.Set("Content-Encoding", "identity")
	w := httptest.NewRecorder()
	if newAPI(&fake{}).ServeHTTP(w, r); w.Code != http.StatusAccepted {
		t.Errorf("UTF-8 as it is: status %d", w.Code)
	}
}

func TestFormsHaveBounds(t *testing.T) {
	file := part("name=file; filename=f", "t")
	for name, c := range map[string]struct{ kind, body, want string }{
		"no boundary":        {"multipart/form-data", file, "has a boundary of 0 characters, want 1 to 70"},
		"a long boundary":    {"multipart/form-data; boundary=" + strings.Repeat("b", 71), file, "has a boundary of 71 characters, want 1 to 70"},
		"many parts":         {asForm, file + strings.Repeat(part("name=file", "t"), 8) + "--b--", "has more than 8 parts"},
		"a part twice":       {asForm, file + file + "--b--", "is given more than once"},
		"a part of no name":  {asForm, file + part("filename=f", "t") + "--b--", "is not known, want file, title or metadata"},
		"a long head":        {asForm, part("name=file; filename="+strings.Repeat("f", 40_000), "t") + "--b--", "could not be read: the head of a part has more than 16384 bytes"},
		"a long preamble":    {asForm, strings.Repeat("p\r\n", 20_000) + file + "--b--", "could not be read: the head of a part has more than 16384 bytes"},
		"cut off in a part":  {asForm, strings.TrimSpace(file), "ends early"},
		"cut off after one":  {asForm, file, "ends early"},
		"nothing":            {asForm, "", "could not be read: the form has no end"},
		"an encoded part":    {asForm, part("name=title", "t") + "--b\r\nContent-Disposition: form-data; name=file; filename=f\r\nContent-Transfer-Encoding: base64\r\n\r\ndA==\r\n--b--", `is encoded as "base64", want it as it is`},
		"metadata in parts":  {asForm, file + part("name=metadata", `{"a":[1,"\u0000"]}`) + "--b--", "has a NUL character, which cannot be stored"},
		"trailing metadata":  {asForm, file + part("name=metadata", `{} {}`) + "--b--", "has more after the JSON value at byte 4"},
		"no metadata at all": {asForm, file + part("name=metadata", ``) + "--b--", "is empty, want a JSON value"},
	} {
		t.Run(name, func(t *testing.T) {
			faults := faultsOf(t, call(large(&fake{}, 1<<20), "POST", docs, c.kind, c.body))
			if got := faults[len(faults)-1].Detail; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	faults := faultsOf(t, call(newAPI(&fake{}), "POST", docs, asForm, file+part("name=metadata", `{"a":[1,1e999]}`)+"--b--"))
	if len(faults) != 1 || faults[0].Parameter != "metadata" || faults[0].Pointer == nil || *faults[0].Pointer != "/a/1" {
		t.Errorf("faults %+v, want one in metadata at /a/1", faults)
	}
}

func TestEveryBodyOfJSONHasBounds(t *testing.T) {
	many := func(each func(i int) string) string {
		var b strings.Builder
		for i := range 5000 {
			b.WriteString(each(i))
		}
		return b.String()
	}
	for _, target := range []string{docs, "/v1/sessions", "/v1/sessions/" + id.String() + "/messages"} {
		for name, c := range map[string]struct {
			body string
			want string
		}{
			"unknown members":    {`{` + many(func(i int) string { return `"a` + strconv.Itoa(i) + `":1,` }) + `"z":1}`, "has more faults, which are left out after the first 20"},
			"one member":         {`{` + many(func(int) string { return `"a":1,` }) + `"z":1}`, "has more faults, which are left out after the first 20"},
			"long names":         {`{"` + strings.Repeat("a/", 20_000) + `":1,]`, "is not JSON: invalid character ',' at start of value at byte 40005"},
			"nesting":            {`{"x":` + strings.Repeat(`[`, 10_000), "is nested too deeply, want 16 levels at most"},
			"nesting of objects": {`{"x":` + strings.Repeat(`{"`+strings.Repeat("n", 50)+`":`, 1000), "is nested too deeply, want 16 levels at most"},
			"more after it":      {`{}{}`, "has more after the JSON value at byte 3"},
			"no JSON after it":   {`{}x`, "has more after the JSON value at byte 2"},
			"nothing":            {``, "is empty, want a JSON value"},
			"a byte order mark":  {"\ufeff{}", "is not JSON: invalid character '\\ufeff' at start of value at byte 0"},
			"cut off":            {`{"a":"b`, "is not JSON: it ends early"},
		} {
			t.Run(name+" to "+target, func(t *testing.T) {
				w := call(large(&fake{}, 1<<20), "POST", target, asJSON, c.body)
				size := w.Body.Len()
				faults := faultsOf(t, w)
				if got := faults[len(faults)-1].Detail; got != c.want || len(faults) > maxFaults+1 || size > 8000 {
					t.Errorf("%d faults in %d bytes, the last %q, want %q", len(faults), size, got, c.want)
				}
			})
		}
	}
}

func TestAMemberGivenTwiceIsAFault(t *testing.T) {
	faults := faultsOf(t, call(newAPI(&fake{}), "POST", docs, asJSON, `{"title":"a","text":"t","\u0074itle":"b","metadata":{"a":{"b":1,"b":2}}}`))
	want := []string{"/title is given more than once", "/metadata/a/b is given more than once"}
	var got []string
	for _, f := range faults {
		got = append(got, *f.Pointer+" "+f.Detail)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestQueriesAreReadStrictly(t *testing.T) {
	for target, want := range map[string]string{
		"/v1/search?q=a&q=b":                              `[{"parameter":"q","detail":"is given 2 times, want it once"}]`,
		"/v1/documents?limit=1&limit=1":                   `[{"parameter":"limit","detail":"is given 2 times, want it once"}]`,
		"/v1/search?q=%zz":                                `[{"parameter":"query","detail":"is not well-formed: invalid URL escape \"%zz\""}]`,
		"/v1/search?q=a;b":                                `[{"parameter":"query","detail":"is not well-formed: invalid semicolon separator in query"}]`,
		"/v1/documents?limit=%2B1":                        `[{"parameter":"limit","detail":"is \"+1\", want a whole number from 1 to 100"}]`,
		"/v1/documents?limit=0x10":                        `[{"parameter":"limit","detail":"is \"0x10\", want a whole number from 1 to 100"}]`,
		"/v1/documents?limit=01":                          `[{"parameter":"limit","detail":"is \"01\", want a whole number from 1 to 100"}]`,
		"/v1/documents?limit=%D9%A1":                      `[{"parameter":"limit","detail":"is \"١\", want a whole number from 1 to 100"}]`,
		"/v1/documents?limit=99999999999999999999":        `[{"parameter":"limit","detail":"is \"99999999999999999999\", want a whole number from 1 to 100"}]`,
		"/v1/documents?cursor=" + strings.Repeat("A", 99): `[{"parameter":"cursor","detail":"is \"` + strings.Repeat("A", 64) + `…\", want the value of next of the page before"}]`,
		"/v1/documents?cursor=AZMAAAAAcACAAAAAAAAAAf":     `[{"parameter":"cursor","detail":"is \"AZMAAAAAcACAAAAAAAAAAf\", want the value of next of the page before"}]`,
		"/v1/sessions?user=a&cursor=%ff":                  `[{"parameter":"cursor","detail":"is \"\\xff\", want the value of next of the page before"}]`,
		"/v1/search?q=a&mode=%ff":                         `[{"parameter":"mode","detail":"is \"\\xff\", want one of simple, complex"}]`,
		"/v1/documents/%ff":                               `[{"parameter":"id","detail":"is \"\\xff\", want a UUID such as 00000000-0000-0000-0000-000000000000"}]`,
		"/v1/sessions/" + strings.Repeat("7", 99):         `[{"parameter":"id","detail":"is \"` + strings.Repeat("7", 64) + `…\", want a UUID such as 00000000-0000-0000-0000-000000000000"}]`,
	} {
		w := call(newAPI(&fake{}), "GET", target, "", "")
		var p struct {
			Errors json.RawMessage `json:"errors"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest {
			t.Fatalf("%s: status %d: %s", target, w.Code, w.Body)
		}
		same(t, want, string(p.Errors))
	}
	if w := call(newAPI(&fake{}), "GET", "/v1/search?q=a&utm_source=b&utm_source=c", "", ""); w.Code != http.StatusOK {
		t.Errorf("status %d with parameters that are not known, want 200", w.Code)
	}
}

func TestAUserThatIsNotOneTextIsRefused(t *testing.T) {
	for _, users := range [][]string{{"a", "b"}, {"\xff"}, {strings.Repeat("u", 129)}} {
		r := httptest.NewRequest("GET", "/v1/search?q=a", nil)
		r.Header["X-User-Id"] = users
		w := httptest.NewRecorder()
		newAPI(&fake{}).ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%q: status %d, want 400", users, w.Code)
		}
	}
	f := &fake{}
	r := httptest.NewRequest("GET", "/v1/search?q=a", nil)
	r.Header.Set("X-User-Id", "Rene\u0301")
	newAPI(f).ServeHTTP(httptest.NewRecorder(), r)
	if len(f.logged) != 1 || f.logged[0].User != "Ren\u00e9" {
		t.Errorf("logged %+v", f.logged)
	}
}

func FuzzMetadataIsKeptOrRefusedWithinBounds(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1e-20000}`, `{"a":"\u0000"}`, `{"a":"C:\\u0000"}`, `{"a":"\ud800"}`, `{"a":{"a":[[[1]]]},"a":1}`, `[]`, `null`, `{"a":0e9}`, "{\"\xff\":1}", `{"a":-0.0e+0}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		refused := 0
		kept := readMetadata([]byte(raw), func(_, detail string) {
			if refused++; len(detail) > 1000 {
				t.Errorf("a fault of %d bytes", len(detail))
			}
		})
		if (kept == nil) != (refused > 0) {
			t.Fatalf("%d faults, kept %q", refused, kept)
		}
		if kept == nil {
			return
		}
		var object map[string]any
		if err := json.Unmarshal(kept, &object); err != nil || object == nil {
			t.Errorf("kept %q: %v", kept, err)
		}
	})
}
