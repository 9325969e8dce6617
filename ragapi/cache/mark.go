package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/ragapi/change"
)

// prefix of all keys. Its number changes with the form of entries: a release does not read another's.
const prefix = "ragapi:2:"

// marksKey is a sorted set of what was invalidated: members are names, scores the transactions that did so. It is one key,
// without a lifetime: eviction, which takes keys with a lifetime, leaves it; and when it goes all the same, everything does
// that it would have invalidated.
const marksKey = prefix + "marks"

// Names in the set, by what depends on them.
const (
	everything   = "all"           // every answer. Without it the set is not there, or new: no answer counts
	pages        = "pages"         // lists of documents
	searches     = "searches"      // every search
	softSearches = "searches:soft" // every search, which may be shown on while one process asks again
	ready        = "ready"         // nothing yet: what became searchable, until it is time for softSearches
	patterns     = "patterns"      // searches that a pattern selects
)

func documentMark(id string) string { return "document:" + id }
func deletedMark(id string) string  { return "deleted:" + id } // never taken back
func sessionMark(id string) string  { return "session:" + id }

// sessionsMark is of a user's lists of sessions: it is raised by a session that begins. What happens to one marks that alone, and
// lists depend on those that they show.
func sessionsMark(user string) string { return "sessions:" + digest(user) }

// userMark hashes the name: who may read keys need not know the users.
func userMark(user string) string { return "user:" + digest(user) }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// marksOf are the names that a change marks.
func marksOf(c change.Change) []string {
	switch c.What {
	case change.DocumentAdded:
		return []string{pages}
	case change.DocumentChanged:
		return []string{pages, documentMark(c.Subject)}
	case change.DocumentReady:
		return []string{pages, documentMark(c.Subject), ready}
	case change.DocumentDeleted:
		return []string{pages, deletedMark(c.Subject)}
	case change.VectorsAdded:
		return []string{ready}
	case change.SessionAdded:
		return []string{sessionsMark(c.Subject)}
	case change.SessionChanged:
		return []string{sessionMark(c.Subject)}
	}
	return []string{everything} // of a later release: whatever it is
}

// marks are the transactions that invalidated something, by name; names that are not there were not invalidated.
type marks map[string]uint64

func (m marks) add(changes ...change.Change) marks {
	for _, c := range changes {
		for _, name := range marksOf(c) {
			m[name] = max(m[name], c.Transaction)
		}
	}
	return m
}

// raise puts the later ones of others in the place of its own.
func (m marks) raise(others marks) marks {
	for name, by := range others {
		m[name] = max(m[name], by)
	}
	return m
}

// deleted returns which of ids are known to be deleted.
func (m marks) deleted(ids []uuid.UUID) map[uuid.UUID]bool {
	gone := map[uuid.UUID]bool{}
	for _, id := range ids {
		if _, ok := m[deletedMark(id.String())]; ok {
			gone[id] = true
		}
	}
	return gone
}

// ask returns the marks of names, and of everything.
func (c *Cache) ask(ctx context.Context, names []string) (marks, error) {
	var scores rueidis.RedisResult
	err := c.do(ctx, "marks", func(ctx context.Context, client rueidis.Client) error {
		scores = client.Do(ctx, marksOfNames(client.B(), names))
		return scores.Error()
	})
	if err != nil {
		return nil, err
	}
	return c.read(names, scores)
}

// marksOfNames asks for the mark of everything, and those of names.
func marksOfNames(build rueidis.Builder, names []string) rueidis.Completed {
	return build.Zmscore().Key(marksKey).Member(everything).Member(names...).Build()
}

// read reads the answer to marksOfNames, and adds what this process has changed itself.
func (c *Cache) read(names []string, answer rueidis.RedisResult) (marks, error) {
	scores, err := answer.ToArray()
	if err != nil || len(scores) != 1+len(names) {
		return nil, errGone
	}
	found := make(marks, len(names))
	for i, name := range append([]string{everything}, names...) {
		score, err := scores[i].AsFloat64()
		switch {
		case rueidis.IsRedisNil(err):
		case err != nil:
			return nil, errGone
		default:
			found[name] = uint64(score)
		}
	}
	if _, ok := found[everything]; !ok {
		c.doubt() // Redis is new, or has lost the set
		return nil, errGone
	}
	return found.raise(c.own.of(names)), nil
}

// raise writes marks; one that is there already with a later transaction stays. So it does not matter who comes last.
func raise(build rueidis.Builder, m marks) []rueidis.Completed {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	var commands []rueidis.Completed
	for part := range slices.Chunk(names, 1000) {
		add := build.Zadd().Key(marksKey).Gt().ScoreMember()
		for _, name := range part {
			add = add.ScoreMember(float64(m[name]), name)
		}
		commands = append(commands, add.Build())
	}
	return commands
}

// tell writes marks to Redis.
func (c *Cache) tell(ctx context.Context, m marks) error {
	return c.do(ctx, "invalidate", func(ctx context.Context, client rueidis.Client) error {
		return firstFault(client.DoMulti(ctx, raise(client.B(), m)...))
	})
}

func firstFault(results []rueidis.RedisResult) error {
	for _, result := range results {
		if err := result.Error(); err != nil {
			return err
		}
	}
	return nil
}

// Changed tells Redis of changes that are committed. If it cannot be told now, this process uses no cache until it has
// been told, by this process or, since the changes are in the database, any other.
func (c *Cache) Changed(ctx context.Context, changes ...change.Change) {
	raised := marks{}.add(changes...)
	c.own.add(raised)
	if c.tell(ctx, raised) != nil {
		c.doubt()
	}
}
