package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// heal ends what still befalls the world, and holds that in the end every process answers what the primary has.
func (w *world) heal() {
	w.pair.Delay(w.T, 0)
	var differs string
	defer func() {
		if w.Failed() && differs != "" {
			w.Log(differs)
		}
	}()
	for _, p := range w.parties {
		defer func() {
			if w.Failed() {
				w.Logf("%s: %s", p.name, p.doubtsTold())
			}
		}()
		eventually(w.T, "the cache is used by "+p.name, func() bool {
			_, served := ask(w.T, http.MethodGet, p.admin+"/metrics", "")
			return strings.Contains(served, "ragapi_cache_available 1\n")
		})
	}
	eventually(w.T, "agreement", func() bool {
		documents := w.rows(`SELECT id::text, title || ' ' || status FROM documents`)
		sessions := w.rows(`SELECT s.id::text, count(m)::text FROM sessions s LEFT JOIN session_messages m ON m.session_id = s.id GROUP BY s.id`)
		for _, p := range w.parties {
			if differs = w.disagrees(p, documents, sessions); differs != "" {
				return false
			}
		}
		return true
	})
}

// doubtsTold are the last lines of a process' log on its cache.
func (p *party) doubtsTold() string {
	var told []string
	for line := range strings.Lines(p.output()) {
		if strings.Contains(line, `"msg":"cache"`) || strings.Contains(line, `"msg":"the cache`) {
			told = append(told, line)
		}
	}
	return strings.Join(told[max(0, len(told)-10):], "")
}

// rows are those of a statement of two columns, at the primary.
func (w *world) rows(sql string, args ...any) map[string]string {
	rows, err := w.primary.Query(w.Context(), sql, args...)
	if err != nil {
		w.Fatal(err)
	}
	found := map[string]string{}
	var key, value string
	if _, err := pgx.ForEachRow(rows, []any{&key, &value}, func() error { found[key] = value; return nil }); err != nil {
		w.Fatal(err)
	}
	return found
}

// disagrees says in what an answer of p is not what the primary has; "" for in nothing.
func (w *world) disagrees(p *party, documents, sessions map[string]string) string {
	var page struct{ Documents []shown }
	if different := w.get(p, "/v1/documents?limit=100", &page); different != "" {
		return different
	}
	listed := map[string]string{}
	for _, d := range page.Documents {
		listed[d.ID] = d.Title + " " + d.Status
		var one shown
		if different := w.get(p, "/v1/documents/"+d.ID, &one); different != "" || one != d {
			return fmt.Sprintf("%s lists %+v and shows %+v %s", p.name, d, one, different)
		}
	}
	if !maps.Equal(listed, documents) {
		return fmt.Sprintf("%s lists %v, the primary has %v", p.name, listed, documents)
	}
	for id, want := range sessions {
		var s struct{ Messages []struct{} }
		if different := w.get(p, "/v1/sessions/"+id, &s); different != "" || fmt.Sprint(len(s.Messages)) != want {
			return fmt.Sprintf("%s shows %d messages of session %s, the primary has %s %s", p.name, len(s.Messages), id, want, different)
		}
	}
	return cmp.Or(w.showsGone(p, documents, sessions), w.findsOther(p))
}

// showsGone says what p shows that the primary has no more.
func (w *world) showsGone(p *party, documents, sessions map[string]string) string {
	var paths []string
	for _, d := range w.docs {
		if _, there := documents[d.id]; !there {
			paths = append(paths, "/v1/documents/"+d.id, "/v1/documents/"+d.id+"/chunks")
		}
	}
	for _, s := range w.talks {
		if _, there := sessions[s.id]; !there {
			paths = append(paths, "/v1/sessions/"+s.id)
		}
	}
	for _, path := range paths {
		if status, answer := ask(w.T, http.MethodGet, p.http+path, ""); status != http.StatusNotFound {
			return fmt.Sprintf("%s of %s, which is gone, answers %d: %s", path, p.name, status, answer)
		}
	}
	return ""
}

// findsOther says in what the searches of p differ from what the primary has.
func (w *world) findsOther(p *party) string {
	for group := range groups {
		word := fmt.Sprintf("grp%dz", group)
		want := w.rows(`SELECT document_id::text, content FROM chunks WHERE content LIKE '%' || $1 || '%'`, word)
		for _, mode := range []string{"simple", "complex"} {
			var found struct{ Hits []hit }
			if different := w.get(p, "/v1/search?limit=50&content=full&q="+word+"&mode="+mode, &found); different != "" {
				return different
			}
			got := map[string]string{}
			for _, h := range slices.DeleteFunc(found.Hits, func(h hit) bool { return h.Match == "similar" }) {
				got[h.DocumentID] = h.Content
			}
			if !maps.Equal(got, want) {
				return fmt.Sprintf("%s finds for %s, %s: %v, the primary has %v", p.name, word, mode, got, want)
			}
		}
	}
	return ""
}

// get reads an answer, or says what came instead.
func (w *world) get(p *party, path string, into any) string {
	status, answer := ask(w.T, http.MethodGet, p.http+path, "")
	if err := json.Unmarshal([]byte(answer), into); err != nil || status != http.StatusOK {
		return fmt.Sprintf("%s of %s answers %d: %s", path, p.name, status, answer)
	}
	return ""
}
