package parameter

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Table reads settings, one a line: name, type, range or values, unit, static or dynamic, library, versions, what it is
// to a replica; "-" is none, "~" in a word a blank. Lines that begin with # are comments.
func Table(text string) (map[string]Setting, error) {
	table := map[string]Setting{}
	for n, line := range strings.Split(text, "\n") {
		columns := strings.Fields(line)
		if len(columns) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		s, err := row(columns)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		if _, twice := table[s.Name]; twice {
			return nil, fmt.Errorf("line %d: %s is there twice", n+1, s.Name)
		}
		table[s.Name] = s
	}
	return table, nil
}

// MustTable is Table of an embedded file: a fault is one of the program, and any test sees it.
func MustTable(text string) map[string]Setting {
	table, err := Table(text)
	if err != nil {
		panic(err)
	}
	return table
}

func row(columns []string) (Setting, error) {
	const width = 8
	if len(columns) != width {
		return Setting{}, fmt.Errorf("%d columns, want %d", len(columns), width)
	}
	for i, c := range columns {
		if c == "-" {
			columns[i] = ""
		}
	}
	s := Setting{Name: columns[0], Kind: Kind(columns[1]), Unit: columns[3], Static: columns[4] == "static",
		Library: columns[5]}
	standby := map[string]Standby{"": OnAnyServer, "floor": AtLeastOf, "replica": OnReplicaOnly}
	if _, known := standby[columns[7]]; !known || columns[4] != "static" && columns[4] != "dynamic" {
		return s, fmt.Errorf("%s is %q and %q, want static or dynamic, and floor, replica or -", s.Name,
			columns[4], columns[7])
	}
	s.Standby = standby[columns[7]]
	if err := s.versions(columns[6]); err != nil {
		return s, err
	}
	return s, s.values(columns[2])
}

// versions reads "16..", "..16" or nothing.
func (s *Setting) versions(text string) error {
	from, to, _ := strings.Cut(text, "..")
	for bound, into := range map[string]*int{from: &s.Since, to: &s.Until} {
		if bound == "" {
			continue
		}
		major, err := strconv.Atoi(bound)
		if err != nil {
			return fmt.Errorf("%s: versions are %q, want such as 16.. or ..16", s.Name, text)
		}
		*into = major
	}
	return nil
}

// values reads the range of a number, "0|20..300", "1.." without an upper bound, and the words or letters of the
// others.
func (s *Setting) values(text string) (err error) {
	switch s.Kind {
	case Text:
		return nil
	case Choice:
		s.Values = strings.Split(strings.ReplaceAll(text, "~", " "), ",")
		return nil
	case Letters:
		s.Values = []string{text}
		return nil
	}
	if !slices.Contains([]Kind{Integer, Real}, s.Kind) {
		return fmt.Errorf("%s has type %q, want integer, real, choice, letters or text", s.Name, s.Kind)
	}
	text, s.OrZero = strings.CutPrefix(text, "0|")
	low, high, ranged := strings.Cut(text, "..")
	if s.Min, err = strconv.ParseFloat(low, 64); err != nil || !ranged {
		return fmt.Errorf("%s has the range %q, want low..high", s.Name, text)
	}
	if s.Max = math.Inf(1); high != "" {
		s.Max, err = strconv.ParseFloat(high, 64)
	}
	return err
}
