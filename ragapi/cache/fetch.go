package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// question is what is asked for: where its answer is kept, and the names that it depends on.
type question struct {
	key   string
	marks []string
	soft  string // a name whose mark lets an answer be shown once more; "" for none
	text  string // of a search, which patterns select; "" for none
}

// result says what came of looking for an answer.
type result string

const (
	hit    result = "hit"
	stale  result = "stale" // a hit that is being read anew
	miss   result = "miss"
	failed result = "error" // the cache could not be asked
)

func (r result) kept() bool { return r == hit || r == stale }

// Levels are where a kept answer was.
const (
	inProcess = "process"
	inRedis   = "redis"
)

// fetch returns the answer that is kept, if it has seen all that it depends on, else that of load, and keeps it. Of those
// that want the same at once, one loads. load reads from a database through a postgres.Reader; it may be called twice.
func fetch[T any](ctx context.Context, c *Cache, k *kind[T], q question, load func(ctx context.Context) (T, error)) (T, result, error) {
	e, r, level := lookUp(ctx, c, k, q)
	c.seen.CacheRequest(k.name, string(r), level)
	if r == stale {
		c.refresh(ctx, q, func(ctx context.Context, begun start) (any, error) { return loadAndKeep(ctx, c, k, q, &begun, load) })
	}
	if !r.kept() {
		loaded, err := c.flights.do(ctx, q.key, func(ctx context.Context) (any, error) {
			if k.shared && r == miss {
				return sharing(ctx, c, k, q, load)
			}
			return alone(ctx, c, k, q, load)
		})
		if err != nil {
			return e.value, r, err
		}
		e = loaded.(entry[T])
	}
	if k.part {
		postgres.Seen(ctx, e.snapshot)
	}
	if e.absent {
		return e.value, r, k.absent
	}
	return e.value, r, nil
}

// lookUp returns what is kept, if it may be used, and where it was.
func lookUp[T any](ctx context.Context, c *Cache, k *kind[T], q question) (e entry[T], r result, level string) {
	level = inRedis
	doubts := c.doubts.Load()
	if !c.sure() {
		return e, failed, level
	}
	raw, local, err := c.get(ctx, q.key, k.ttl)
	switch {
	case err != nil:
		return e, failed, level
	case raw == nil:
		return e, miss, level
	case local:
		level = inProcess
	}
	e, err = decode[T](raw)
	if err != nil || e.absent && k.absent == nil {
		return e, miss, level // of another release
	}
	r = judge(ctx, c, k, q, e)
	if r.kept() && c.doubts.Load() != doubts {
		r = failed // the marks may be those of another Redis
	}
	return e, r, level
}

// judge says whether a kept answer may be used.
func judge[T any](ctx context.Context, c *Cache, k *kind[T], q question, e entry[T]) result {
	m, err := c.ask(ctx, names(k, q, e))
	if by, ok := m[patterns]; ok && !e.snapshot.SeesUpTo(by) && by > e.late {
		var selected bool
		if selected, err = c.selected(ctx, e.snapshot, q.text, by); !selected {
			delete(m, patterns)
		}
	}
	switch {
	case err != nil:
		return failed
	case !fresh(q, e, m):
		return miss
	case m[q.soft] > e.late && !e.snapshot.SeesUpTo(m[q.soft]):
		return stale
	}
	return hit
}

// names are what any answer to q depends on.
func (q question) names() []string {
	all := slices.Clone(q.marks)
	if q.soft != "" {
		all = append(all, q.soft)
	}
	return all
}

// names are all that an answer depends on.
func names[T any](k *kind[T], q question, e entry[T]) []string {
	all := q.names()
	if k.marks != nil && !e.absent {
		all = append(all, k.marks(e.value)...)
	}
	if k.shows != nil && !e.absent {
		for _, id := range k.shows(e.value) {
			all = append(all, documentMark(id.String()), deletedMark(id.String()))
		}
	}
	return all
}

// fresh reports whether an answer has seen all that it depends on, but for the soft mark. A mark is that of the latest of some
// transactions, which need not be the last that was committed: an answer must have seen all of them.
func fresh[T any](q question, e entry[T], m marks) bool {
	for name, by := range m {
		switch {
		case name == q.soft, e.snapshot.SeesUpTo(by):
		case by <= e.late && !final(name):
		default:
			return false
		}
	}
	return true
}

// saw reports whether an answer shows what made the marks.
func (e entry[T]) saw(m marks) bool {
	for _, by := range m {
		if !e.snapshot.Sees(by) {
			return false
		}
	}
	return true
}

// final marks are heeded by every answer, however late its source is.
func final(name string) bool { return name == everything || strings.HasPrefix(name, deletedMark("")) }

// get returns what Redis has under key, and whether this process had it at hand; nil for nothing.
func (c *Cache) get(ctx context.Context, key string, ttl time.Duration) (raw []byte, local bool, err error) {
	err = c.do(ctx, "get", func(ctx context.Context, client rueidis.Client) error {
		// Kept in this process too; Redis tells when it changes. The marks, which decide, are always asked for.
		answer := client.DoCache(ctx, client.B().Get().Key(prefix+key).Cache(), ttl)
		local = answer.IsCacheHit()
		raw, err = answer.AsBytes()
		if rueidis.IsRedisNil(err) {
			return nil
		}
		return err
	})
	return raw, local, err
}

// alone loads without asking whether another process does.
func alone[T any](ctx context.Context, c *Cache, k *kind[T], q question, load func(ctx context.Context) (T, error)) (entry[T], error) {
	begun := start{before: heard{whole: true}}
	if !k.strict && !k.behind {
		begun.before = c.known(ctx, q.names())
	}
	return loadAndKeep(ctx, c, k, q, &begun, load)
}

// loadAndKeep asks the database, and keeps what it says with what it had seen. Of kinds that are kept behind, nobody waits for
// the keeping.
func loadAndKeep[T any](ctx context.Context, c *Cache, k *kind[T], q question, begun *start, load func(ctx context.Context) (T, error)) (entry[T], error) {
	e, err := dated(ctx, k, load)
	if err != nil {
		return e, err
	}
	if k.behind {
		go keepAndAsk(context.WithoutCancel(ctx), c, k, q, begun, e)
		return e, nil
	}
	now := keepAndAsk(ctx, c, k, q, begun, e)
	ttl := k.ttl
	switch {
	case fresh(q, e, now.marks):
		return e, nil
	case !k.strict:
		e, ttl = late(ctx, c, k, e, begun.before.marks, now.marks), lateTTL
	case e.saw(now.marks):
		return e, nil // all that is committed; it would not count, for others that began before are on their way
	default:
		e, err = dated(postgres.FromPrimary(ctx), k, load)
	}
	if err == nil && now.whole && k.keeps(e) {
		c.keep(ctx, q.key, k.ttlOf(e, ttl), e.encode)
	}
	return e, err
}

// keeps reports whether an answer may be kept.
func (k *kind[T]) keeps(e entry[T]) bool { return e.absent || k.final == nil || k.final(e.value) }

// keepAndAsk keeps an answer, ends the lease of its load, and returns what is marked by now: in one round trip. So an answer may
// be kept that has not seen all marks: nobody uses it.
func keepAndAsk[T any](ctx context.Context, c *Cache, k *kind[T], q question, begun *start, e entry[T]) heard {
	all := names(k, q, e)
	if !begun.before.whole {
		return heard{marks: c.own.of(all)} // Redis has not answered just now
	}
	var raw []byte
	if k.keeps(e) {
		raw = c.encoded(e.encode)
	}
	var scores rueidis.RedisResult
	err := c.do(ctx, "keep", func(ctx context.Context, client rueidis.Client) error {
		commands := rueidis.Commands{marksOfNames(client.B(), all)}
		if raw != nil {
			commands = append(commands, set(client.B(), q.key, raw, k.ttlOf(e, k.ttl)))
		}
		if begun.ours {
			commands = append(commands, client.B().Del().Key(prefix+leaseKey(q.key)).Build())
		}
		answers := client.DoMulti(ctx, commands...)
		scores = answers[0]
		return firstFault(answers)
	})
	begun.ours = begun.ours && err != nil
	return c.hear(all, scores, err)
}

// heard are marks of names, and whether these are all that there are: else they are those of this process' own changes, for
// Redis could not be asked.
type heard struct {
	marks marks
	whole bool
}

// known are the marks of names.
func (c *Cache) known(ctx context.Context, names []string) heard {
	m, err := c.ask(ctx, names)
	if err != nil {
		return heard{marks: c.own.of(names)} // the error is logged
	}
	return heard{marks: m, whole: true}
}

// hear reads Redis' answer about names.
func (c *Cache) hear(names []string, scores rueidis.RedisResult, err error) heard {
	var m marks
	if err == nil {
		m, err = c.read(names, scores)
	}
	if err != nil {
		return heard{marks: c.own.of(names)}
	}
	return heard{marks: m, whole: true}
}

// late makes the best of an answer whose source has not heard of all that it depends on: what is deleted is left out. It
// counts for what it could not know better, which is what was marked before it was asked for.
func late[T any](ctx context.Context, c *Cache, k *kind[T], e entry[T], before, m marks) entry[T] {
	for name, by := range before {
		if !final(name) && !e.snapshot.SeesUpTo(by) {
			e.late = max(e.late, by)
		}
	}
	if k.without == nil || e.absent {
		return e
	}
	shown := k.shows(e.value)
	gone := m.deleted(shown)
	if !e.snapshot.SeesUpTo(m[everything]) {
		// Redis knows the deletions since then only, and this source may not have heard of those before.
		existing, err := c.existing(ctx, shown)
		if err != nil {
			c.log.Warn("deleted documents may be shown: the primary cannot be asked", "error", err.Error())
		}
		for _, id := range shown {
			gone[id] = gone[id] || err == nil && !existing[id]
		}
	}
	e.value = k.without(e.value, gone)
	return e
}

func (k *kind[T]) ttlOf(e entry[T], ttl time.Duration) time.Duration {
	switch {
	case e.absent:
		return min(absentTTL, ttl)
	case k.brief != nil && k.brief(e.value):
		return lateTTL
	}
	return ttl
}

// dated loads, and says what has been seen.
func dated[T any](ctx context.Context, k *kind[T], load func(ctx context.Context) (T, error)) (e entry[T], err error) {
	ctx, date := postgres.Date(ctx)
	e.value, err = load(ctx)
	e.snapshot = date.Snapshot()
	if err != nil && k.absent != nil && errors.Is(err, k.absent) {
		e.absent, err = true, nil
	}
	return e, err
}

// keep writes an entry.
func (c *Cache) keep(ctx context.Context, key string, ttl time.Duration, encode func() ([]byte, error)) {
	raw := c.encoded(encode)
	if raw == nil {
		return
	}
	_ = c.do(ctx, "set", func(ctx context.Context, client rueidis.Client) error { // logged; the answer is not kept, that is all
		return client.Do(ctx, set(client.B(), key, raw, ttl)).Error()
	})
}

// encoded is an entry as it is kept; nil for one that cannot be.
func (c *Cache) encoded(encode func() ([]byte, error)) []byte {
	raw, err := encode()
	if err != nil {
		if !errors.Is(err, errTooLarge) {
			c.log.Error("cache entry", "error", err.Error())
		}
		return nil
	}
	return raw
}

// set writes an entry. Those that were made together do not end together.
func set(build rueidis.Builder, key string, raw []byte, ttl time.Duration) rueidis.Completed {
	jittered := time.Duration(float64(ttl) * (0.9 + 0.2*rand.Float64()))
	return build.Set().Key(prefix + key).Value(rueidis.BinaryString(raw)).Px(jittered).Build()
}
