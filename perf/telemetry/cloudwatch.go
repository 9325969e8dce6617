package telemetry

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// cloudWatch is what panels of CloudWatch are said to be measured by.
const cloudWatch = "CloudWatch"

// mostQueries of one GetMetricData. With mostPoints of each an answer stays below the 100,800 that CloudWatch allows.
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html , as remembered
// 2026-11-30.
const mostQueries = 500

// grid are whole periods, n of them from a time on.
type grid struct {
	from   time.Time
	period time.Duration
	n      int
}

// gridOf are the periods whose middle lies within a window; the one around its middle where none does.
func gridOf(in Window, period time.Duration) grid {
	g := grid{period: period, from: in.From.Add(-period / 2).Truncate(period)}
	if g.from.Add(period / 2).Before(in.From) {
		g.from = g.from.Add(period)
	}
	if g.n = int(math.Floor(float64(in.To.Sub(g.from.Add(period/2)))/float64(period))) + 1; g.n < 1 {
		g.from, g.n = in.From.Add(in.To.Sub(in.From)/2).Truncate(period), 1
	}
	return g
}

func (g grid) end() time.Time { return g.from.Add(time.Duration(g.n) * g.period) }

// empty is a series without values.
func (g grid) empty() Values { return slices.Repeat(Values{math.NaN()}, g.n) }

// panel is one whose values are those of a grid's periods, in their middles.
func (g grid) panel(p Panel) Panel {
	p.From, p.StepSeconds = g.from.Add(g.period/2), g.period.Seconds()
	return p
}

// minutes are periods that CloudWatch has: of a minute, of 5 minutes after 15 days, of an hour after 63, so many of
// them that what is kept is bounded.
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html , as remembered
// 2026-11-30.
func minutes(in Window, now time.Time) grid {
	const day = 24 * time.Hour
	least := time.Minute
	switch age := now.Sub(in.From); {
	case age > 63*day:
		least = time.Hour
	case age > 15*day:
		least = 5 * time.Minute
	}
	period := least
	for in.To.Sub(in.From)/period >= mostPoints-1 {
		period += least
	}
	return gridOf(in, period)
}

// wanted is a metric's statistic of a resource that is asked for.
type wanted struct {
	of   subject
	line metricLine
}

func (w wanted) key() string { return w.of.id + " " + w.line.metric + " " + w.line.stat }

func (w wanted) query(id int, p metricPanel, period time.Duration) types.MetricDataQuery {
	namespace, _, _ := strings.Cut(p.of, " ")
	return types.MetricDataQuery{
		Id: aws.String("m" + strconv.Itoa(id)),
		MetricStat: &types.MetricStat{
			Metric: &types.Metric{
				Namespace: &namespace, MetricName: aws.String(w.line.metric), Dimensions: w.of.dimensions},
			Period: aws.Int32(int32(period.Seconds())), Stat: aws.String(w.line.stat),
		},
	}
}

// cloudWatch asks for the panels of the resources that there are. One without a value is missing.
func (s Stack) cloudWatch(ctx context.Context, region string, of subjects, in Window) ([]Panel, []Missing) {
	g := minutes(in, s.now())
	var queries []types.MetricDataQuery
	keys := map[string]string{} // of what was asked, by the query's ID
	for _, p := range measured {
		for _, w := range p.wanted(of) {
			q := w.query(len(queries), p, g.period)
			queries, keys[*q.Id] = append(queries, q), w.key()
		}
	}
	values := map[string]Values{}
	for part := range slices.Chunk(queries, mostQueries) {
		if err := s.ask(ctx, region, part, g, func(id string) Values {
			if values[keys[id]] == nil {
				values[keys[id]] = g.empty()
			}
			return values[keys[id]]
		}); err != nil {
			return nil, []Missing{{"all that " + cloudWatch + " knows in " + region, err.Error()}}
		}
	}
	return assemble(of, g, values)
}

// wanted is what is asked for of a panel, of each line all resources.
func (p metricPanel) wanted(of subjects) (all []wanted) {
	for _, l := range p.lines {
		for _, one := range of[p.of] {
			all = append(all, wanted{one, l})
		}
	}
	return all
}

// ask asks a question, page after page, and puts what is answered where values says.
func (s Stack) ask(
	ctx context.Context, region string, queries []types.MetricDataQuery, g grid, values func(id string) Values,
) error {
	from, to := g.from, g.end()
	pages := cloudwatch.NewGetMetricDataPaginator(s.metrics(region), &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries, StartTime: &from, EndTime: &to, ScanBy: types.ScanByTimestampAscending})
	for range mostPages {
		if !pages.HasMorePages() {
			return nil
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("CloudWatch's data in %s: %w", region, err)
		}
		for _, r := range page.MetricDataResults {
			if r.StatusCode == types.StatusCodeForbidden || r.StatusCode == types.StatusCodeInternalError {
				return fmt.Errorf("CloudWatch's data in %s: %s answers %s", region, aws.ToString(r.Label), r.StatusCode)
			}
			if len(r.Timestamps) != len(r.Values) {
				return fmt.Errorf("CloudWatch's data in %s: %s has %d times and %d values", region, aws.ToString(r.Label),
					len(r.Timestamps), len(r.Values))
			}
			place(values(aws.ToString(r.Id)), g, r)
		}
	}
	return fmt.Errorf("CloudWatch's data in %s have more than %d pages", region, mostPages)
}

func place(into Values, g grid, r types.MetricDataResult) {
	for i, at := range r.Timestamps {
		if at.Before(g.from) {
			continue
		}
		if n := int(at.Sub(g.from) / g.period); n < len(into) && !math.IsInf(r.Values[i], 0) {
			into[n] = r.Values[i]
		}
	}
}

// assemble makes panels of what was answered.
func assemble(of subjects, g grid, values map[string]Values) (panels []Panel, missing []Missing) {
	for _, p := range measured {
		all := p.wanted(of)
		if len(all) == 0 {
			continue // the stack has no such resource
		}
		panel := g.panel(Panel{Name: p.name, Title: p.title, Unit: p.unit, Source: cloudWatch,
			Note: "of each " + words(g.period)})
		for _, w := range all {
			reference := values[wanted{w.of, metricLine{metric: requestCount, stat: "Sum"}}.key()]
			v := w.line.values(values[w.key()], reference, g.period)
			if !v.empty() && len(panel.Series) < mostSeries {
				name := strings.TrimSpace(w.of.name + " " + w.line.name)
				panel.Series = append(panel.Series, Series{Name: name, Values: v})
			}
		}
		if len(panel.Series) == 0 {
			why := cloudWatch + " has no values of the run's time"
			if p.sparse != "" {
				why += ": " + p.sparse
			}
			missing = append(missing, Missing{p.title, why})
			continue
		}
		panels = append(panels, panel)
	}
	return panels, missing
}

// values are a line's in its panel's unit. What counts has none where nothing was counted: that is 0 where there were
// requests to count.
func (l metricLine) values(raw, reference Values, period time.Duration) Values {
	factor := 1.0
	if l.scale.times != 0 {
		factor = l.scale.times
	}
	if l.scale.per != 0 {
		factor *= l.scale.per / period.Seconds()
	}
	all := slices.Clone(raw)
	for i := range all {
		if math.IsNaN(all[i]) && l.counted && i < len(reference) && !math.IsNaN(reference[i]) {
			all[i] = 0
		}
		all[i] *= factor
	}
	return all
}

// words is a time as captions have it: minute, 2 minutes, 10 s.
func words(d time.Duration) string {
	switch {
	case d == time.Minute:
		return "minute"
	case d%time.Minute == 0:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%v s", d.Seconds())
}
