package metrics

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Threshold is a condition that a metric has to keep.
type Threshold struct {
	Source      string
	AbortOnFail bool          // a miss ends the run
	Delay       time.Duration // before which a miss does not end it
	Failed      bool
	Statistic   string // that it is about, such as p(95)

	operator string
	limit    float64
}

var thresholdPattern = regexp.MustCompile(`^\s*([a-z]+|p\([^)]*\))\s*(<=|>=|===|==|!=|<|>)\s*(\S+)\s*$`)

// statisticsOf says what thresholds may ask of a type of metric; a trend also has percentiles.
var statisticsOf = map[Type]string{Counter: "count rate", Gauge: "value", Rate: "rate", Trend: "avg min max med count"}

// ParseThreshold reads an expression such as p(95)<200.
func ParseThreshold(source string) (*Threshold, error) {
	parts := thresholdPattern.FindStringSubmatch(source)
	if parts == nil {
		return nil, fmt.Errorf("failed parsing threshold expression %q, want STATISTIC OPERATOR NUMBER, p(95)<200", source)
	}
	limit, err := strconv.ParseFloat(parts[3], 64)
	if err != nil {
		return nil, fmt.Errorf("failed parsing threshold expression %q: %q is no number", source, parts[3])
	}
	return &Threshold{Source: source, Statistic: parts[1], operator: parts[2], limit: limit}, nil
}

// fits tells whether the metric has what the threshold asks for.
func (t *Threshold) fits(m *Metric) error {
	for name := range strings.FieldsSeq(statisticsOf[m.Type]) {
		if name == t.Statistic {
			return nil
		}
	}
	if _, err := parsePercentile(t.Statistic); err == nil && m.Type == Trend {
		return nil
	}
	return fmt.Errorf("invalid threshold %q applied on metric %s; "+
		"reason: unsupported aggregation method %s on metric of type %s. "+
		"supported aggregation methods for this metric are: %s",
		t.Source, m.Name, t.Statistic, m.Type, strings.ReplaceAll(statisticsOf[m.Type], " ", ", "))
}

func (t *Threshold) judge(m *Metric, elapsed time.Duration) error {
	value, err := m.Sink.Statistic(t.Statistic, elapsed)
	if err != nil {
		return err
	}
	t.Failed = !t.holds(value)
	return nil
}

func (t *Threshold) holds(value float64) bool {
	switch t.operator {
	case "<":
		return value < t.limit
	case "<=":
		return value <= t.limit
	case ">":
		return value > t.limit
	case ">=":
		return value >= t.limit
	case "!=":
		return value != t.limit
	default: // == and ===
		return value == t.limit
	}
}
