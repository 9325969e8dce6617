package text

import (
	"fmt"
	"strconv"
	"strings"
)

// PostgreSQL writes a number out without an exponent. Within these bounds, which hold every double, that is some 370 characters
// at most.
const (
	maxDigits   = 40
	maxExponent = 324
	mostShown   = 64 // bytes of a number in a fault
)

// NumberFault says why a number, as JSON writes it, cannot be kept, or "".
func NumberFault(s string) string {
	whole, fraction, power := parts(s)
	if digits := len(whole) + len(fraction); digits > maxDigits {
		return fmt.Sprintf("is a number of %d digits, want %d at most, or a string", digits, maxDigits)
	}
	_, err := strconv.ParseFloat(s, 64)
	exponent := 0
	if err == nil && power != "" {
		exponent, err = strconv.Atoi(power)
	}
	if err != nil || exponent > maxExponent || exponent < -maxExponent {
		return "is the number " + s[:min(len(s), mostShown)] + ", want one that a double holds, or a string"
	}
	return ""
}

// NumberSize is how many bytes a number without a fault has at most, written out.
func NumberSize(s string) int {
	whole, fraction, power := parts(s)
	exponent, err := strconv.Atoi(power)
	if err != nil {
		exponent = 0 // it has none
	}
	return len("-.") + max(1, len(whole)+exponent) + max(0, len(fraction)-exponent)
}

func parts(s string) (whole, fraction, power string) {
	mantissa, power, _ := strings.Cut(strings.ToLower(s), "e")
	whole, fraction, _ = strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	return whole, fraction, power
}
