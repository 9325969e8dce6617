package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

// Changes are what the database has to tell; change.Log is one.
type Changes interface {
	Since(ctx context.Context, seen postgres.Snapshot) (change.News, error)
	Mark(ctx context.Context) (transaction uint64, err error)
	Forget(ctx context.Context) error
}

const (
	// positionKey is what of the changes Redis has been told: a snapshot. It is written after them, so that a Redis that
	// has lost its last moments is told again.
	positionKey = prefix + "position"
	// corpusKey is a sorted set of transactions that made documents searchable, by the time of softSearches.
	corpusKey = prefix + "corpus"
	// horizonsKey is a sorted set of transactions that had ended, as all before them, by the time of that.
	horizonsKey = prefix + "horizons"

	relayInterval = time.Second // over all processes
	// A document that became searchable makes searches soft within softInterval, and is in all of them softFor later.
	softInterval = 5 * time.Second
	softFor      = 3 * time.Second
	trimInterval = time.Minute
	// markRetention is longer than any entry lives and any replica lags together. What has not seen the transactions before
	// counts no more, for nobody knows what has invalidated it.
	markRetention = 30 * time.Minute
)

// position is where Redis stands.
type position struct {
	told  postgres.Snapshot
	known bool // told and everything are there
	marks marks
}

// relay tells Redis what it has not been told of the database's changes. Any process may do so at any time, several at once.
// Where Redis stands is read and written through one connection: if that breaks, another Redis may stand elsewhere.
func (c *Cache) relay(ctx context.Context) error {
	client := c.current()
	if client == nil {
		return errGone
	}
	wire, release := client.Dedicate()
	defer release()
	at, err := c.position(ctx, wire)
	if err != nil {
		return err
	}
	news, err := c.changes.Since(ctx, at.told)
	if err != nil {
		return err
	}
	raised := marks{}
	if at.known && news.All {
		raised.add(news.Changes...)
	} else if raised[everything], err = c.changes.Mark(ctx); err != nil { // later than all that there is to tell
		return err
	}
	err = c.do(ctx, "relay", func(ctx context.Context, _ rueidis.Client) error {
		told := wire.B().Set().Key(positionKey).Value(news.Seen.String()).Build()
		return together(ctx, wire, append(raise(wire.B(), raised), told))
	})
	if err != nil {
		return err
	}
	if err := c.ripen(ctx, at.marks.raise(raised), news.At); err != nil {
		return err
	}
	return c.trim(ctx, news.At, news.Seen.Floor())
}

// together has commands carried out all, or none: where one is refused, for want of memory, the next may already have room.
func together(ctx context.Context, wire rueidis.DedicatedClient, commands []rueidis.Completed) error {
	whole := append(append([]rueidis.Completed{wire.B().Multi().Build()}, commands...), wire.B().Exec().Build())
	results := wire.DoMulti(ctx, whole...)
	if err := firstFault(results); err != nil {
		return err
	}
	answers, err := results[len(results)-1].ToArray()
	for i := range answers {
		err = errors.Join(err, answers[i].Error())
	}
	return err
}

func (c *Cache) position(ctx context.Context, wire rueidis.DedicatedClient) (at position, err error) {
	at.marks = marks{}
	names := []string{everything, ready, softSearches, searches}
	err = c.do(ctx, "relay", func(ctx context.Context, _ rueidis.Client) error {
		answers := wire.DoMulti(ctx, wire.B().Get().Key(positionKey).Build(), wire.B().Zmscore().Key(marksKey).Member(names...).Build())
		told, err := answers[0].ToString()
		if err != nil && !rueidis.IsRedisNil(err) {
			return err
		}
		if parsed, err := postgres.ParseSnapshot(told, false); err == nil {
			at.told, at.known = parsed, true
		}
		scores, err := answers[1].ToArray()
		if err != nil {
			return err
		}
		for i, name := range names {
			if score, err := scores[i].AsFloat64(); err == nil {
				at.marks[name] = uint64(score)
			}
		}
		_, there := at.marks[everything]
		at.known = at.known && there
		return nil
	})
	return at, err
}

// write sends one command.
func (c *Cache) write(ctx context.Context, command func(client rueidis.Client) rueidis.Completed) error {
	return c.do(ctx, "relay", func(ctx context.Context, client rueidis.Client) error { return client.Do(ctx, command(client)).Error() })
}

// ripen makes searches soft, and later hard, for documents that became searchable: not for each of them, or under steady
// uploads no answer would ever be kept.
func (c *Cache) ripen(ctx context.Context, m marks, now time.Time) error {
	if newest := m[ready]; newest > m[softSearches] && c.first(ctx, "soft", softInterval) {
		if err := c.tell(ctx, marks{softSearches: newest}); err != nil {
			return err
		}
		m[softSearches] = newest
	}
	if soft := m[softSearches]; soft > m[searches] { // said again until it is done: who begins it may end, and Redis may lose it
		if err := c.write(ctx, func(client rueidis.Client) rueidis.Completed {
			return client.B().Zadd().Key(corpusKey).Nx().ScoreMember().ScoreMember(millis(now), strconv.FormatUint(soft, 10)).Build()
		}); err != nil {
			return err
		}
	}
	return c.past(ctx, corpusKey, now.Add(-softFor), func(ripe uint64) error { return c.tell(ctx, marks{searches: ripe}) })
}

// trim forgets marks that nothing can depend on any more.
func (c *Cache) trim(ctx context.Context, now time.Time, ended uint64) error {
	if !c.first(ctx, "trim", trimInterval) {
		return nil
	}
	if err := c.write(ctx, func(client rueidis.Client) rueidis.Completed {
		return client.B().Zadd().Key(horizonsKey).ScoreMember().ScoreMember(millis(now), strconv.FormatUint(ended, 10)).Build()
	}); err != nil {
		return err
	}
	return c.past(ctx, horizonsKey, now.Add(-markRetention), func(horizon uint64) error {
		// Only where it is: in a set that was lost meanwhile it would say that nothing else was invalidated.
		if err := c.write(ctx, func(client rueidis.Client) rueidis.Completed {
			return client.B().Zadd().Key(marksKey).Xx().Gt().ScoreMember().ScoreMember(float64(horizon), everything).Build()
		}); err != nil {
			return err
		}
		for _, key := range []string{marksKey, patternsKey} {
			err := c.write(ctx, func(client rueidis.Client) rueidis.Completed {
				return client.B().Zremrangebyscore().Key(key).Min("-inf").Max("(" + strconv.FormatUint(horizon, 10)).Build()
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// forget has the database forget old changes until ctx ends, whether there is a Redis to tell of them or not.
func (c *Cache) forget(ctx context.Context) {
	for ctx.Err() == nil {
		asking, cancel := context.WithTimeout(ctx, relayWithin)
		if err := c.changes.Forget(asking); err != nil && ctx.Err() == nil {
			c.log.Warn("old changes are kept", "error", err.Error())
		}
		cancel()
		select {
		case <-ctx.Done():
		case <-time.After(trimInterval/2 + rand.N(trimInterval)): // not all processes at once
		}
	}
}

func millis(t time.Time) float64 { return float64(t.UnixMilli()) }

// past calls do with the last transaction of a sorted set by time that is not younger than end, if there is one, and then
// removes it and those before it.
func (c *Cache) past(ctx context.Context, key string, end time.Time, do func(last uint64) error) error {
	until := strconv.FormatInt(end.UnixMilli(), 10)
	var old []string
	err := c.do(ctx, "relay", func(ctx context.Context, client rueidis.Client) (err error) {
		old, err = client.Do(ctx, client.B().Zrangebyscore().Key(key).Min("-inf").Max(until).Build()).AsStrSlice()
		return err
	})
	if err != nil || len(old) == 0 {
		return err
	}
	var last uint64
	for _, text := range old {
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			last = max(last, n)
		}
	}
	if err := do(last); err != nil {
		return err
	}
	return c.write(ctx, func(client rueidis.Client) rueidis.Completed {
		return client.B().Zremrangebyscore().Key(key).Min("-inf").Max(until).Build()
	})
}

// first reports whether no process has asked so within interval.
func (c *Cache) first(ctx context.Context, gate string, interval time.Duration) (first bool) {
	err := c.do(ctx, "relay", func(ctx context.Context, client rueidis.Client) error {
		err := client.Do(ctx, client.B().Set().Key(prefix+"gate:"+gate).Value("1").Nx().Px(interval).Build()).Error()
		first = err == nil
		if rueidis.IsRedisNil(err) {
			return nil
		}
		return err
	})
	return first && err == nil
}
