package curve

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is read.
const (
	MostBytes  = 16 << 20
	MostRows   = 200_000
	mostFaults = 20
	// gap is how many times the usual step there may be between two rows.
	gap = 3
)

// row is a line of the file that was understood.
type row struct {
	line     int
	at, rate float64
	dated    bool
}

// Read reads a monitor's CSV: a time, as RFC 3339 or in seconds, and requests per second. A first line that is no row
// is taken for a header, empty lines and lines from # are left out. Rows come in order, without gaps of more than three
// times the usual step. All faults are named with their lines, up to twenty.
func Read(name string, from io.Reader) (Curve, error) {
	text, err := io.ReadAll(io.LimitReader(from, MostBytes+1))
	if err != nil {
		return Curve{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > MostBytes {
		return Curve{}, fmt.Errorf("%s has more than %d bytes, want fewer, wider rows", name, MostBytes)
	}
	rows, faults := parse(strings.TrimPrefix(string(text), "\ufeff")) // spreadsheets begin a file with it
	if len(faults) == 0 && len(rows) < 2 {
		faults = append(faults, fmt.Errorf("%d rows, want two or more: a time and requests per second", len(rows)))
	}
	if faults = append(faults, order(rows)...); len(faults) > 0 {
		if more := len(faults) - mostFaults; more > 0 {
			faults = append(faults[:mostFaults], fmt.Errorf("and %d more", more))
		}
		return Curve{}, fmt.Errorf("%s: %w", name, errors.Join(faults...))
	}
	c := Curve{Name: name}
	for _, r := range rows {
		c.add(r.at-rows[0].at, r.rate)
	}
	if c.Seconds() > MostSeconds {
		return Curve{}, fmt.Errorf("%s lasts %.0f days, want 31 at the most", name, c.Seconds()/86400)
	}
	return c, nil
}

// parse reads lines, and names those that are no rows.
func parse(text string) (rows []row, faults []error) {
	lines := csv.NewReader(strings.NewReader(text))
	lines.FieldsPerRecord, lines.Comment, lines.TrimLeadingSpace, lines.ReuseRecord = -1, '#', true, true
	for first := true; ; first = false {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return rows, faults
		}
		if err != nil {
			return rows, append(faults, err)
		}
		line, _ := lines.FieldPos(0)
		r, err := rowOf(fields)
		if first && err != nil && header(fields) {
			continue
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		r.line = line
		if rows = append(rows, r); len(rows) > MostRows {
			return rows, append(faults, fmt.Errorf("line %d: there are more than %d rows, want fewer, wider ones",
				line, MostRows))
		}
	}
}

// header says that a line has words where numbers would be.
func header(fields []string) bool {
	return len(fields) > 0 && !slices.ContainsFunc(fields, func(f string) bool {
		return f == "" || strings.ContainsAny(f[:1], "0123456789-+.")
	})
}

func rowOf(fields []string) (r row, err error) {
	if len(fields) != 2 {
		return r, fmt.Errorf("%d columns, want two: a time and requests per second", len(fields))
	}
	var faults []error
	if r.at, r.dated, err = timeOf(strings.TrimSpace(fields[0])); err != nil {
		faults = append(faults, err)
	}
	r.rate, err = strconv.ParseFloat(strings.TrimSpace(fields[1]), 64)
	if err != nil || !(r.rate >= 0 && r.rate <= MostRPS) {
		faults = append(faults, fmt.Errorf("%s requests per second, want a number from 0 to %.0f", short(fields[1]),
			float64(MostRPS)))
	}
	return r, errors.Join(faults...)
}

func timeOf(text string) (at float64, dated bool, err error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return float64(t.Unix()) + float64(t.Nanosecond())/1e9, true, nil
	}
	at, err = strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(at) || math.Abs(at) > 1e12 {
		return 0, false, fmt.Errorf("%s is no time, want RFC 3339 such as 2026-11-30T12:00:00Z, or seconds", short(text))
	}
	return at, false, nil
}

// short quotes what stands in a file, whose lines may be long.
func short(text string) string {
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	return strconv.Quote(text)
}

// order wants rows to rise in time, all in one form, without gaps.
func order(rows []row) (faults []error) {
	var steps []float64
	for i := 1; i < len(rows); i++ {
		a, b := rows[i-1], rows[i]
		switch {
		case a.dated != b.dated:
			return append(faults, fmt.Errorf("line %d: its time is of another form than that of line %d, "+
				"want RFC 3339 or seconds in all", b.line, a.line))
		case b.at <= a.at:
			faults = append(faults, fmt.Errorf("line %d: its time is not after that of line %d, want rows in order",
				b.line, a.line))
		default:
			steps = append(steps, b.at-a.at)
		}
	}
	if len(steps) == 0 {
		return faults
	}
	slices.Sort(steps)
	usual := steps[len(steps)/2]
	for i := 1; i < len(rows); i++ {
		if step := rows[i].at - rows[i-1].at; step > gap*usual {
			faults = append(faults, fmt.Errorf("line %d: %v s after line %d, where rows are %v s apart: what came in "+
				"between is not known, want it filled in", rows[i].line, step, rows[i-1].line, usual))
		}
	}
	return faults
}
