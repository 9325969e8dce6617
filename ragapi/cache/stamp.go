package cache

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"
)

const (
	// prefix of all keys. Its number changes with the form of entries: a release does not read another's.
	prefix = "ragapi:1:"

	stampTTL = 30 * time.Minute // longer than any entry's
	// lag is by how much an entry must be younger than a stamp: what was read from a replica may be as much older than it
	// seems, and the clocks of processes differ.
	lag = time.Second
	// corpusInterval is how often at most documents that became searchable invalidate the searches.
	corpusInterval = 10 * time.Second
)

// Stamps by what they invalidate.
const (
	everything = "stamp:all"
	searches   = "stamp:searches"
)

func wordStamp(word string) string        { return "stamp:word:" + strings.ToLower(word) }
func documentStamp(id uuid.UUID) string   { return "stamp:document:" + id.String() }
func sessionStamp(id uuid.UUID) string    { return "stamp:session:" + id.String() }
func userStamp(user string) string        { return "stamp:user:" + user }
func documentEntry(id uuid.UUID) string   { return "document:" + id.String() }
func sessionEntry(id uuid.UUID) string    { return "session:" + id.String() }
func deletedMark(millis int64) string     { return strconv.FormatInt(millis, 10) + "d" }
func invalidatedMark(millis int64) string { return strconv.FormatInt(millis, 10) }
func stampTime(v string) (time.Time, error) {
	millis, err := strconv.ParseInt(strings.TrimSuffix(v, "d"), 10, 64)
	return time.UnixMilli(millis), err
}

// stamp invalidates all that depends on name.
func (c *Cache) stamp(ctx context.Context, name string) error {
	return c.set(ctx, "invalidate", name, invalidatedMark(time.Now().UnixMilli()), stampTTL)
}

func (c *Cache) set(ctx context.Context, operation, key, value string, ttl time.Duration) error {
	return c.do(ctx, operation, func(ctx context.Context, client rueidis.Client) error {
		return client.Do(ctx, client.B().Set().Key(prefix+key).Value(value).Px(ttl).Build()).Error()
	})
}

// invalidate stamps name. If Redis cannot be told now, this process uses no cache until it has been told to forget everything.
func (c *Cache) invalidate(ctx context.Context, name string) {
	if c.stamp(ctx, name) != nil {
		c.lost.Store(true)
	}
}

// stamps returns those of names that there are.
func (c *Cache) stamps(ctx context.Context, names []string) (map[string]string, error) {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = prefix + name
	}
	found := map[string]string{}
	err := c.do(ctx, "stamps", func(ctx context.Context, client rueidis.Client) error {
		values, err := client.Do(ctx, client.B().Mget().Key(keys...).Build()).ToArray()
		if err != nil {
			return err
		}
		for i, value := range values {
			if text, err := value.ToString(); err == nil {
				found[names[i]] = text
			} else if !rueidis.IsRedisNil(err) {
				return err
			}
		}
		return nil
	})
	return found, err
}

// stale reports whether what was read at that time depends on a stamp that is not older.
func stale(read time.Time, stamps map[string]string) bool {
	for _, value := range stamps {
		stamped, err := stampTime(value)
		if err != nil || !read.After(stamped.Add(lag)) {
			return true
		}
	}
	return false
}
