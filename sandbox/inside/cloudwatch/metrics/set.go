package metrics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Set is what was measured in a time: a statistic set, and counts by size for percentiles.
type Set struct {
	Count         int
	Sum, Min, Max float64
	buckets       []bucket // by index
}

// bucket counts values of nearly the same size.
type bucket struct {
	index int16
	count uint32
}

// growth from one bucket to the next. CloudWatch's own distributions are as coarse as 10 %, as remembered; here a
// percentile is within 1 % of a measured value.
const growth = 0.02

// zero is the bucket of 0 and of what is smaller than 1e-9.
const zero = math.MinInt16

func indexOf(value float64) int16 {
	if value < 1e-9 {
		return zero
	}
	return int16(math.Round(math.Log(value) / math.Log1p(growth)))
}

func (b bucket) value() float64 {
	if b.index == zero {
		return 0
	}
	return math.Exp(float64(b.index) * math.Log1p(growth))
}

func (s *Set) add(value float64, count int) {
	s.merge(Set{
		Count: count, Sum: value * float64(count), Min: value, Max: value,
		buckets: []bucket{{indexOf(value), uint32(count)}},
	})
}

func (s *Set) merge(other Set) {
	if other.Count == 0 {
		return
	}
	if s.Count == 0 {
		s.Min, s.Max = other.Min, other.Max
	}
	s.Count += other.Count
	s.Sum += other.Sum
	s.Min, s.Max = min(s.Min, other.Min), max(s.Max, other.Max)
	for _, b := range other.buckets {
		i, found := slices.BinarySearchFunc(s.buckets, b.index, func(b bucket, index int16) int { return cmp.Compare(b.index, index) })
		if found {
			s.buckets[i].count += b.count
		} else {
			s.buckets = slices.Insert(s.buckets, i, b)
		}
	}
}

// percentile p, 0 to 100, is the size that so many of the values do not pass.
func (s Set) percentile(p float64) float64 {
	rank, seen := p/100*float64(s.Count), 0.0
	for _, b := range s.buckets {
		if seen += float64(b.count); seen >= rank {
			return min(max(b.value(), s.Min), s.Max)
		}
	}
	return s.Max
}

// Statistic is one that can be asked for: "Average", "p99.9".
type Statistic struct {
	name       string
	Percentile float64 // 0 to 100; -1 for the others
}

// simple are the statistics of a statistic set.
var simple = map[string]func(Set) float64{
	"SampleCount": func(s Set) float64 { return float64(s.Count) },
	"Average":     func(s Set) float64 { return s.Sum / float64(s.Count) },
	"Sum":         func(s Set) float64 { return s.Sum },
	"Minimum":     func(s Set) float64 { return s.Min },
	"Maximum":     func(s Set) float64 { return s.Max },
}

// ParseStatistic reads the name of a statistic.
func ParseStatistic(name string) (Statistic, error) {
	if _, ok := simple[name]; ok {
		return Statistic{name, -1}, nil
	}
	if text, ok := strings.CutPrefix(name, "p"); ok {
		if p, err := strconv.ParseFloat(text, 64); err == nil && p >= 0 && p <= 100 && !strings.ContainsAny(text, "eExX+-_") {
			return Statistic{name, p}, nil
		}
	}
	return Statistic{}, fmt.Errorf("the statistic is %q, want SampleCount, Average, Sum, Minimum, Maximum or a percentile such as p95: others are not answered here", name)
}

// Of is the statistic of a set that is not empty.
func (st Statistic) Of(s Set) float64 {
	if of, ok := simple[st.name]; ok {
		return of(s)
	}
	return s.percentile(st.Percentile)
}

// Enough says whether a percentile of so few values means anything.
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html , as remembered
// 2026-11-30: 10/(1-percentile) values from the median on, 10/percentile below.
func (st Statistic) Enough(count int) bool {
	share := st.Percentile / 100
	if st.Percentile < 0 || share == 0 || share == 1 {
		return true
	}
	return float64(count)*min(share, 1-share) >= 10-1e-9
}
