package age_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ragscale/ragscale/catalogue/age"
)

// Time alone makes no test fail: how old a fact is, `make facts-age` says.
func TestEveryFactSaysWhenItWasRead(t *testing.T) {
	facts, err := age.Of("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(facts) < 40 {
		t.Errorf("%d facts found, want those of the whole catalogue", len(facts))
	}
	for _, f := range facts {
		if f.Read.IsZero() {
			t.Errorf("%s says neither when it was read nor when it was remembered", f.Where)
		}
	}
}

func TestFactsAreFoundWithTheOldestOfTheirDates(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"a.go": `package a

// Least is AWS's.
// Source: x; read 2026-01-02. The rest as remembered
// 2025-12-31.
const Least = 1

const undated = 2

// computed from others needs no date.
var computed = Least * undated

type kind string

const name kind = "a name of our own"

var rows = []int{
	// read 2026-03-04
	1,
}
`,
		"t.txt": "# Source: y ; read 2026-02-03.\nrow\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	facts, err := age.Of(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.go: undated 0001-01-01", "a.go: Least 2025-12-31", "t.txt 2026-02-03", "a.go: rows 2026-03-04"}
	if len(facts) != len(want) {
		t.Fatalf("%v, want %v", facts, want)
	}
	for i, f := range facts {
		if got := f.Where + " " + f.Read.Format("2006-01-02"); got != want[i] {
			t.Errorf("%s, want %s", got, want[i])
		}
	}
}
