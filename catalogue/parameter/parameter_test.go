package parameter

import (
	"fmt"
	"strings"
	"testing"
)

func TestFormulasOfRDS(t *testing.T) {
	on := Instance{MemoryBytes: 8 << 30, VCPU: 2, StorageGiB: 100, Port: 5432}
	for formula, want := range map[string]string{
		"{DBInstanceClassMemory/32768}":                  "262144",
		"{DBInstanceClassMemory/16384}":                  "524288",
		"{DBInstanceClassMemory*3/32768}":                "786432",
		"LEAST({DBInstanceClassMemory/9531392},5000)":    "901",
		"GREATEST({DBInstanceClassMemory/63963136},512)": "512",
		"SUM({DBInstanceClassMemory/12038},-50007)":      "663561",
		"GREATEST(LEAST({DBInstanceVCPU*4}, 100), 3)":    "8",
		"16": "16",
	} {
		got, err := Evaluate(formula, on)
		if err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", formula, got, err, want)
		}
	}
}

func TestBadFormulasAreNamed(t *testing.T) {
	for formula, want := range map[string]string{
		"{DBInstanceMemory/2}":           `"DBInstanceMemory" is neither`,
		"{DBInstanceClassMemory/2":       `"}" is missing`,
		"LEAST({DBInstanceClassMemory},": "neither a number",
		"{DBInstanceClassMemory/0}":      "divides by zero",
		"{DBInstanceClassMemory}kB":      `"kB" follows`,
		"{":                              "neither a number",
	} {
		_, err := Evaluate(formula, Instance{MemoryBytes: 1 << 30})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", formula, err, want)
		}
	}
}

func FuzzEvaluateDoesNotPanic(f *testing.F) {
	for _, s := range []string{"{DBInstanceClassMemory/32768}", "LEAST(", "{}", "SUM({1*2/0},3)"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		if _, err := Evaluate(s, Instance{MemoryBytes: 1}); err != nil {
			return
		}
	})
}

func TestATableThatIsWronglyWrittenIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"work_mem integer 64..100 kB dynamic -":                    "line 1: 6 columns, want 8",
		"# c\nwork_mem integer 64..100 kB sometimes - - -":         `line 2: work_mem is "sometimes" and "", want static or dynamic`,
		"work_mem integer 64 kB dynamic - - -":                     `work_mem has the range "64", want low..high`,
		"work_mem bits 64..100 kB dynamic - - -":                   `work_mem has type "bits"`,
		"work_mem integer 64..100 kB dynamic - new -":              `versions are "new"`,
		"a real 0..1 - dynamic - - -\na real 0..1 - dynamic - - -": "line 2: a is there twice",
	} {
		if _, err := Table(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestARangeMayBeOpenAndMaySwitchOff(t *testing.T) {
	table, err := Table("timeout integer 0|20.. s dynamic - 7..8 -")
	if err != nil {
		t.Fatal(err)
	}
	s := table["timeout"]
	for value, want := range map[string]string{
		"0": "<nil>", "20": "<nil>", "99999999999": "<nil>",
		"19": "is 19, want 0 or a whole number of at least 20 (s)",
	} {
		if got := fmt.Sprint(s.Check(value, Instance{})); got != want {
			t.Errorf("%s %s, want %s", value, got, want)
		}
	}
	if s.In(6) || !s.In(7) || !s.In(8) || s.In(9) {
		t.Errorf("%+v", s)
	}
}
