package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/schema"
)

func TestATextIsFoundHoweverItWasTypedAndCannotMarkItself(t *testing.T) {
	db := pgtest.Database(t)
	api := start(t, "serve", db)
	start(t, "worker", db)
	id := post(t, api, `{"title":"Cafe\u0301s \ue000of\ue001 the harbour","text":"The cafe\u0301 \ue001by\ue000 the caf\u00e9 \ue001 serves keepers."}`)
	awaitReady(t, api, id)
	for _, query := range []string{"caf%C3%A9", "cafe%CC%81", "caf%C3%A9&mode=complex", "cafe%CC%81&mode=complex"} {
		status, answer := ask(t, http.MethodGet, api.http+"/v1/search?q="+query, "")
		var found struct {
			Hits []struct{ DocumentID, Title, Snippet string }
		}
		if err := json.Unmarshal([]byte(answer), &found); err != nil || status != http.StatusOK || len(found.Hits) != 1 || found.Hits[0].DocumentID != id {
			t.Errorf("%s: status %d: %s", query, status, answer)
			continue
		}
		const want = "<mark>caf\u00e9</mark> \ufffdby\ufffd the <mark>caf\u00e9</mark> \ufffd serves"
		if hit := found.Hits[0]; !strings.Contains(hit.Snippet, want) || strings.Count(hit.Snippet, "mark>") != 4 || hit.Title != "Caf\u00e9s \ufffdof\ufffd the harbour" {
			t.Errorf("%s: %+v, want %s in the snippet", query, hit, want)
		}
	}
}

// nobody is asked for work, and does none.
type nobody struct{}

func (nobody) EnqueueTx(context.Context, pgx.Tx, document.Document) error { return nil }
func (nobody) ForgetTx(context.Context, pgx.Tx, uuid.UUID) error          { return nil }

func TestStoringATextCopiesItTwice(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	if err := schema.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	store := document.NewStore(pool, nil, nobody{}, nil)
	up := document.Upload{Title: "t", Text: strings.Repeat("The keeper trims the lamp. ", 200_000)}
	var before, after runtime.MemStats
	for range 2 { // the first also prepares the statement
		runtime.ReadMemStats(&before)
		if _, err := store.Create(t.Context(), up); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
	}
	if took := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(up.Text)); took > 2.1 {
		t.Errorf("allocated %.2f times the text, want 2.1 at most: memory is reserved for two copies", took)
	}
}

// objects are metadata, and whether they can be kept.
var objects = map[string]struct {
	raw  string
	kept bool
}{
	"empty":                      {`{}`, true},
	"every type":                 {`{"a": [1, -0.50, 1e3, 1E-5, true, false, null, "x", {"b": {}}, []]}`, true},
	"a backslash and letters":    {`{"path": "C:\\u0000"}`, true},
	"an escaped backslash, NUL":  {`{"path": "C:\\\u0000"}`, false},
	"NUL":                        {`{"a": "\u0000"}`, false},
	"NUL in a name":              {`{"a\u0000": 1}`, false},
	"not UTF-8":                  {"{\"a\": \"\xff\"}", false},
	"not UTF-8 in a name":        {"{\"\xff\": 1}", false},
	"an encoded surrogate":       {"{\"a\": \"\xed\xa0\x80\"}", false},
	"a high surrogate":           {`{"a": "\ud800"}`, false},
	"a low surrogate":            {`{"a": "\udc00"}`, false},
	"surrogates the wrong way":   {`{"a": "\udc00\ud800"}`, false},
	"a pair of surrogates":       {`{"a": "\ud83d\udea2"}`, true},
	"a large double":             {`{"a": [1.7976931348623157e308, -5e-324]}`, true},
	"beyond a double":            {`{"a": 1e309}`, false},
	"a power of zero":            {`{"a": 0e99999}`, false},
	"a tiny number":              {`{"a": 1e-20000}`, false},
	"a huge power":               {`{"a": 1e99999999999999999999}`, false},
	"40 digits":                  {`{"a": 1234567890123456789012345678901234567890}`, true},
	"41 digits":                  {`{"a": 0.1234567890123456789012345678901234567890}`, false},
	"numbers that fill it":       {`{"a": [` + strings.Repeat(`1e300, `, 50) + `0]}`, true},
	"numbers that outgrow it":    {`{"a": [` + strings.Repeat(`1e300, `, 60) + `0]}`, false},
	"small numbers that outgrow": {`{"a": [` + strings.Repeat(`1e-300, `, 60) + `0]}`, false},
	"16 levels":                  {strings.Repeat(`{"a": `, 15) + `[]` + strings.Repeat(`}`, 15), true},
	"17 levels":                  {strings.Repeat(`{"a": `, 16) + `[]` + strings.Repeat(`}`, 16), false},
	"8,000 levels":               {`{"a": ` + strings.Repeat(`[`, 8000) + strings.Repeat(`]`, 8000) + `}`, false},
	"1,000 values":               {`{"a": [` + strings.Repeat(`1, `, 997) + `1]}`, true},
	"1,001 values":               {`{"a": [` + strings.Repeat(`1, `, 999) + `1]}`, false},
	"as long as may be":          {`{"a": "` + strings.Repeat("x", 16<<10-9) + `"}`, true},
	"longer":                     {`{"a": "` + strings.Repeat("x", 16<<10-8) + `"}`, false},
	"escapes that fill it":       {`{"a": "` + strings.Repeat(`\n`, 8000) + `"}`, true},
	"escapes that outgrow it":    {`{"a": "` + strings.Repeat(`\u0001`, 3000) + `"}`, false},
	"signs of markup":            {`{"a": "` + strings.Repeat(`<&>`, 5000) + `"}`, true},
	"written out they fit":       {`{"a": "` + strings.Repeat(`\u00e9`, 8000) + `"}`, true},
	"white space":                {`{` + strings.Repeat(" \n", 20_000) + `"a": 1}`, true},
	"a name twice":               {`{"a": 1, "a": 2}`, false},
	"a name twice, escaped":      {`{"b": {"a": 1, "\u0061": 2}}`, false},
	"an array":                   {`[]`, false},
	"null":                       {`null`, false},
}

func TestMetadataIsKeptAsItWasMeantOrRefused(t *testing.T) {
	api := start(t, "serve", pgtest.Database(t))
	for name, c := range objects {
		for kind, content := range map[string]string{
			"application/json":                `{"title":"t","text":"t","metadata":` + c.raw + `}`,
			"multipart/form-data; boundary=b": "--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name=metadata\r\n\r\n" + c.raw + "\r\n--b--\r\n",
		} {
			t.Run(name+" in "+kind[:9], func(t *testing.T) {
				status, answer := submit(t, api.http+"/v1/documents", kind, content)
				if !c.kept {
					if status != http.StatusBadRequest || !strings.Contains(answer, "metadata") || len(answer) > 4000 {
						t.Errorf("status %d: %.500s", status, answer)
					}
					return
				}
				var doc struct{ Metadata json.RawMessage }
				if err := json.Unmarshal([]byte(answer), &doc); err != nil || status != http.StatusAccepted {
					t.Fatalf("status %d: %.500s", status, answer)
				}
				if len(doc.Metadata) > 16<<10 {
					t.Errorf("came back with %d bytes", len(doc.Metadata))
				}
				if want, got := meaning(t, c.raw), meaning(t, string(doc.Metadata)); want != got {
					t.Errorf("came back as %.300s, want %.300s", got, want)
				}
			})
		}
	}
}

// meaning is the value of a JSON text, written in one way.
func meaning(t *testing.T, raw string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func submit(t *testing.T, url, kind, content string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}
