package insights

import (
	"cmp"
	"slices"
	"time"
)

const (
	kept = 24 * 60 * 60 // s
	// mostSeen bounds the memory of one database to some 8 MB: a dozen sessions at work all day.
	mostSeen = 1 << 20
	// mostSessions bounds it for statements that are all different.
	mostSessions = 20000
)

// session is one at work, as far as load is told by it. The zero wait is a processor.
type session struct {
	waitType, wait, statement, user, database, application, host, kind string
}

// seen is a session at a second.
type seen struct {
	at   int64 // s since 1970
	what int32 // index of its session
}

// load is what was seen of one database.
type load struct {
	looks    [kept]int64 // the second of each look, at its place in a day
	seen     []seen      // oldest first
	sessions []session
	index    map[session]int32
}

func newLoad() *load { return &load{index: map[session]int32{}} }

// add notes one look.
func (l *load) add(at time.Time, active []session) {
	second := at.Unix()
	l.looks[second%kept] = second
	for _, s := range active {
		i, known := l.index[s]
		if !known {
			i = int32(len(l.sessions))
			l.sessions, l.index[s] = append(l.sessions, s), i
		}
		l.seen = append(l.seen, seen{second, i})
	}
	oldest := l.from(second - kept + 1)
	if len(l.seen) > mostSeen || len(l.sessions) > mostSessions {
		oldest = max(oldest, len(l.seen)/2)
	}
	if oldest > 1000 || oldest > 0 && len(l.sessions) > mostSessions { // some at a time
		l.drop(oldest)
	}
}

// from is the first that was seen at a second or later.
func (l *load) from(second int64) int {
	i, _ := slices.BinarySearchFunc(l.seen, second, func(s seen, at int64) int { return cmp.Compare(s.at, at) })
	return i
}

// drop forgets the first n that were seen, and sessions that nothing names any more.
func (l *load) drop(n int) {
	rest, sessions := slices.Clone(l.seen[n:]), l.sessions
	l.seen, l.sessions, l.index = rest, nil, map[session]int32{}
	for i := range rest {
		s := sessions[rest[i].what]
		j, known := l.index[s]
		if !known {
			j = int32(len(l.sessions))
			l.sessions, l.index[s] = append(l.sessions, s), j
		}
		rest[i].what = j
	}
}

// lookedAt is how many looks there were from a second on, before another.
func (l *load) lookedAt(from, to int64) (n int) {
	for second := from; second < to; second++ {
		if l.looks[((second%kept)+kept)%kept] == second {
			n++
		}
	}
	return n
}

// between is what was seen from a second on, before another.
func (l *load) between(from, to int64) []seen { return l.seen[l.from(from):l.from(to)] }
