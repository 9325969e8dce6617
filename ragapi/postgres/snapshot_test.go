package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

func TestALookHasSeenWhatIsCommittedAndNotWhatComesLater(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	reader := postgres.NewReader(pool, nil, nil)
	number := func() (n uint64) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `SELECT pg_current_xact_id()::text::bigint`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	look := func() postgres.Snapshot {
		t.Helper()
		ctx, dated := postgres.Date(t.Context())
		if err := reader.Look(ctx); err != nil {
			t.Fatal(err)
		}
		return dated.Snapshot()
	}
	long, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var began uint64
	if err := long.QueryRow(t.Context(), `SELECT pg_current_xact_id()::text::bigint`).Scan(&began); err != nil {
		t.Fatal(err)
	}
	short := number()
	during := look()
	if err := long.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := number()
	if during.Sees(began) || !during.Sees(short) || during.SeesUpTo(short) || during.Sees(later) {
		t.Errorf("%s: sees %t %t %t, up to the second %t, want only the second and not all before it", during, during.Sees(began), during.Sees(short), during.Sees(later), during.SeesUpTo(short))
	}
	if after := look(); !after.SeesUpTo(later) {
		t.Errorf("%s: does not see up to %d, which is committed", after, later)
	}
}

// anySnapshot is one of transactions from 1 to 30, as PostgreSQL writes one.
func anySnapshot(t *testing.T, random *rand.Rand) postgres.Snapshot {
	t.Helper()
	lowest := 1 + random.IntN(20)
	highest := lowest + random.IntN(10)
	var running []string
	for id := lowest; id < highest; id++ {
		if id == lowest || random.IntN(3) == 0 {
			running = append(running, fmt.Sprint(id))
		}
	}
	s, err := postgres.ParseSnapshot(fmt.Sprintf("%d:%d:%s", lowest, highest, strings.Join(running, ",")), random.IntN(4) == 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAReadOfSeveralPartsHasSeenWhatEachHasSeen(t *testing.T) {
	pool, random := pgtest.Pool(t, pgtest.Database(t)), rand.New(rand.NewPCG(1, 2))
	var written []string
	for range 2000 {
		ctx, dated := postgres.Date(t.Context())
		parts := []postgres.Snapshot{anySnapshot(t, random), anySnapshot(t, random), anySnapshot(t, random)}
		for _, part := range parts {
			postgres.Seen(ctx, part)
		}
		all := dated.Snapshot()
		for id := uint64(1); id < 35; id++ {
			blind := slices.ContainsFunc(parts, func(part postgres.Snapshot) bool { return !part.Sees(id) })
			if all.Sees(id) == blind {
				t.Fatalf("%s of %s sees %d: %t", all, parts, id, all.Sees(id))
			}
		}
		again, err := postgres.ParseSnapshot(all.String(), false)
		if err != nil || again.String() != all.String() {
			t.Fatalf("%s is read as %s (%v)", all, again, err)
		}
		written = append(written, all.String())
	}
	if _, err := pool.Exec(t.Context(), `SELECT s::pg_snapshot FROM unnest($1::text[]) s`, written); err != nil {
		t.Error("PostgreSQL does not take what was written: ", err)
	}
}

func TestWhatIsNoSnapshotIsRefused(t *testing.T) {
	for _, text := range []string{"1:2", "a:b:", "-1:2:"} {
		if s, err := postgres.ParseSnapshot(text, false); err == nil {
			t.Errorf("%q is read as %s, want an error", text, s)
		}
	}
}
