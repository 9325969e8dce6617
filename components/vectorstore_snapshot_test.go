package components_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeChroma keeps records as Chroma's API does, as far as snapshots need it: collection -> id -> document.
type fakeChroma struct {
	records map[string]map[string]string
	created []map[string]any // bodies of requests for a collection
}

func (f *fakeChroma) serve(t *testing.T) string {
	const at = "/api/v2/tenants/default_tenant/databases/default_database/collections"
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	body := func(r *http.Request) (b map[string]any) {
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			t.Error(err)
		}
		return b
	}
	mux.HandleFunc("GET "+at, func(w http.ResponseWriter, r *http.Request) {
		page := []any{}
		for name := range f.records {
			page = append(page, map[string]any{"id": name, "name": name, "metadata": map[string]any{"model": "m1"},
				"configuration_json": map[string]any{"hnsw": map[string]any{"space": "cosine"}, "spann": nil}})
		}
		if r.URL.Query().Get("offset") != "0" {
			page = []any{}
		}
		answer(w, page)
	})
	mux.HandleFunc("POST "+at, func(w http.ResponseWriter, r *http.Request) {
		b := body(r)
		f.created = append(f.created, b)
		f.records[b["name"].(string)] = map[string]string{}
		answer(w, map[string]any{"id": b["name"]})
	})
	mux.HandleFunc("POST "+at+"/{name}/get", func(w http.ResponseWriter, r *http.Request) {
		answer(w, f.get(f.records[r.PathValue("name")], body(r)["ids"]))
	})
	mux.HandleFunc("POST "+at+"/{name}/upsert", func(w http.ResponseWriter, r *http.Request) {
		b := body(r)
		for i, id := range b["ids"].([]any) {
			f.records[r.PathValue("name")][id.(string)], _ = b["documents"].([]any)[i].(string)
		}
		answer(w, map[string]any{})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// get is all ids, or the records of some: an id that is gone is left out.
func (f *fakeChroma) get(records map[string]string, wanted any) map[string]any {
	ids, documents := []any{}, []any{}
	if wanted == nil {
		for id := range records {
			ids = append(ids, id)
		}
		return map[string]any{"ids": ids}
	}
	for _, id := range wanted.([]any) {
		if document, there := records[id.(string)]; there {
			ids, documents = append(ids, id), append(documents, document)
		}
	}
	nothing := make([]any, len(ids))
	return map[string]any{"ids": ids, "documents": documents, "embeddings": nothing, "metadatas": nothing, "uris": nothing}
}

// someRecords is more than one batch of them, and a collection without any.
func someRecords() map[string]map[string]string {
	chunks := map[string]string{}
	for i := range 450 {
		chunks["chunk-"+strconv.Itoa(i)] = "text " + strconv.Itoa(i)
	}
	return map[string]map[string]string{"chunks": chunks, "empty": {}}
}

// snapshot runs the script that the jobs run, and returns what it prints.
func snapshot(t *testing.T, server, folder string, args ...string) (string, error) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no Node.js here, want node on PATH")
	}
	command := exec.CommandContext(t.Context(), node, append([]string{"vectorstore/snapshot.mjs"}, args...)...)
	command.Env = append(os.Environ(), "CHROMA_URL="+server, "SNAPSHOT_FOLDER="+folder, "SNAPSHOT_KEEP=2")
	out, err := command.CombinedOutput()
	return string(out), err
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSnapshotRestoresWhatWasSaved(t *testing.T) {
	folder := t.TempDir()
	old, anew := &fakeChroma{records: someRecords()}, &fakeChroma{records: map[string]map[string]string{}}
	if out, err := snapshot(t, old.serve(t), folder, "save"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := snapshot(t, anew.serve(t), folder, "restore"); err != nil || !strings.Contains(out, "450 records restored") {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff(someRecords(), anew.records); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{"hnsw": map[string]any{"space": "cosine"}}
	for _, c := range anew.created {
		if diff := cmp.Diff(want, c["configuration"]); diff != "" || c["get_or_create"] != true {
			t.Errorf("collection is made by %v:\n%s", c, diff)
		}
	}
}

func TestSnapshotThatWasCutShortChangesNothing(t *testing.T) {
	folder := t.TempDir()
	store := &fakeChroma{records: someRecords()}
	server := store.serve(t)
	if out, err := snapshot(t, server, folder, "save"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	name := files(t, folder)[0]
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	out, err := snapshot(t, server, folder, "restore")
	if err == nil || !strings.Contains(out, "want a whole snapshot") || len(store.created) > 0 {
		t.Errorf("%v, %d collections touched\n%s", err, len(store.created), out)
	}
}

func TestSnapshotKeepsTheNewest(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"chroma-20260101T000000Z.jsonl.gz", "chroma-20260102T000000Z.jsonl.gz", "chroma-20260103T000000Z.jsonl.gz.unfinished", "notes"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := snapshot(t, (&fakeChroma{records: someRecords()}).serve(t), folder, "save"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	left := files(t, folder)
	if len(left) != 3 || filepath.Base(left[0]) != "chroma-20260102T000000Z.jsonl.gz" || filepath.Base(left[2]) != "notes" {
		t.Errorf("left are %v, want the two newest, and what is not a snapshot", left)
	}
}

func TestSnapshotThatCannotBeTakenKeepsTheOldOnes(t *testing.T) {
	folder := t.TempDir()
	old := filepath.Join(folder, "chroma-20260101T000000Z.jsonl.gz")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := httptest.NewServer(http.NotFoundHandler())
	defer broken.Close()
	out, err := snapshot(t, broken.URL, folder, "save")
	if left := files(t, folder); err == nil || !strings.Contains(out, ": 404 ") || len(left) != 1 || left[0] != old {
		t.Errorf("%v, left are %v\n%s", err, left, out)
	}
}
