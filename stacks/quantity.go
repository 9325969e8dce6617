package stacks

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"github.com/ragscale/ragscale/catalogue"
)

// CPU is an amount of CPU in thousandths of a core; as text it is a Kubernetes quantity ("250m", "2").
type CPU int64

// Memory is an amount of memory in bytes; as text it is a Kubernetes quantity with a binary suffix ("512Mi").
type Memory int64

// Bounds keep arithmetic on quantities far from overflow: no AWS instance has more.
const (
	maxCPU    CPU    = 1_000_000
	maxMemory Memory = Memory(32 * 1024 * catalogue.GiB)
)

const (
	wantCPU    = `CPU such as "250m" or "2", from "1m" to "1000"`
	wantMemory = `memory such as "512Mi" or "2Gi", from "1Mi" to "32768Gi"`
)

var (
	cpuText    = regexp.MustCompile(`^([0-9]{1,7})(m?)$`)
	memoryText = regexp.MustCompile(`^([0-9]{1,9})(Ki|Mi|Gi)$`)
	memoryUnit = map[string]Memory{"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
)

// Want is the phrase for what UnmarshalText takes.
func (CPU) Want() string { return wantCPU }

// UnmarshalText reads a quantity such as "250m" or "2".
func (c *CPU) UnmarshalText(text []byte) error {
	parts := cpuText.FindStringSubmatch(string(text))
	if parts == nil {
		return fmt.Errorf("%q is no %s", text, wantCPU)
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	if parts[2] == "" {
		n *= 1000
	}
	if n < 1 || CPU(n) > maxCPU {
		return fmt.Errorf("%q is no %s", text, wantCPU)
	}
	*c = CPU(n)
	return nil
}

// MarshalText is the inverse of UnmarshalText.
func (c CPU) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String is the Kubernetes quantity.
func (c CPU) String() string {
	if c%1000 == 0 {
		return strconv.FormatInt(int64(c/1000), 10)
	}
	return strconv.FormatInt(int64(c), 10) + "m"
}

// Want is the phrase for what UnmarshalText takes.
func (Memory) Want() string { return wantMemory }

// UnmarshalText reads a quantity such as "512Mi". A binary suffix is required: "512M" and "512" are likelier slips.
func (m *Memory) UnmarshalText(text []byte) error {
	parts := memoryText.FindStringSubmatch(string(text))
	if parts == nil {
		return fmt.Errorf("%q is no %s", text, wantMemory)
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	unit := memoryUnit[parts[2]]
	if n > math.MaxInt64/int64(unit) || Memory(n)*unit < Memory(catalogue.MiB) || Memory(n)*unit > maxMemory {
		return fmt.Errorf("%q is no %s", text, wantMemory)
	}
	*m = Memory(n) * unit
	return nil
}

// MarshalText is the inverse of UnmarshalText.
func (m Memory) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// String is the Kubernetes quantity, in the largest unit that divides it.
func (m Memory) String() string {
	for _, suffix := range []string{"Gi", "Mi"} {
		if m%memoryUnit[suffix] == 0 {
			return strconv.FormatInt(int64(m/memoryUnit[suffix]), 10) + suffix
		}
	}
	return strconv.FormatInt(int64(m/memoryUnit["Ki"]), 10) + "Ki"
}
