package cache_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/embedding"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/session"
)

func (d *documents) List(ctx context.Context, _ int, _ uuid.UUID) (list []document.Document, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	postgres.Seen(ctx, d.world.now())
	for _, doc := range d.docs {
		list = append(list, doc)
	}
	return list, nil
}

func (d *documents) ListStatus(ctx context.Context, _ document.Status, limit int, before uuid.UUID) ([]document.Document, error) {
	return d.List(ctx, limit, before)
}

func (s *sessions) List(ctx context.Context, _ string, _ int, _ uuid.UUID) ([]session.Session, error) {
	one, err := s.Get(ctx, uuid.Nil, session.Span{})
	return []session.Session{one}, err
}

// store is a vector store with some documents.
type store struct {
	mu    sync.Mutex
	found []uuid.UUID
	calls int
}

func (s *store) Similar(context.Context, string, int) (pieces []search.Piece, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	for i, id := range s.found {
		pieces = append(pieces, search.Piece{Place: search.Place{DocumentID: id, Position: i}, Version: 2})
	}
	return pieces, nil
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (w *world) look(ctx context.Context) error {
	postgres.Seen(ctx, w.now())
	return nil
}

// model is the built-in embedding, which counts.
type model struct {
	embedding.Hashing
	calls atomic.Int64
}

func (m *model) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	m.calls.Add(1)
	return m.Hashing.Embed(ctx, texts)
}

// text is one document's, which counts.
type text struct {
	cache.DocumentStore
	world *world
	calls atomic.Int64
}

func (t *text) Chunks(ctx context.Context, _ uuid.UUID, _, _ int) (document.Passage, error) {
	t.calls.Add(1)
	return document.Passage{Of: 1, Chunks: []document.Chunk{{Content: "text"}}}, t.world.look(ctx)
}

// level is one kind of what is kept: how it is read through a cache, and how often its source was asked.
type level struct {
	kind  string
	read  func(ctx context.Context, c *cache.Cache) error
	asked func() int
}

// levels are all of them: of one document, one user, and a text with the word lamps.
func (w *world) levels() (all []level, doc uuid.UUID, user string) {
	docs, one := w.ready(nil)
	pages, _ := w.ready(nil)
	failed, _ := w.ready(nil)
	texts := &text{world: w}
	talk, lists := w.session(nil, time.Hour), w.session(nil, time.Hour)
	lists.one.User = talk.one.User
	engine, vectors, embedder := &searcher{world: w, found: []uuid.UUID{one.ID}}, &store{found: []uuid.UUID{one.ID}}, &model{}
	q := search.Query{Text: "old lamps " + uuid.NewString()[:8], Mode: search.Simple, Limit: 10}
	var summaries atomic.Int64
	return []level{
		{"document", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.NewDocuments(docs, c).Get(ctx, one.ID)
			return err
		}, docs.count},
		{"chunks", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.NewDocuments(texts, c).Chunks(ctx, one.ID, 0, 20)
			return err
		}, func() int { return int(texts.calls.Load()) }},
		{"page", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.NewDocuments(pages, c).List(ctx, 20, uuid.Max)
			return err
		}, pages.count},
		{"page", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.NewDocuments(failed, c).ListStatus(ctx, document.Failed, 20, uuid.Max)
			return err
		}, failed.count},
		{"search", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.NewSearches(engine, c).Search(ctx, q)
			return err
		}, engine.count},
		{"similar", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.NewSimilar(vectors, "m", w.look, c).Similar(ctx, q.Text, 100)
			return err
		}, vectors.count},
		{"embedding", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.NewEmbedder(embedder, w.look, c).Embed(ctx, []string{q.Text})
			return err
		}, func() int { return int(embedder.calls.Load()) }},
		{"session", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.NewSessions(talk, c).Get(ctx, talk.one.ID, session.Span{})
			return err
		}, talk.count},
		{"sessions", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.NewSessions(lists, c).List(ctx, lists.one.User, 20, uuid.Max)
			return err
		}, lists.count},
		{"summary", func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.Summary(func(ctx context.Context) (querylog.Summary, error) {
				summaries.Add(1)
				return querylog.Summary{}, w.look(ctx)
			}, c)(ctx)
			return err
		}, func() int { return int(summaries.Load()) }},
	}, one.ID, talk.one.User
}

func (l level) mustRead(t *testing.T, c *cache.Cache) {
	t.Helper()
	if err := l.read(t.Context(), c); err != nil {
		t.Fatalf("%s: %v", l.kind, err)
	}
}

// inProcess reads until a process has the answer at hand.
func (l level) inProcess(t *testing.T, c *cache.Cache, what *seen) {
	t.Helper()
	eventually(t, l.kind+" at hand", func() bool {
		before := what.count(l.kind + " hit process")
		l.mustRead(t, c)
		return what.count(l.kind+" hit process") > before
	})
}

func TestEachInvalidationReachesEveryLevelOfEveryProcess(t *testing.T) {
	texts, ofDocument, ofUser := []string{"embedding", "search", "similar"}, []string{"chunks", "document", "page", "search", "similar"}, []string{"session", "sessions"}
	w := newWorld(t)
	here, _ := w.connected(t)
	there, what := w.connected(t)
	levels, doc, user := w.levels()
	for name, test := range map[string]struct {
		scope cache.Scope
		gone  []string
	}{
		"all":                 {cache.Scope{Everything: true}, cache.Kinds},
		"a word":              {cache.Scope{Words: cache.Pattern("Lamp")}, texts},
		"a beginning":         {cache.Scope{Words: cache.Pattern("la*")}, texts},
		"another word":        {cache.Scope{Words: cache.Pattern("keeper")}, nil},
		"all searches":        {cache.Scope{Searches: true}, texts},
		"the document":        {cache.Scope{Document: doc}, ofDocument},
		"another document":    {cache.Scope{Document: uuid.New()}, []string{"page"}},
		"the user":            {cache.Scope{User: user}, ofUser},
		"another user":        {cache.Scope{User: "another"}, nil},
		"a user and a search": {cache.Scope{User: user, Words: cache.Pattern("lamp")}, slices.Concat(texts, ofUser)},
	} {
		t.Run(name, func(t *testing.T) {
			slices.Sort(test.gone)
			for attempt := range 3 { // what is kept for seconds may end meanwhile
				gone := readAnew(t, levels, there, what, func() {
					if err := here.Invalidate(t.Context(), test.scope); err != nil {
						t.Fatal(err)
					}
				})
				kept := slices.ContainsFunc(test.gone, func(kind string) bool { return !slices.Contains(gone, kind) })
				diff := cmp.Diff(test.gone, gone)
				if diff == "" {
					return
				}
				if kept || attempt == 2 {
					t.Fatalf("read anew (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// readAnew are the kinds of the levels that a process has at hand, and not any more after do.
func readAnew(t *testing.T, levels []level, c *cache.Cache, what *seen, do func()) (kinds []string) {
	t.Helper()
	before := make([]int, len(levels))
	for i, l := range levels {
		l.inProcess(t, c, what)
		before[i] = l.asked()
	}
	do()
	for i, l := range levels {
		if l.mustRead(t, c); l.asked() > before[i] {
			kinds = append(kinds, l.kind)
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func TestEveryLevelCountsMissesHitsAndThatTheCacheIsGone(t *testing.T) {
	w := newWorld(t)
	c, what := w.connected(t)
	levels, _, _ := w.levels()
	var kinds []string
	for _, l := range levels {
		kinds = append(kinds, l.kind)
		l.mustRead(t, c)
		l.inProcess(t, c, what)
		if what.count(l.kind+" miss redis") == 0 {
			t.Errorf("%s: no miss: %v", l.kind, what.requests)
		}
		other, seen := w.connected(t)
		if l.mustRead(t, other); seen.count(l.kind+" hit redis") != 1 {
			t.Errorf("%s: another process has no hit in Redis: %v", l.kind, seen.requests)
		}
	}
	if diff := cmp.Diff(cache.Kinds, slices.Compact(slices.Sorted(slices.Values(kinds)))); diff != "" {
		t.Errorf("kinds (-metrics +tried):\n%s", diff)
	}
	gone := newSeen()
	nowhere, err := cache.Open(settings(t), "test", gone, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range levels {
		if l.mustRead(t, nowhere); gone.count(l.kind+" error redis") == 0 {
			t.Errorf("%s: without Redis: %v", l.kind, gone.requests)
		}
	}
}

func TestTheFirstOfTooManyPatternsReachesItsSearches(t *testing.T) {
	w, c, what := connected(t)
	levels, _, _ := w.levels()
	for _, l := range levels {
		l.inProcess(t, c, what)
	}
	words := []string{"lamp"}
	for range 1000 {
		words = append(words, uuid.NewString()[:8]+"*")
	}
	if err := c.Invalidate(t.Context(), cache.Scope{Words: words}); err != nil {
		t.Fatal(err)
	}
	for _, l := range levels {
		before := l.asked()
		if l.mustRead(t, c); slices.Contains([]string{"embedding", "search", "similar"}, l.kind) && l.asked() == before {
			t.Errorf("%s is kept", l.kind)
		}
	}
}
