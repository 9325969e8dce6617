package text

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// eloquent are the characters that forms change, or that are in runs.
func eloquent() (all []rune) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		at := norm.NFC.PropertiesString(string(r))
		if at.Decomposition() != nil || at.CCC() != 0 || !at.BoundaryBefore() {
			all = append(all, r)
		}
	}
	return append(all, []rune("aeoq \uac00\u1100\u1112\u09c7\U0001109b")...)
}

// TestTheFormIsThatOfTheLibraryWhereThatIsExact: runs of up to 30 marks.
func TestTheFormIsThatOfTheLibraryWhereThatIsExact(t *testing.T) {
	all, random := eloquent(), rand.New(rand.NewPCG(1, 2))
	for _, r := range all {
		for _, s := range []string{string(r), "a" + string(r), string(r) + "\u0301", "\u0323" + string(r)} {
			if got, _ := exactly(s, 1000); got != norm.NFC.String(s) {
				t.Errorf("%+q became %+q, want %+q", s, got, norm.NFC.String(s))
			}
		}
	}
	for range 20_000 {
		var b strings.Builder
		for range 1 + random.IntN(10) {
			b.WriteRune(all[random.IntN(len(all))])
		}
		c, s := composer{most: 1000}, b.String()
		c.add(s)
		if want := norm.NFC.String(s); string(c.out) != want {
			t.Fatalf("%+q became %+q, want %+q", s, c.out, want)
		}
	}
}

func TestRunsOfMarksAreInOrderAndNothingIsAdded(t *testing.T) {
	acute, below := "\u0301", "\u0316"
	for given, want := range map[string]string{
		"a" + strings.Repeat("\u0300"+below, 20):                                             "\u00e0" + strings.Repeat(below, 20) + strings.Repeat("\u0300", 19),
		"x" + strings.Repeat(below, 31) + "e" + acute:                                        "x" + strings.Repeat(below, 31) + "\u00e9",
		"e" + acute + "x" + strings.Repeat(acute, 31):                                        "\u00e9x" + strings.Repeat(acute, 31),
		strings.Repeat(acute, 100):                                                           strings.Repeat(acute, 100),
		"a" + strings.Repeat(acute, 40) + "\u034f" + acute:                                   "\u00e1" + strings.Repeat(acute, 39) + "\u034f" + acute, // one of its own
		"e" + acute + strings.Repeat("x", 200_000) + "e" + acute + strings.Repeat(acute, 40): "\u00e9" + strings.Repeat("x", 200_000) + "\u00e9" + strings.Repeat(acute, 40),
		"A" + strings.Repeat("\u0307\u0323", 31):                                             "\u1ea0" + strings.Repeat("\u0323", 30) + strings.Repeat("\u0307", 31),
		"\u0344" + strings.Repeat("\u0344", 30):                                              strings.Repeat("\u0308\u0301", 31),
	} {
		clean, fits := Clean(given)
		if Normal(given) != want || Normal(want) != want || fits && clean != want || !fits && len(want) <= Grown(len(given)) {
			t.Errorf("%.40q became %.40q and %.40q, want %.40q", given, Normal(given), clean, want)
		}
	}
}

// TestOneRunOfMarksIsAsLongAsItMayBe: its time grows with its length, not with the square.
func TestOneRunOfMarksIsAsLongAsItMayBe(t *testing.T) {
	for _, unit := range []string{"\u0301\u0316", "\u0344", "\u1161", "\u0315\u0300\u05ae\u0062"} {
		s := "a" + strings.Repeat(unit, 2<<20/len(unit))
		if clean, fits := Clean(s); fits && len(clean) > Grown(len(s)) || !fits && unit != "\u0344" {
			t.Errorf("%+q: %d bytes became %d, fits: %v", unit, len(s), len(clean), fits)
		}
	}
}

func TestWhatIsNoUTF8HasAnEnd(t *testing.T) {
	for _, s := range []string{"\xff", "a\xcc", strings.Repeat("\u0301", 40) + "\xcc", "\xcc" + strings.Repeat("\u0301\xcc", 40)} {
		Normal(s)
	}
}
