package options

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSegmentsDivideEverythingOnce(t *testing.T) {
	for _, sequence := range [][]string{{"0", "1"}, {"0", "1/2", "1"}, {"0", "1/4", "2/4", "3/4", "1"}, {"0", "1/6", "1/2", "1"}, {"0", "0.1", "30%", "1"}} {
		joined := sequence[0]
		for _, end := range sequence[1:] {
			joined += "," + end
		}
		for n := range int64(50) {
			owner := map[int64]int{}
			for i := range len(sequence) - 1 {
				s, err := ParseSegment(sequence[i]+":"+sequence[i+1], joined)
				if err != nil {
					t.Fatal(err)
				}
				for k := range s.Share(n) {
					owner[s.Nth(k)]++
				}
			}
			for i := range n {
				if owner[i] != 1 {
					t.Errorf("of %d things in %s, thing %d is done %d times, want once", n, joined, i, owner[i])
				}
			}
			if len(owner) != int(n) {
				t.Errorf("of %d things in %s, %d are done", n, joined, len(owner))
			}
		}
	}
}

// The numbers are those of the iterations that k6 v2.2.0 ran with these segments.
func TestSegmentsNumberIterationsAsK6Does(t *testing.T) {
	quarters := "0,1/4,2/4,3/4,1"
	for _, c := range []struct {
		segment, sequence string
		users, n          int64
		want              []int64
	}{
		{"1/3:2/3", "0,1/3,2/3,1", 3, 20, []int64{1, 4, 7, 10, 13, 16, 19}},
		{"0:1/4", quarters, 5, 25, []int64{0, 3, 5, 8, 10, 13, 15, 18, 20, 23}}, // of five users it has two
		{"2/4:3/4", quarters, 3, 10, []int64{2, 5, 8}},                          // the last of four has no user
		{"3/4:1", quarters, 3, 10, nil},
		{"3/4:1", quarters, 5, 25, []int64{4, 9, 14, 19, 24}},
		{"0:1/2", "0,1/2,3/4,1", 7, 20, []int64{0, 2, 4, 6, 7, 9, 11, 13, 14, 16, 18}},
		{"1/2:3/4", "0,1/2,3/4,1", 7, 20, []int64{1, 5, 8, 12, 15, 19}},
		{"3/4:1", "0,1/2,3/4,1", 7, 20, []int64{3, 10, 17}},
		{"1/3:1/2", "0,1/3,1/2,1", 7, 20, []int64{3, 10, 17}},
	} {
		s, err := ParseSegment(c.segment, c.sequence)
		if err != nil {
			t.Fatal(err)
		}
		numbers := s.Of(c.users)
		var got []int64
		for k := range numbers.Share(c.n) {
			got = append(got, numbers.Nth(k))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("segment %s of %s, %d users (-want +got):\n%s", c.segment, c.sequence, c.users, diff)
		}
	}
}

func TestSegmentsThatAreNone(t *testing.T) {
	for _, c := range [][2]string{{"1/2", "0,1/3,1"}, {"1/2:1/4", ""}, {"a:1", ""}, {"0:2", ""}, {"0:1/2", "0,1/2"}, {"0:1/2", "1/2,0,1"}, {"-1:1/2", ""}} {
		if s, err := ParseSegment(c[0], c[1]); err == nil {
			t.Errorf("segment %q of %q is %v, want an error", c[0], c[1], s)
		}
	}
}
