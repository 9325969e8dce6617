package vector_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// chroma sends a request about a collection, by its name, with what stands for its id in path put in.
func chroma(t *testing.T, collection, method, path, body string) (status int) {
	t.Helper()
	base := strings.TrimSuffix(os.Getenv(envURL), "/") + "/api/v2/tenants/default_tenant/databases/default_database/collections/"
	if strings.Contains(path, "ID") {
		var found struct{ ID string }
		get(t, base+collection, &found)
		path = strings.ReplaceAll(path, "ID", found.ID)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// losses are ways in which a store that goes on has lost what it had.
var losses = map[string]func(t *testing.T, w *world, first uuid.UUID){
	"all of it": func(t *testing.T, w *world, _ uuid.UUID) {
		chroma(t, w.index.Collection(), "DELETE", w.index.Collection(), "")
	},
	"all of it, and began anew": func(t *testing.T, w *world, _ uuid.UUID) {
		chroma(t, w.index.Collection(), "DELETE", w.index.Collection(), "")
		chroma(t, w.index.Collection(), "POST", "", `{"name":"`+w.index.Collection()+`","get_or_create":true}`)
	},
	"a part of it": func(t *testing.T, w *world, first uuid.UUID) {
		chroma(t, w.index.Collection(), "POST", "ID/delete", `{"ids":["`+first.String()+`:0"]}`)
	},
}

func TestWhatAStoreHasLostIsMissing(t *testing.T) {
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			w := withChroma(t)
			first, second := w.add(t, "Lighthouses", "The keeper trims the lamp at dusk."), w.add(t, "Bicycles", "Two wheels and a saddle.")
			if lost, err := w.index.Check(t.Context()); err != nil || lost {
				t.Fatalf("before: lost %v (%v)", lost, err)
			}
			lose(t, w, first)
			if lost, err := w.index.Check(t.Context()); err != nil || !lost {
				t.Fatalf("lost %v (%v), want that it is", lost, err)
			}
			missing, err := w.index.Missing(t.Context(), uuid.Nil, 10)
			if err != nil || len(missing) != 2 {
				t.Fatalf("missing %v (%v), want %v and %v", missing, err, first, second)
			}
			for _, err := range w.index.Embed(t.Context(), missing...) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := w.similar(t, "lamps and keepers", 1); len(got) != 1 || got[0].DocumentID != first {
				t.Errorf("found %v, want %v", got, first)
			}
			if lost, err := w.index.Check(t.Context()); err != nil || lost {
				t.Errorf("afterwards: lost %v (%v)", lost, err)
			}
		})
	}
}

// TestASearchOfAStoreThatLostItsCollectionIsDegraded, and makes none: nobody would notice that there was another.
func TestASearchOfAStoreThatLostItsCollectionIsDegraded(t *testing.T) {
	w := withChroma(t)
	if got := w.similar(t, "lamp", 1); len(got) != 0 || w.degraded.Load() != 0 {
		t.Errorf("before there is anything: found %v, %d degraded", got, w.degraded.Load())
	}
	w.add(t, "Lighthouses", "The keeper trims the lamp at dusk.")
	losses["all of it"](t, w, uuid.Nil)
	if got, err := w.index.Similar(t.Context(), "lamp", 1); err == nil || w.degraded.Load() != 1 {
		t.Errorf("found %v (%v), %d degraded, want an error and 1", got, err, w.degraded.Load())
	}
	if status := chroma(t, "", "GET", w.index.Collection(), ""); status != http.StatusNotFound {
		t.Errorf("the collection is answered with %d, want that there is none", status)
	}
}

// TestNothingIsSaidOfAnotherCollection: who embeds into a store that began anew does not hide that the rest is gone.
func TestNothingIsSaidOfAnotherCollection(t *testing.T) {
	w := withChroma(t)
	first := w.add(t, "Lighthouses", "The keeper trims the lamp at dusk.")
	losses["all of it"](t, w, uuid.Nil)
	second := w.process(t, "Bicycles", "Two wheels and a saddle.")
	if err := w.index.Embed(t.Context(), second)[0]; err == nil {
		t.Error("embedded, as if nothing had happened")
	}
	if lost, err := w.index.Check(t.Context()); err != nil || !lost {
		t.Fatalf("lost %v (%v), want that it is", lost, err)
	}
	for _, err := range w.index.Embed(t.Context(), first, second) {
		if err != nil {
			t.Error(err)
		}
	}
	if missing, err := w.index.Missing(t.Context(), uuid.Nil, 10); err != nil || len(missing) != 0 {
		t.Errorf("missing %v (%v), want none", missing, err)
	}
}

// TestVectorsThatComeAndGoAreNotLost: while documents are embedded and deleted, whatever is compared when.
func TestVectorsThatComeAndGoAreNotLost(t *testing.T) {
	w := withChroma(t)
	w.add(t, "Lighthouses", "The keeper trims the lamp at dusk.")
	ended := make(chan error)
	go func() {
		for range 8 {
			id := w.process(t, "Bicycles", "Two wheels and a saddle.")
			err := w.index.Embed(t.Context(), id)[0]
			if err == nil {
				err = w.store.Delete(t.Context(), id, nil)
			}
			if err == nil {
				err = w.index.Forget(t.Context(), id)
			}
			if err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	for {
		if lost, err := w.index.Check(t.Context()); err != nil || lost {
			t.Fatalf("lost %v (%v)", lost, err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}
