package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

// forgetful gives a process a Redis of its own, which can be made to forget.
func forgetful(t *testing.T) (w *world, redis *pgtest.Redis, c *cache.Cache, what *seen) {
	t.Helper()
	redis = pgtest.StartRedis(t)
	w = &world{next: 100, deleted: map[uuid.UUID]bool{}}
	c, what = w.open(t, config.Cache{Addr: redis.Address()})
	eventually(t, "connected", what.available.Load)
	return w, redis, c, what
}

// lapse puts redis back to where it was saved, faster than anybody looks.
func lapse(t *testing.T, redis *pgtest.Redis) {
	t.Helper()
	redis.Crash(t)
	redis.Restart(t, false)
}

func ask(t *testing.T, address string, command func(b rueidis.Builder) rueidis.Completed) rueidis.RedisResult {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{address}, ForceSingleClient: true, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	return client.Do(context.Background(), command(client.B()))
}

func TestARedisThatForgetsUnnoticedShowsNothingThatIsDeleted(t *testing.T) {
	w, redis, c, what := forgetful(t)
	for range 8 { // a process that asks something in the very moment notices
		store, doc := w.ready(c)
		kept := cache.NewDocuments(store, c)
		eventually(t, "in use", what.available.Load)
		untilKept(t, store.count, func() {
			if _, err := kept.Get(t.Context(), doc.ID); err != nil {
				t.Fatal(err)
			}
		})
		redis.Save(t)
		// By another process, as far as this one knows.
		store.tells = nil
		if err := store.Delete(t.Context(), doc.ID, nil); err != nil {
			t.Fatal(err)
		}
		eventually(t, "told", func() bool {
			_, err := kept.Get(t.Context(), doc.ID)
			return errors.Is(err, document.ErrNotFound)
		})
		lapse(t, redis)
		if _, err := kept.Get(t.Context(), doc.ID); !errors.Is(err, document.ErrNotFound) {
			t.Fatalf("a deleted document is shown: %v", err)
		}
	}
}

// meddling is a log in whose middle of a question something happens, once.
type meddling struct {
	*world
	meddle chan func()
}

func (m meddling) Since(ctx context.Context, seen postgres.Snapshot) (change.News, error) {
	news, err := m.world.Since(ctx, seen)
	select {
	case meddle := <-m.meddle:
		meddle()
	default:
	}
	return news, err
}

// meddled is forgetful with something that happens while Redis is told.
func meddled(t *testing.T) (w *world, redis *pgtest.Redis, c *cache.Cache, meddle func(func())) {
	t.Helper()
	redis = pgtest.StartRedis(t)
	w = &world{next: 100, deleted: map[uuid.UUID]bool{}}
	what := &seen{requests: map[string]int{}}
	c, err := cache.Open(config.Cache{Addr: redis.Address()}, "test", what, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	pending := make(chan func())
	c.Follow(ctx, meddling{world: w, meddle: pending}, w.existing)
	eventually(t, "connected", what.available.Load)
	return w, redis, c, func(do func()) {
		done := make(chan struct{})
		select {
		case pending <- func() { do(); close(done) }:
			<-done
		case <-time.After(30 * time.Second):
			t.Fatal("nobody asks for changes")
		}
	}
}

func scoreOf(t *testing.T, redis *pgtest.Redis, name string) (score float64, there bool) {
	t.Helper()
	score, err := ask(t, redis.Address(), func(b rueidis.Builder) rueidis.Completed {
		return b.Zscore().Key("ragapi:2:marks").Member(name).Build()
	}).AsFloat64()
	return score, err == nil
}

func TestARedisThatForgetsWhileItIsToldIsToldAgain(t *testing.T) {
	w, redis, c, meddle := meddled(t)
	store, doc := w.ready(c)
	kept := cache.NewDocuments(store, c)
	redis.Save(t)
	id := uuid.NewString()
	w.commit(nil, change.DocumentDeleted, id)
	told := func() bool { _, there := scoreOf(t, redis, "deleted:"+id); return there }
	eventually(t, "told", told)
	meddle(func() { // where it stood has been read, and that it has heard of everything
		lapse(t, redis)
		for range 32 { // whatever is asked next is asked of the one that forgot
			if _, err := kept.Get(t.Context(), doc.ID); err != nil {
				t.Error(err)
			}
		}
	})
	eventually(t, "told again", told)
}

func TestARedisThatRefusesMarksIsToldThemAgain(t *testing.T) {
	w, redis, _, meddle := meddled(t)
	allow := func(rule string) {
		t.Helper()
		if err := ask(t, redis.Address(), func(b rueidis.Builder) rueidis.Completed {
			return b.Arbitrary("ACL", "SETUSER", "default", rule).Build()
		}).Error(); err != nil {
			t.Fatal(err)
		}
	}
	allow("-zadd") // as one without memory does; what is written next may find some
	id := uuid.NewString()
	w.commit(nil, change.DocumentDeleted, id)
	for range 3 {
		meddle(func() {})
	}
	allow("+zadd")
	eventually(t, "told", func() bool { _, there := scoreOf(t, redis, "deleted:"+id); return there })
}

func TestASetOfMarksThatIsLostIsNotTakenForOneWithoutMarks(t *testing.T) {
	_, redis, _, meddle := meddled(t)
	const horizon = 50 // before everything
	meddle(func() {
		for _, command := range []func(b rueidis.Builder) rueidis.Completed{
			func(b rueidis.Builder) rueidis.Completed {
				return b.Del().Key("ragapi:2:marks", "ragapi:2:gate:trim").Build()
			},
			func(b rueidis.Builder) rueidis.Completed {
				return b.Zadd().Key("ragapi:2:horizons").ScoreMember().ScoreMember(1, "50").Build()
			},
		} {
			if err := ask(t, redis.Address(), command).Error(); err != nil {
				t.Fatal(err)
			}
		}
	})
	eventually(t, "trimmed", func() bool {
		n, err := ask(t, redis.Address(), func(b rueidis.Builder) rueidis.Completed {
			return b.Zscore().Key("ragapi:2:horizons").Member("50").Build()
		}).AsFloat64()
		return rueidis.IsRedisNil(err) && n == 0
	})
	if score, there := scoreOf(t, redis, "all"); there && score <= horizon {
		t.Errorf("everything counts that has seen transaction %v, though what came later is lost", score)
	}
}

func TestWhatSearchesAreToHearLaterOutlivesRedisMemoryOfIt(t *testing.T) {
	w, redis, _, _ := forgetful(t)
	w.commit(nil, change.DocumentReady, uuid.NewString())
	there := func(name string) func() bool {
		return func() bool { _, there := scoreOf(t, redis, name); return there }
	}
	eventually(t, "soft", there("searches:soft"))
	if err := ask(t, redis.Address(), func(b rueidis.Builder) rueidis.Completed { return b.Del().Key("ragapi:2:corpus").Build() }).Error(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "hard", there("searches"))
}

func TestPatternsThatAreLostSelectEverySearch(t *testing.T) {
	w, redis, c, _ := forgetful(t)
	engine := &searcher{world: w}
	kept, q := cache.NewSearches(engine, c), query()
	prime(t, kept, q)
	if err := c.Invalidate(t.Context(), cache.Scope{Words: cache.Pattern(q.Text)}); err != nil {
		t.Fatal(err)
	}
	if err := ask(t, redis.Address(), func(b rueidis.Builder) rueidis.Completed { return b.Del().Key("ragapi:2:patterns").Build() }).Error(); err != nil {
		t.Fatal(err)
	}
	if find(t, kept, q).Cached {
		t.Error("a search that was invalidated is shown as it was kept")
	}
}

func TestAProcessSeesItsOwnChangesThoughRedisIsGoneAndTheReplicaLags(t *testing.T) {
	w, here, _, line, _, _ := apart(t)
	store, doc := w.ready(here)
	late := w.now()
	engine := &searcher{world: w, found: []uuid.UUID{doc.ID}, seen: &late}
	documents, searches := cache.NewDocuments(store, here), cache.NewSearches(engine, here)
	store.lag()
	line.set(true)
	if err := documents.Delete(t.Context(), doc.ID, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := documents.Get(t.Context(), doc.ID); !errors.Is(err, document.ErrNotFound) {
			t.Errorf("who deleted it reads %+v (%v)", got, err)
		}
		if ids := shows(t, find(t, searches, query())); len(ids) > 0 {
			t.Errorf("who deleted it finds %v", ids)
		}
	}
}

// passages is a store of one document's text, and of what a replica that lags has of it.
type passages struct {
	cache.DocumentStore
	world         *world
	text, replica document.Passage
	late          postgres.Snapshot
}

func (p *passages) Chunks(ctx context.Context, _ uuid.UUID, _, _ int) (document.Passage, error) {
	if postgres.Primary(ctx) {
		postgres.Seen(ctx, p.world.now())
		return p.text, nil
	}
	postgres.Seen(ctx, p.late)
	return p.replica, nil
}

func TestChunksOfATextThatWasReplacedAreNotShownThoughTheReplicaLags(t *testing.T) {
	w, c, _ := connected(t)
	before := document.Passage{Of: 1, Chunks: []document.Chunk{{Content: "before"}}}
	store := &passages{world: w, replica: before, late: w.now()}
	kept, id := cache.NewDocuments(store, c), uuid.New()
	if got, err := kept.Chunks(t.Context(), id, 0, 20); err != nil || got.Of != 1 {
		t.Fatalf("%+v (%v)", got, err)
	}
	w.commit(c, change.DocumentChanged, id.String())
	for range 3 {
		if got, err := kept.Chunks(t.Context(), id, 0, 20); err != nil || got.Of != 0 {
			t.Fatalf("%+v (%v), want none: the text is replaced", got, err)
		}
	}
}
