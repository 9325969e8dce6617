package summary

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// format is a value in the unit of its metric.
func (r *Run) format(m *metrics.Metric, value float64) string {
	switch m.Contains {
	case metrics.Time:
		return duration(value, r.TimeUnit)
	case metrics.Data:
		return bytes(value)
	}
	return perSecond(value)
}

func number(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

// perSecond has six decimals at most.
func perSecond(value float64) string { return trim(strconv.FormatFloat(value, 'f', 6, 64)) }

func trim(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// percent is cut, not rounded: 99.999 % is not all.
func percent(share float64) string {
	return fmt.Sprintf("%.2f%%", math.Trunc(share*100*100+1e-9)/100)
}

func bytes(value float64) string {
	const unit = 1000
	if math.Abs(value) < unit {
		return fmt.Sprintf("%.0f B", value)
	}
	prefixes := "kMGTPE"
	i := -1
	for math.Abs(value) >= unit && i < len(prefixes)-1 {
		value, i = value/unit, i+1
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %cB", value, prefixes[i])
	}
	return fmt.Sprintf("%.0f %cB", value, prefixes[i])
}

// duration is milliseconds in a unit, or in the one that fits.
func duration(ms float64, unit string) string {
	switch unit {
	case "s":
		return strconv.FormatFloat(ms/1000, 'f', 2, 64) + "s"
	case "ms":
		return strconv.FormatFloat(ms, 'f', 2, 64) + "ms"
	case "us":
		return strconv.FormatFloat(ms*1000, 'f', 2, 64) + "µs"
	}
	cut := func(value float64) string { return trim(fmt.Sprintf("%.2f", math.Trunc(value*100)/100)) }
	switch {
	case ms == 0:
		return "0s"
	case ms < 0.001:
		return cut(ms*1e6) + "ns"
	case ms < 1:
		return cut(ms*1000) + "µs"
	case ms < 1000:
		return cut(ms) + "ms"
	case ms < 60_000:
		return cut(ms/1000) + "s"
	}
	return time.Duration(ms * float64(time.Millisecond)).Truncate(10 * time.Millisecond).String()
}
