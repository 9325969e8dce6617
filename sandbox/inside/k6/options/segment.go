package options

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Segment is this generator's share of the work that several do: of every Period things in a row, those at Places.
type Segment struct {
	Period int64
	Places []int64 // sorted, each from 0 up to Period

	all  [][]int64 // places of all segments, of which this is one
	mine int
}

var errSegment = errors.New("want a segment such as 0:1/2 and a sequence such as 0,1/2,1 that has its ends")

// Whole is the segment of one generator that is alone.
func Whole() Segment { return divide([]int64{1}, 0) }

// ParseSegment reads a segment and the sequence of all segments; both may be empty.
func ParseSegment(segment, sequence string) (Segment, error) {
	if segment == "" {
		return Whole(), nil
	}
	from, to, ok := strings.Cut(segment, ":")
	if !ok {
		from, to = "0", segment
	}
	begin, err := fraction(from)
	end, errEnd := fraction(to)
	if err != nil || errEnd != nil || begin.Cmp(end) >= 0 {
		return Segment{}, fmt.Errorf("execution segment %q: %w", segment, errSegment)
	}
	ends, err := sequenceOf(sequence, begin, end)
	if err != nil {
		return Segment{}, err
	}
	for i := range len(ends) - 1 {
		if ends[i].Cmp(begin) == 0 && ends[i+1].Cmp(end) == 0 {
			return stripe(ends, i), nil
		}
	}
	return Segment{}, fmt.Errorf("execution segment %q is not in sequence %q: %w", segment, sequence, errSegment)
}

// sequenceOf are the ends of all segments. Without a sequence they are those of this one and of what is beside it.
func sequenceOf(sequence string, begin, end *big.Rat) ([]*big.Rat, error) {
	zero, one := new(big.Rat), big.NewRat(1, 1)
	ends := []*big.Rat{zero, begin, end, one}
	if sequence != "" {
		ends = nil
		for text := range strings.SplitSeq(sequence, ",") {
			f, err := fraction(text)
			if err != nil {
				return nil, fmt.Errorf("execution segment sequence %q: %w", sequence, errSegment)
			}
			ends = append(ends, f)
		}
	}
	ends = slices.CompactFunc(ends, func(a, b *big.Rat) bool { return a.Cmp(b) == 0 })
	if !slices.IsSortedFunc(ends, (*big.Rat).Cmp) || ends[0].Cmp(zero) != 0 || ends[len(ends)-1].Cmp(one) != 0 {
		return nil, fmt.Errorf("execution segment sequence %q: %w", sequence, errSegment)
	}
	return ends, nil
}

// fraction reads 1/2, 0.5 or 50%, from 0 to 1.
func fraction(text string) (*big.Rat, error) {
	text = strings.TrimSpace(text)
	number, percent := strings.CutSuffix(text, "%")
	f, ok := new(big.Rat).SetString(number)
	if !ok {
		return nil, errSegment
	}
	if percent {
		f.Quo(f, big.NewRat(100, 1))
	}
	if f.Sign() < 0 || f.Cmp(big.NewRat(1, 1)) > 0 {
		return nil, errSegment
	}
	return f, nil
}

// stripe divides a period, in which each segment has a whole number of places.
func stripe(ends []*big.Rat, mine int) Segment {
	period := big.NewInt(1)
	for _, end := range ends {
		gcd := new(big.Int).GCD(nil, nil, period, end.Denom())
		period.Mul(period, new(big.Int).Quo(end.Denom(), gcd))
	}
	sizes := make([]int64, len(ends)-1)
	for i := range sizes {
		size := new(big.Rat).Sub(ends[i+1], ends[i])
		sizes[i] = new(big.Int).Quo(new(big.Int).Mul(size.Num(), period), size.Denom()).Int64()
	}
	return divide(sizes, mine)
}

// divide deals places to segments of these sizes, the largest first, each evenly spread over what is still free. So
// every number of things is divided exactly, and segments of equal size differ by one at most.
func divide(sizes []int64, mine int) Segment {
	order, period := make([]int, len(sizes)), int64(0)
	for i, size := range sizes {
		order[i] = i
		period += size
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	taken, all := make([]bool, period), make([][]int64, len(sizes))
	for _, i := range order {
		if sizes[i] > 0 {
			all[i] = deal(taken, sizes[i])
		}
	}
	return Segment{Period: period, Places: all[mine], all: all, mine: mine}
}

// Of divides things among the segments that have some of n others, as many times.
func (s Segment) Of(n int64) Segment {
	if n == 0 {
		return s
	}
	sizes, divisor := make([]int64, len(s.all)), int64(0)
	for i, places := range s.all {
		sizes[i] = Segment{Period: s.Period, Places: places}.Share(n)
		divisor = gcd(divisor, sizes[i])
	}
	for i := range sizes {
		sizes[i] /= divisor
	}
	return divide(sizes, s.mine)
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// deal takes a number of free places, evenly spread.
func deal(taken []bool, size int64) []int64 {
	period := int64(len(taken))
	places := make([]int64, 0, size)
	for k := range size {
		at := (k*period + size - 1) / size
		for taken[at] {
			at = (at + 1) % period
		}
		taken[at] = true
		places = append(places, at)
	}
	slices.Sort(places)
	return places
}

// Share is how many of n things are this segment's.
func (s Segment) Share(n int64) int64 {
	whole := n / s.Period * int64(len(s.Places))
	rest, _ := slices.BinarySearch(s.Places, n%s.Period)
	return whole + int64(rest)
}

// Nth is the number, among all things, of the segment's kth; both count from 0.
func (s Segment) Nth(k int64) int64 {
	n := int64(len(s.Places))
	return k/n*s.Period + s.Places[k%n]
}
