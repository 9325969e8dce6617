// Package metrics keeps metrics as CloudWatch does: for each minute of a day what was measured in it, as a statistic set
// and a distribution.
//
// Owns: which metrics there can be (the table), their data, statistics over periods, metric math. Does not own: who
// measures, AWS's API (cloudwatch).
package metrics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// Kept is how long data are. CloudWatch keeps minutes for 15 days.
	Kept = 24 * time.Hour
	// mostSeries bounds the memory: a stack has some 100.
	mostSeries = 2000
)

// Dimension is one part of a metric's identity.
type Dimension struct{ Name, Value string }

// ID is a metric's identity. Dimensions are sorted by name.
type ID struct {
	Region, Namespace, Name string
	Dimensions              []Dimension
}

// Of makes an ID; pairs are names and values of dimensions by turns.
func Of(region, namespace, name string, pairs ...string) ID {
	id := ID{Region: region, Namespace: namespace, Name: name}
	for i := 0; i+1 < len(pairs); i += 2 {
		id.Dimensions = append(id.Dimensions, Dimension{pairs[i], pairs[i+1]})
	}
	id.sort()
	return id
}

func (id ID) sort() {
	slices.SortFunc(id.Dimensions, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
}

// String names a metric as CloudWatch's console does.
func (id ID) String() string {
	out := id.Namespace + " " + id.Name
	for _, d := range id.Dimensions {
		out += fmt.Sprintf(" %s=%s", d.Name, d.Value)
	}
	return out
}

func (id ID) key() string {
	parts := []string{id.Region, id.Namespace, id.Name}
	for _, d := range id.Dimensions {
		parts = append(parts, d.Name, d.Value)
	}
	return strings.Join(parts, "\x00")
}

// series is a metric's data, by minute, oldest first.
type series struct {
	id      ID
	minutes []minute
}

type minute struct {
	at  int64 // minutes since 1970
	set Set
}

// Store holds metrics. Data become visible when their minute was published.
type Store struct {
	mu        sync.Mutex // guards what follows
	all       map[string]*series
	published int64 // the first minute that is not
}

// NewStore returns an empty one.
func NewStore() *Store { return &Store{all: map[string]*series{}} }

// Observe adds count measurements of a value at a time. A metric that the table does not have is a defect.
func (s *Store) Observe(id ID, at time.Time, value float64, count int) error {
	if _, ok := UnitOf(id); !ok {
		return fmt.Errorf("metric %s: the table has none of that name and these dimensions", id)
	}
	if count <= 0 || math.IsNaN(value) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := id.key()
	found := s.all[key]
	if found == nil {
		if len(s.all) >= mostSeries {
			return fmt.Errorf("metric %s: there are %d metrics already", id, len(s.all))
		}
		found = &series{id: id}
		s.all[key] = found
	}
	found.minute(at.Unix()/60).add(value, count)
	return nil
}

// minute is the data of a minute, which is the newest or close to it.
func (s *series) minute(at int64) *Set {
	i, found := slices.BinarySearchFunc(s.minutes, at, func(m minute, at int64) int { return cmp.Compare(m.at, at) })
	if !found {
		s.minutes = slices.Insert(s.minutes, i, minute{at: at})
	}
	return &s.minutes[i].set
}

// Publish makes the minutes before a time visible, and forgets those that are too old.
func (s *Store) Publish(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published = before.Unix() / 60
	oldest := before.Add(-Kept).Unix() / 60
	for key, one := range s.all {
		i, _ := slices.BinarySearchFunc(one.minutes, oldest, func(m minute, at int64) int { return cmp.Compare(m.at, at) })
		one.minutes = slices.Delete(one.minutes, 0, i)
		if len(one.minutes) == 0 {
			delete(s.all, key)
		}
	}
}

// Window is what was measured from a time for a period; its count is 0 for nothing.
func (s *Store) Window(id ID, from time.Time, period time.Duration) Set {
	id.Dimensions = slices.Clone(id.Dimensions)
	id.sort()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out Set
	found := s.all[id.key()]
	if found == nil {
		return out
	}
	first := from.Unix() / 60
	end := min(from.Add(period).Unix()/60, s.published)
	i, _ := slices.BinarySearchFunc(found.minutes, first, func(m minute, at int64) int { return cmp.Compare(m.at, at) })
	for ; i < len(found.minutes) && found.minutes[i].at < end; i++ {
		out.merge(found.minutes[i].set)
	}
	return out
}

// Filter selects metrics. Empty members select everything; a dimension without a value any value.
type Filter struct {
	Region, Namespace, Name string
	Dimensions              []Dimension
	Since                   time.Time // that have data after
}

// List returns the published metrics that a filter selects, in order.
func (s *Store) List(f Filter) []ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []ID
	for _, one := range s.all {
		if one.minutes[0].at < s.published && f.selects(one) {
			out = append(out, one.id)
		}
	}
	slices.SortFunc(out, func(a, b ID) int { return strings.Compare(a.key(), b.key()) })
	return out
}

func (f Filter) selects(s *series) bool {
	newest := s.minutes[len(s.minutes)-1].at
	if s.id.Region != f.Region || f.Namespace != "" && s.id.Namespace != f.Namespace || f.Name != "" && s.id.Name != f.Name ||
		newest < f.Since.Unix()/60 {
		return false
	}
	for _, want := range f.Dimensions {
		if !slices.ContainsFunc(s.id.Dimensions, func(d Dimension) bool {
			return d.Name == want.Name && (want.Value == "" || d.Value == want.Value)
		}) {
			return false
		}
	}
	return true
}
