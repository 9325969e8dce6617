package telemetry

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// insights is what panels of database load are said to be measured by.
const insights = "Performance Insights"

const (
	// mostInstances are asked for their load, the primary first.
	mostInstances = 6
	// mostParts are the wait events, or the statements, that are told apart. The rest is other.
	mostParts = 10
	// mostStatement is how many letters of a statement name it.
	mostStatement = 160
	// fineTime is how long a run may be for its load to be asked for by the second, in steps of fineStep.
	fineTime = 15 * time.Minute
	fineStep = 10 * time.Second
	other    = "other"
)

// loads are the two views of a database's load, as Performance Insights groups it. The first dimension names a part.
// Source: https://docs.aws.amazon.com/performance-insights/latest/APIReference/API_DimensionGroup.html , as remembered
// 2026-11-30.
var loads = []struct {
	panel, title, group string
	dimensions          []string
}{
	{"database-load", "Load of the database's %s by wait event, mean active sessions", "db.wait_event",
		[]string{"db.wait_event.name", "db.wait_event.type"}},
	{"database-statements", "Load of the database's %s by statement, mean active sessions", "db.sql_tokenized",
		[]string{"db.sql_tokenized.statement"}},
}

// insights asks for the load of a stack's database instances.
func (s Stack) insights(ctx context.Context, databases []subject, in Window) (panels []Panel, missing []Missing) {
	for i, db := range databases {
		what := "Load of the database's " + db.name
		if i >= mostInstances {
			missing = append(missing, Missing{what, fmt.Sprintf("no more than %d instances are asked", mostInstances)})
			continue
		}
		resource, err := s.watchedInstance(ctx, db.id)
		var lines map[string][]dataLine
		g := insightsGrid(in)
		if err == nil {
			lines, err = s.loadOf(ctx, resource, g)
		}
		if err != nil {
			missing = append(missing, Missing{what, err.Error()})
			continue
		}
		more, gaps := loadPanels(db, lines, g)
		panels, missing = append(panels, more...), append(missing, gaps...)
	}
	return panels, missing
}

// watchedInstance is the ID that Performance Insights knows a database instance by.
func (s Stack) watchedInstance(ctx context.Context, id string) (string, error) {
	out, err := s.databases.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	switch {
	case err != nil:
		return "", fmt.Errorf("instance %s: %w", id, err)
	case len(out.DBInstances) != 1 || aws.ToString(out.DBInstances[0].DbiResourceId) == "":
		return "", fmt.Errorf("instance %s: RDS tells of %d, want one with its resource ID", id, len(out.DBInstances))
	case !aws.ToBool(out.DBInstances[0].PerformanceInsightsEnabled):
		return "", fmt.Errorf("%s is off for %s: key database.insights of the stack's file", insights, id)
	}
	return *out.DBInstances[0].DbiResourceId, nil
}

// loadGrid is how a run's load is asked for, and the steps that it is kept in.
type loadGrid struct {
	grid
	asked time.Duration
}

// insightsGrid asks short runs by the second, longer ones by what Performance Insights has beside: 1 and 5 minutes, an
// hour.
// Source: PeriodInSeconds of
// https://docs.aws.amazon.com/performance-insights/latest/APIReference/API_GetResourceMetrics.html ; read 2026-11-30.
func insightsGrid(in Window) loadGrid {
	length := in.To.Sub(in.From)
	if length <= fineTime {
		return loadGrid{gridOf(in, fineStep), time.Second}
	}
	asked := time.Minute
	for _, coarser := range []time.Duration{5 * time.Minute, time.Hour} {
		if length/asked > 5*mostPoints {
			asked = coarser
		}
	}
	step := asked
	for length/step >= mostPoints-1 {
		step += asked
	}
	return loadGrid{gridOf(in, step), asked}
}

// dataLine is a metric's data in an answer.
type dataLine struct {
	Key struct {
		Dimensions map[string]string
	}
	DataPoints []struct {
		Timestamp float64 // s; the end of a period
		Value     *float64
	}
}

type loadGroup struct {
	Group      string
	Dimensions []string
	Limit      int
}

type loadQuery struct {
	Metric  string
	GroupBy loadGroup
}

type loadQuestion struct {
	ServiceType, Identifier string
	StartTime, EndTime      int64 // s
	PeriodInSeconds         int
	PeriodAlignment         string
	MetricQueries           []loadQuery
	NextToken               string `json:",omitempty"`
}

// loadOf is an instance's load by the groups of loads, and under "" the load as a whole. A line whose data come in
// several pages is there several times.
func (s Stack) loadOf(ctx context.Context, resource string, g loadGrid) (map[string][]dataLine, error) {
	q := loadQuestion{
		ServiceType: "RDS", Identifier: resource, StartTime: g.from.Unix(), EndTime: g.end().Unix(),
		PeriodInSeconds: int(g.asked.Seconds()), PeriodAlignment: "END_TIME",
	}
	for _, l := range loads {
		q.MetricQueries = append(q.MetricQueries, loadQuery{"db.load.avg", loadGroup{l.group, l.dimensions, mostParts}})
	}
	lines := map[string][]dataLine{}
	for range mostPages {
		var answer struct {
			MetricList []dataLine
			NextToken  string
		}
		if err := s.askInsights(ctx, "GetResourceMetrics", q, &answer); err != nil {
			return nil, err
		}
		for _, one := range answer.MetricList {
			lines[groupOf(one)] = append(lines[groupOf(one)], one)
		}
		if q.NextToken = answer.NextToken; q.NextToken == "" {
			return lines, nil
		}
	}
	return nil, fmt.Errorf("%s of %s has more than %d pages", insights, resource, mostPages)
}

func groupOf(one dataLine) string {
	for _, l := range loads {
		if _, is := one.Key.Dimensions[l.dimensions[0]]; is {
			return l.group
		}
	}
	return ""
}

// askInsights makes a call, signed as those of a workspace are: one call needs no module of its own of AWS's SDK.
func (s Stack) askInsights(ctx context.Context, action string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	where := cmp.Or(aws.ToString(s.Account.BaseEndpoint), "https://pi."+s.Account.Region+".amazonaws.com")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, where, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "PerformanceInsightsv20180227."+action)
	credentials, err := s.Account.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("AWS credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "pi", s.Account.Region, s.now())
	if err != nil {
		return err
	}
	got, err := s.Account.HTTPClient.Do(request)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return decodeInsights(where, got.StatusCode, text, answer)
}

// decodeInsights reads an answer, or AWS's form of an error.
func decodeInsights(where string, status int, text []byte, answer any) error {
	if status == http.StatusOK {
		if err := json.Unmarshal(text, answer); err != nil {
			return fmt.Errorf("%s of %s: %w", insights, where, err)
		}
		return nil
	}
	var fault struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(text, &fault); err != nil || fault.Type == "" {
		return fmt.Errorf("%s of %s answers %d: %.200s", insights, where, status, bytes.TrimSpace(text))
	}
	return fmt.Errorf("%s of %s answers %d: %w", insights, where, status,
		errors.New(strings.TrimSpace(fault.Type[strings.LastIndex(fault.Type, "#")+1:]+" "+fault.Message)))
}

// loadPanels makes panels of an instance's load.
func loadPanels(db subject, lines map[string][]dataLine, g loadGrid) (panels []Panel, missing []Missing) {
	whole := once(lines[""]) // each group is told with it
	looks := g.looks(whole)
	all := g.means([]dataLine{whole}, looks)
	for _, l := range loads {
		title, name := fmt.Sprintf(l.title, db.name), l.panel
		if db.name != "primary" {
			name += "-" + db.name
		}
		if all.empty() {
			missing = append(missing, Missing{title, insights + " has no values of the run's time"})
			continue
		}
		panel := g.panel(Panel{Name: name, Title: title, Source: insights, Note: "of each " + words(g.period), Stacked: true})
		panel.Series = g.parts(lines[l.group], l.dimensions, all, looks)
		panels = append(panels, panel)
	}
	return panels, missing
}

// parts are the parts of a load, the largest first, and what of the whole is in none of them.
func (g loadGrid) parts(lines []dataLine, dimensions []string, whole Values, looks []int) (all []Series) {
	of := map[string][]dataLine{}
	for _, one := range lines {
		name := partName(one.Key.Dimensions, dimensions)
		of[name] = append(of[name], one)
	}
	for name, its := range of {
		all = append(all, Series{Name: name, Values: g.means(its, looks)})
	}
	slices.SortFunc(all, func(a, b Series) int {
		return cmp.Or(cmp.Compare(b.Values.sum(), a.Values.sum()), strings.Compare(a.Name, b.Name))
	})
	all = slices.DeleteFunc(all, func(s Series) bool { return s.Values.sum() == 0 })
	if len(all) > mostParts {
		all = all[:mostParts]
	}
	if rest := beside(all, whole); rest.sum() > 0 || len(all) == 0 {
		all = append(all, Series{Name: other, Values: rest})
	}
	return all
}

// beside is what of a whole is in none of its parts.
func beside(parts []Series, whole Values) Values {
	rest := slices.Clone(whole)
	for i := range rest {
		for _, s := range parts {
			rest[i] -= s.Values[i]
		}
		if rest[i] < 1e-6 { // what adding up leaves
			rest[i] = 0
		}
	}
	return rest
}

// partName is a part's wait event, IO:DataFileRead, or the beginning of its statement.
func partName(has map[string]string, dimensions []string) string {
	name := strings.Join(strings.Fields(has[dimensions[0]]), " ")
	if len(dimensions) > 1 {
		if kind := has[dimensions[1]]; kind != "" && kind != name && !strings.Contains(name, ":") {
			name = kind + ":" + name
		}
	}
	if letters := []rune(name); len(letters) > mostStatement {
		name = string(letters[:mostStatement-1]) + "…"
	}
	return name
}

// means are the means of a grid's periods over what was answered of them, 0 where that was answered of the whole alone.
// Lines of one name are added up. Performance Insights may leave out the times at which a part was not there: looks are
// those at which the whole was.
func (g loadGrid) means(lines []dataLine, looks []int) Values {
	sums := make([]float64, g.n)
	for _, one := range lines {
		for _, p := range one.DataPoints {
			if i, within := g.place(p.Timestamp); within && p.Value != nil {
				sums[i] += *p.Value
			}
		}
	}
	all := g.empty()
	for i, n := range looks {
		if n > 0 {
			all[i] = sums[i] / float64(n)
		}
	}
	return all
}

// looks are how many values of the whole there are in each of a grid's periods.
func (g loadGrid) looks(whole dataLine) []int {
	all := make([]int, g.n)
	for _, p := range whole.DataPoints {
		if i, within := g.place(p.Timestamp); within {
			all[i]++
		}
	}
	return all
}

// once is one line of several, with the first value of each time.
func once(lines []dataLine) (one dataLine) {
	seen := map[float64]bool{}
	for _, l := range lines {
		for _, p := range l.DataPoints {
			if p.Value != nil && !seen[p.Timestamp] {
				seen[p.Timestamp] = true
				one.DataPoints = append(one.DataPoints, p)
			}
		}
	}
	return one
}

// place is the period that a value is of, which Performance Insights names by its end.
func (g loadGrid) place(end float64) (period int, within bool) {
	at := time.Unix(int64(math.Round(end)), 0).Add(-g.asked)
	i := int(at.Sub(g.from) / g.period)
	return i, !at.Before(g.from) && i < g.n
}

// empty tells whether there is no value.
func (v Values) empty() bool {
	return !slices.ContainsFunc(v, func(one float64) bool { return !math.IsNaN(one) })
}

// sum is that of the values that there are.
func (v Values) sum() (sum float64) {
	for _, one := range v {
		if !math.IsNaN(one) {
			sum += one
		}
	}
	return sum
}
