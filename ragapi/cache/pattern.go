package cache

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/text"
)

// patternsKey is a sorted set of the words that select searches, by the transaction of their invalidation. A word ends in *
// if any word that begins so is meant.
const patternsKey = prefix + "patterns"

// mostPatterns bounds the set. Beyond it, all searches are invalidated.
const mostPatterns = 1000

// anything is the pattern of all searches, whatever their text.
const anything = "*"

// Pattern returns the words of a text that select searches, as the set has them: in lower case, stemmed as searches are,
// or a beginning with * behind it. None means that the text selects nothing.
func Pattern(chosen string) []string {
	var selected []string
	for _, field := range strings.FieldsFunc(text.Normal(strings.ToLower(chosen)), func(r rune) bool { return !letter(r) && r != '*' }) {
		if begin, _, open := strings.Cut(field, "*"); open {
			if begin != "" {
				selected = append(selected, begin+"*")
			}
			continue
		}
		selected = append(selected, stem(field))
	}
	slices.Sort(selected)
	return slices.Compact(selected)
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// words are those of a query, as they are and stemmed.
func words(query string) []string {
	var found []string
	for _, word := range strings.FieldsFunc(text.Normal(strings.ToLower(query)), func(r rune) bool { return !letter(r) }) {
		found = append(found, word, stem(word))
	}
	return found
}

// stem is what PostgreSQL's configuration english makes of a word: both are Snowball's.
func stem(word string) string {
	env := snowballstem.NewEnv(word)
	english.Stem(env)
	return env.Current()
}

// selects reports whether one of the patterns is a word of the query or begins one, or is that of all.
func selects(patterns, words []string) bool {
	if slices.Contains(patterns, anything) {
		return true
	}
	for _, pattern := range patterns {
		begin, open := strings.CutSuffix(pattern, "*")
		if slices.ContainsFunc(words, func(w string) bool { return w == pattern || open && strings.HasPrefix(w, begin) }) {
			return true
		}
	}
	return false
}

// selected reports whether a pattern that seen has not seen selects a search for text; by is the last of them.
func (c *Cache) selected(ctx context.Context, seen postgres.Snapshot, text string, by uint64) (bool, error) {
	var unseen []rueidis.ZScore
	err := c.do(ctx, "marks", func(ctx context.Context, client rueidis.Client) (err error) {
		unseen, err = client.Do(ctx, client.B().Zrangebyscore().Key(patternsKey).Min(strconv.FormatUint(seen.Floor()+1, 10)).Max("+inf").Withscores().Build()).AsZScores()
		return err
	})
	if len(unseen) == 0 || uint64(unseen[len(unseen)-1].Score) < by {
		return true, err // the set was lost
	}
	patterns := make([]string, len(unseen))
	for i, p := range unseen {
		patterns[i] = p.Member
	}
	return selects(patterns, words(text)), err
}

// addPatterns makes the searches that have any of the words be read anew, and what was read for their texts.
func (c *Cache) addPatterns(ctx context.Context, words []string, by uint64) error {
	there, err := c.add(ctx, words, by)
	if err == nil && there > mostPatterns {
		if _, err = c.add(ctx, []string{anything}, by); err == nil {
			err = c.write(ctx, func(client rueidis.Client) rueidis.Completed {
				return client.B().Zremrangebyscore().Key(patternsKey).Min("-inf").Max("(" + strconv.FormatUint(by, 10)).Build()
			})
		}
	}
	if err != nil {
		return err
	}
	return c.tell(ctx, marks{patterns: by})
}

// add adds to the set, and returns how many it has.
func (c *Cache) add(ctx context.Context, words []string, by uint64) (there int64, err error) {
	err = c.do(ctx, "invalidate", func(ctx context.Context, client rueidis.Client) error {
		add := client.B().Zadd().Key(patternsKey).Gt().ScoreMember()
		for _, word := range words {
			add = add.ScoreMember(float64(by), word)
		}
		answers := client.DoMulti(ctx, add.Build(), client.B().Zcard().Key(patternsKey).Build())
		if err := answers[0].Error(); err != nil {
			return err
		}
		there, err = answers[1].AsInt64()
		return err
	})
	return there, err
}
