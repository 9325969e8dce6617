package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// Kinds are the kinds of answers, as metrics name them.
var Kinds = []string{"chunks", "document", "embedding", "page", "search", "session", "sessions", "similar", "summary"}

// kind is one kind of answers.
type kind[T any] struct {
	name string
	ttl  time.Duration
	// marks are the names that an answer depends on beyond those of its key; nil for none.
	marks func(v T) []string
	// final says whether an answer may be kept; nil for always.
	final func(v T) bool
	// shows are the documents that an answer shows, and without returns it without some; nil where it shows none, or one.
	shows   func(v T) []uuid.UUID
	without func(v T, gone map[uuid.UUID]bool) T
	// strict answers show every change that is committed: what a late replica says is asked of the primary.
	strict bool
	// shared answers are dear: over all processes, one asks the database while the others wait for what it keeps.
	shared bool
	// part answers are of others, which are as old as they are.
	part bool
	// behind answers are right whatever is marked meanwhile: that is looked at, and they are kept, behind the request's back.
	behind bool
	// brief says of an answer that it may be better soon; nil for never.
	brief func(v T) bool
	// absent is what a load says when there is nothing, which is kept too; nil if that is not known.
	absent error
}

// absentTTL is how long it is kept that there is nothing.
const absentTTL = time.Minute

// entry is what Redis keeps: an answer, or that there is none, and what it had seen.
type entry[T any] struct {
	snapshot postgres.Snapshot
	// late is the last mark that it should have seen and has not, for its source could not: a replica that lags. It is
	// shown all the same, for lateTTL: asking again would not help.
	late   uint64
	absent bool
	value  T
}

// lateTTL is how long an answer is kept that could be better soon.
const lateTTL = 2 * time.Second

// mostEntry bounds the size of an entry: larger ones are read from the database, and hold up no others on the way.
const mostEntry = 256 << 10

var errTooLarge = errors.New("the entry is too large")

// encode writes the snapshot, what it is late by, a line's end, then the value; nothing where there is none.
func (e entry[T]) encode() ([]byte, error) {
	text := fmt.Appendf(nil, "%s %d\n", e.snapshot, e.late)
	if e.absent {
		return text, nil
	}
	value, err := marshal(e.value)
	if err != nil {
		return nil, fmt.Errorf("cache entry: %w", err)
	}
	if len(value) > mostEntry {
		return nil, errTooLarge
	}
	return append(text, value...), nil
}

func decode[T any](raw []byte) (e entry[T], err error) {
	line, value, _ := bytes.Cut(raw, []byte{'\n'})
	seen, late, _ := strings.Cut(string(line), " ")
	if e.snapshot, err = postgres.ParseSnapshot(seen, false); err == nil {
		e.late, err = strconv.ParseUint(late, 10, 64)
	}
	if err != nil {
		return e, fmt.Errorf("cache entry: %w", err)
	}
	if e.absent = len(value) == 0; e.absent {
		return e, nil
	}
	return e, unmarshal(value, &e.value)
}

// A value may have a form of its own, where JSON would be decoded and encoded again for every reader.
type (
	appender interface{ appendTo(b []byte) []byte }
	reader   interface{ readFrom(b []byte) error }
)

func marshal(v any) ([]byte, error) {
	if c, ok := v.(appender); ok {
		return c.appendTo(nil), nil
	}
	return json.Marshal(v)
}

func unmarshal(raw []byte, into any) error {
	if c, ok := into.(reader); ok {
		return c.readFrom(raw)
	}
	return json.Unmarshal(raw, into)
}
