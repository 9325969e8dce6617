package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ragscale/ragscale/ragapi/text"
)

func TestEqualTextsBecomeEqualBytes(t *testing.T) {
	for given, want := range map[string]string{
		"cafe\u0301":                   "caf\u00e9",
		"caf\u00e9":                    "caf\u00e9",
		"\u1112\u1161\u11ab":           "\ud55c", // Hangul by its letters
		"\u212b":                       "\u00c5", // the sign of the Angstrom
		"A\u0323\u0307":                "\u1ea0\u0307",
		"A\u0307\u0323":                "\u1ea0\u0307",
		strings.Repeat("e\u0301", 1e5): strings.Repeat("\u00e9", 1e5),
		"":                             "",
	} {
		clean, fits := text.Clean(given)
		if text.Normal(given) != want || clean != want || !fits {
			t.Errorf("%.20q became %.20q and %.20q, want %.20q", given, text.Normal(given), clean, want)
		}
	}
}

func TestMarksAreTakenOutOfUploads(t *testing.T) {
	clean, _ := text.Clean("a" + text.MarkStop + "cafe\u0301" + text.MarkStart + "\ue002")
	if want := "a\ufffdcaf\u00e9\ufffd\ue002"; clean != want {
		t.Errorf("%q, want %q", clean, want)
	}
}

func TestATextThatGrowsBeyondBoundsIsNotMade(t *testing.T) {
	grows := "\U0001d160" // four bytes that become twelve
	if clean, fits := text.Clean(grows); !fits || len(clean) != 12 {
		t.Errorf("%q, fits %v", clean, fits)
	}
	if clean, fits := text.Clean(strings.Repeat(grows, 1e5)); fits {
		t.Errorf("%d bytes became %d", 4*100_000, len(clean))
	}
}

func TestWhatCannotBeKeptIsAFault(t *testing.T) {
	for given, want := range map[string]string{
		"a\xff": "is not valid UTF-8", "\xed\xa0\x80": "is not valid UTF-8", "\xc0\x80": "is not valid UTF-8", "a\x00": "has a NUL character, which cannot be stored",
		"": "", "\ufffd\U0010ffff\ufdd0": "",
	} {
		if got := text.Fault(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func FuzzCleanTextsAreNormalAndBounded(f *testing.F) {
	for _, seed := range []string{"", "e\u0301", "\ue000", "\U0001d160\U0001d160", strings.Repeat("\u0301", 100), "\ue000\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		clean, fits := text.Clean(s)
		if !fits {
			return
		}
		if len(clean) > text.Grown(len(s)) || !utf8.ValidString(clean) || strings.ContainsAny(clean, text.MarkStart+text.MarkStop) {
			t.Errorf("%q became %q", s, clean)
		}
		if text.Normal(clean) != clean {
			t.Errorf("%q became %q, which is not normal", s, clean)
		}
	})
}
