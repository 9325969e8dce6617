package curve

import (
	"math"
	"strings"
	"testing"
)

func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name string
		at   map[float64]float64
	}{
		{"step", map[float64]float64{0: 100, 59: 100, 60: 1000, 599: 1000, 700: 1000}},
		{"ramp", map[float64]float64{30: 100, 60: 100, 210: 550, 360: 1000, 600: 1000}},
		{"spike", map[float64]float64{149: 100, 150: 1000, 179: 1000, 180: 100, 600: 100}},
		{"wave", map[float64]float64{0: 100, 60: 100, 127.5: 1000, 195: 100, 262.5: 1000, 600: 100}},
		{"day", map[float64]float64{75: 100, 375: 1000}}, // 3:00 and 15:00 of ten minutes
	} {
		curve, err := Shape(c.name, 100, 1000, 600)
		if err != nil || curve.Seconds() != 600 || curve.Peak() != 1000 {
			t.Errorf("%s: %v s up to %v, %v", c.name, curve.Seconds(), curve.Peak(), err)
		}
		for at, want := range c.at {
			if got := curve.Rate(at); math.Abs(got-want) > 1e-6 {
				t.Errorf("%s: %v requests/s at %v s, want %v", c.name, got, at, want)
			}
		}
	}
}

func TestRequestsAreTheArea(t *testing.T) {
	step, _ := Shape("step", 100, 1000, 600)
	if got := step.Requests(); math.Abs(got-546000) > 1e-6 {
		t.Errorf("%v requests, want 60 s of 100/s and 540 s of 1,000/s", got)
	}
}

func TestShapesThatAreNone(t *testing.T) {
	for want, c := range map[string]struct {
		name                string
		base, peak, seconds float64
	}{
		`the load is "square"`: {"square", 1, 2, 600},
		"from 3 to 2":          {"step", 3, 2, 600},
		"to NaN":               {"step", 3, math.NaN(), 600},
		"to 1e+08":             {"step", 3, 1e8, 600},
		"lasts 10 s":           {"step", 1, 2, 10},
		"lasts NaN s":          {"step", 1, 2, math.NaN()},
	} {
		if _, err := Shape(c.name, c.base, c.peak, c.seconds); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want in it %q", err, want)
		}
	}
}

func TestReadTakesBothForms(t *testing.T) {
	for name, text := range map[string]string{
		"dated":       "time,requests per second\n2026-11-30T12:00:00Z,10\n2026-11-30T12:01:00Z,20\n2026-11-30T13:02:00+01:00,40\n",
		"seconds":     "# of a monitor\n\n1000,10\n1060, 20\n1120,40\n",
		"spreadsheet": "\ufeff\"0\",\"10\"\r\n60,20\r\n120,40\r\n",
	} {
		c, err := Read(name, strings.NewReader(text))
		if err != nil || c.Seconds() != 120 || c.Rate(30) != 15 || c.Rate(90) != 30 || c.Peak() != 40 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestReadNamesAllFaultsWithTheirLines(t *testing.T) {
	text := "seconds,rps\n0,10\n60,-1\n120,NaN\n180,10\n170,10\n230,10\n290,12\n300,x\n4050,7\n" +
		"4110,7\n4170,7\nyesterday,5\n1,2,3\n"
	_, err := Read("load.csv", strings.NewReader(text))
	for _, want := range []string{
		`load.csv: line 3: "-1" requests per second`, `line 4: "NaN" requests`, "line 6: its time is not after that of line 5",
		`line 9: "x" requests`, "line 10: 3760 s after line 8, where rows are 60 s apart", `line 13: "yesterday" is no time`,
		"line 14: 3 columns, want two",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant in it %q", err, want)
		}
	}
}

func TestReadIsBounded(t *testing.T) {
	long := strings.Repeat("1,2,3\n", 1000)
	many := &strings.Builder{}
	for i := range MostRows + 2 {
		many.WriteString(strings.Repeat("0", 3) + "1" + strings.Repeat("0", i%2) + ",1\n")
	}
	for want, text := range map[string]string{
		"and 980 more":              long,
		"more than 16777216 bytes":  strings.Repeat("#", MostBytes+1),
		"there are more than 2":     many.String(),
		"0 rows, want two":          "",
		"1 rows, want two":          "5,5",
		"of another form than that": "5,5\n2026-11-30T12:00:00Z,10\n",
		"lasts 58 days":             "0,1\n5000000,2\n",
		`line 1: "` + strings.Repeat("1", 40) + "…\" is no time": strings.Repeat("1", 100_000) + ",5\n",
	} {
		if _, err := Read("f", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("%.300s…\nwant in it %q", err, want)
				continue
			}
			t.Errorf("%v, want in it %q", err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("0,1\n60,2\n")
	f.Add("time,rps\n2026-11-30T12:00:00Z,10\n")
	f.Add("\"")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Read("f", strings.NewReader(text))
		if err == nil && !(c.Seconds() > 0 && c.Peak() >= 0 && c.Rate(c.Seconds()/2) <= c.Peak()*(1+1e-9)) {
			t.Errorf("%v s up to %v/s of %q", c.Seconds(), c.Peak(), text)
		}
	})
}
