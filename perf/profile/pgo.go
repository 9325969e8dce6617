package profile

import (
	"bytes"
	"errors"
	"fmt"
)

// PGO is one CPU profile of all pods and windows, as `go build -pgo` takes it: sample types samples/count and
// cpu/nanoseconds (https://go.dev/doc/pgo). Labels are left out: the compiler has no use for them. Profiles of several
// builds may be merged: the compiler matches functions by name, and lines by their distance from the function's first.
func (p *Profiles) PGO() ([]byte, error) {
	parts := p.of("", CPU)
	if len(parts) == 0 {
		return nil, errors.New("there is no CPU profile, want one: take kind cpu")
	}
	merged, err := merge(parts)
	if err != nil {
		return nil, err
	}
	for _, s := range merged.Sample {
		s.Label, s.NumLabel, s.NumUnit = nil, nil, nil
	}
	if len(merged.Sample) == 0 {
		return nil, fmt.Errorf("the CPU profiles have no samples in %d windows, want some: take them under load", len(parts))
	}
	again, err := merge([]part{{Profile: merged}}) // samples that differed by their labels alone become one
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := again.Write(&text); err != nil {
		return nil, fmt.Errorf("profile for the compiler: %w", err)
	}
	return text.Bytes(), nil
}
