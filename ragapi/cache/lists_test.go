package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/change"
)

func TestANewSessionIsInItsUsersList(t *testing.T) {
	w, c, what := connected(t)
	store := w.session(c, time.Hour)
	lists := level{"sessions", func(ctx context.Context, c *cache.Cache) error {
		_, err := cache.NewSessions(store, c).List(ctx, store.one.User, 20, uuid.Max)
		return err
	}, store.count}
	for name, test := range map[string]struct {
		what    change.What
		subject string
		gone    bool
	}{
		"a session begins":             {change.SessionAdded, store.one.User, true},
		"another user's begins":        {change.SessionAdded, "another", false},
		"a message in one of the list": {change.SessionChanged, store.one.ID.String(), true},
		"a message in another":         {change.SessionChanged, uuid.NewString(), false},
	} {
		lists.inProcess(t, c, what)
		before := store.count()
		w.commit(c, test.what, test.subject)
		if lists.mustRead(t, c); (store.count() > before) != test.gone {
			t.Errorf("%s: read anew %t, want %t", name, !test.gone, test.gone)
		}
	}
}

func TestASessionThatHasEndedIsInNoKeptList(t *testing.T) {
	w, c, _ := connected(t)
	store := w.session(c, 300*time.Millisecond)
	kept := cache.NewSessions(store, c)
	read := func() {
		if _, err := kept.List(t.Context(), store.one.User, 20, uuid.Max); err != nil {
			t.Fatal(err)
		}
	}
	read()
	eventually(t, "ended", func() bool { return !store.one.ExpiresAt.After(time.Now()) })
	before := store.count()
	if read(); store.count() == before {
		t.Error("a list with a session that has ended is shown")
	}
}
