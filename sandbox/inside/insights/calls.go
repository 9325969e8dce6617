package insights

import (
	"slices"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
)

type metricKey struct {
	Metric     string
	Dimensions map[string]string
}

type dataPoint struct {
	Timestamp time.Time
	Value     *float64
}

type metricLine struct {
	Key        metricKey
	DataPoints []dataPoint
}

type metricsOutput struct {
	AlignedStartTime, AlignedEndTime time.Time
	Identifier                       string
	MetricList                       []metricLine
	NextToken                        string
}

// mostQueries of one call.
const mostQueries = 15

// getResourceMetrics answers the load, and where groups are asked for that of the largest.
func (s *Service) getResourceMetrics(c awsrpc.Call) (any, error) {
	var in struct {
		span
		MetricQueries []metricQuery
	}
	if err := c.Into(&in); err != nil {
		return nil, err
	}
	if len(in.MetricQueries) == 0 || len(in.MetricQueries) > mostQueries {
		return nil, invalid("MetricQueries has %d members, want 1 to %d", len(in.MetricQueries), mostQueries)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.load(c, in.span)
	if err != nil {
		return nil, err
	}
	from, to := in.aligned()
	out := metricsOutput{AlignedStartTime: unix(from), AlignedEndTime: unix(to), Identifier: in.Identifier}
	var all []metricLine
	for _, q := range in.MetricQueries {
		lines, err := q.lines(l, in.span)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	out.MetricList, out.NextToken, err = page(all, in.span)
	return out, err
}

func unix(second int64) time.Time { return time.Unix(second, 0).UTC() }

func checkMetric(name string) error {
	if slices.Contains(metricNames, name) {
		return nil
	}
	return invalid("The metric %q is not told here, want one of %v", name, metricNames)
}

func (q metricQuery) lines(l *load, of span) ([]metricLine, error) {
	if err := checkMetric(q.Metric); err != nil {
		return nil, err
	}
	if err := checkFilter(q.Filter); err != nil {
		return nil, err
	}
	all := l.lines(of, nil, q.Filter)
	if q.GroupBy != nil {
		dimensions, err := q.GroupBy.asked()
		if err != nil {
			return nil, err
		}
		parts := l.lines(of, dimensions, q.Filter)
		all = append(all, parts[:min(q.GroupBy.limit(), len(parts))]...)
	}
	from, _ := of.aligned()
	var out []metricLine
	for _, one := range all {
		m := metricLine{Key: metricKey{q.Metric, one.dimensions}, DataPoints: []dataPoint{}}
		for i, v := range one.points {
			m.DataPoints = append(m.DataPoints, dataPoint{unix(from + int64(i+1)*of.period()), v}) // a period is named by its end
		}
		out = append(out, m)
	}
	return out, nil
}

// limit is how many of a group are told.
func (g dimensionGroup) limit() int {
	if g.Limit != nil {
		return *g.Limit
	}
	return 10
}

type dimensionKey struct {
	Dimensions map[string]string
	Total      float64
	Partitions []float64
}

type partitionKey struct{ Dimensions map[string]string }

type keysOutput struct {
	AlignedStartTime, AlignedEndTime time.Time
	PartitionKeys                    []partitionKey
	Keys                             []dimensionKey
	NextToken                        string
}

type keysInput struct {
	span
	metricQuery
	PartitionBy       *dimensionGroup
	AdditionalMetrics []string
}

// check answers the dimensions that are asked for.
func (in keysInput) check() ([]string, error) {
	if err := checkMetric(in.Metric); err != nil {
		return nil, err
	}
	if in.GroupBy == nil || len(in.AdditionalMetrics) > 0 {
		return nil, invalid("GroupBy is required, and AdditionalMetrics are not told here")
	}
	if err := checkFilter(in.Filter); err != nil {
		return nil, err
	}
	return in.GroupBy.asked()
}

// describeDimensionKeys answers the largest of a group, and with PartitionBy how each is made of those of another.
func (s *Service) describeDimensionKeys(c awsrpc.Call) (any, error) {
	var in keysInput
	if err := c.Into(&in); err != nil {
		return nil, err
	}
	dimensions, err := in.check()
	if err != nil {
		return nil, err
	}
	of := in.span
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.load(c, of)
	if err != nil {
		return nil, err
	}
	from, to := of.aligned()
	out := keysOutput{AlignedStartTime: unix(from), AlignedEndTime: unix(to)}
	lines := l.lines(of, dimensions, in.Filter)
	part, next, err := page(lines[:min(in.GroupBy.limit(), len(lines))], of)
	if err != nil {
		return nil, err
	}
	out.NextToken = next
	return out, out.fill(l, of, part, in.PartitionBy)
}

// fill makes the keys of lines, with the parts of each.
func (out *keysOutput) fill(l *load, of span, lines []line, by *dimensionGroup) error {
	out.Keys = []dimensionKey{}
	var dimensions []string
	var partitions []line
	if by != nil {
		var err error
		if dimensions, err = by.asked(); err != nil {
			return err
		}
		partitions = l.lines(of, dimensions, nil)
		partitions = partitions[:min(by.limit(), len(partitions))]
		out.PartitionKeys = []partitionKey{}
	}
	for _, p := range partitions {
		out.PartitionKeys = append(out.PartitionKeys, partitionKey{p.dimensions})
	}
	for _, one := range lines {
		key := dimensionKey{Dimensions: one.dimensions, Total: one.total}
		for _, p := range partitions {
			key.Partitions = append(key.Partitions, l.lines(of, nil, both(one.dimensions, p.dimensions))[0].total)
		}
		out.Keys = append(out.Keys, key)
	}
	return nil
}

// both is a filter of the values of two.
func both(a, b map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}
