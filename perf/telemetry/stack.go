package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// Stack is a stack's resources, as CloudWatch and Performance Insights measure them. Which resources are its own its
// alarms say, whose metrics name them.
type Stack struct {
	Account aws.Config
	// Prefix is what the names of the stack's alarms begin with.
	Prefix string

	metrics   func(region string) metricsAPI // nil stands for AWS's SDK
	databases databasesAPI
	now       func() time.Time
}

// metricsAPI are the calls of CloudWatch that are made.
type metricsAPI interface {
	cloudwatch.DescribeAlarmsAPIClient
	cloudwatch.GetMetricDataAPIClient
}

// databasesAPI are those of RDS.
type databasesAPI interface {
	DescribeDBInstances(
		context.Context, *rds.DescribeDBInstancesInput, ...func(*rds.Options),
	) (*rds.DescribeDBInstancesOutput, error)
}

// globalRegion has the metrics of CloudFront, whatever region a stack is in.
// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html , as
// remembered 2026-11-30.
const globalRegion = "us-east-1"

// lateness is how long after their time metrics may come: a choice of our own. CloudWatch has those of load balancers
// and databases within a minute or two, those of CloudFront within some more.
const lateness = 5 * time.Minute

// Panels asks CloudWatch and Performance Insights. Where the stack has no distribution, or no replica, there is no
// panel of it, and nothing is missing.
func (s Stack) Panels(ctx context.Context, in Window) (panels []Panel, missing []Missing) {
	s = s.withDefaults()
	var databases []subject
	for _, region := range slices.Compact([]string{s.Account.Region, globalRegion}) {
		of, err := s.subjects(ctx, region)
		switch {
		case err != nil && region == s.Account.Region:
			return nil, []Missing{{"all that " + cloudWatch + " and " + insights + " know", err.Error()}}
		case err != nil:
			missing = append(missing, Missing{"the distribution of the edge, if there is one", err.Error()})
			continue
		case region == s.Account.Region:
			databases = of[ofDatabase]
		}
		more, gaps := s.cloudWatch(ctx, region, of, in)
		panels, missing = append(panels, more...), append(missing, gaps...)
	}
	more, gaps := s.insights(ctx, databases, in)
	panels, missing = append(panels, more...), append(missing, gaps...)
	if early := s.now().Sub(in.To); len(panels) > 0 && early < lateness {
		missing = append(missing, Missing{"the last minutes, as far as " + cloudWatch + " knows of them later",
			fmt.Sprintf("it was asked %s after the end of the run", early.Round(time.Second))})
	}
	return panels, missing
}

func (s Stack) withDefaults() Stack {
	if s.metrics == nil {
		s.metrics = func(region string) metricsAPI {
			return cloudwatch.NewFromConfig(s.Account, func(o *cloudwatch.Options) { o.Region = region })
		}
	}
	if s.databases == nil {
		s.databases = rds.NewFromConfig(s.Account)
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// subject is a resource that metrics are of.
type subject struct {
	name       string // that its series begin with; "" of what there is one of
	id         string // the value of its first dimension
	dimensions []types.Dimension
}

// subjects are resources by their namespace and the names of their dimensions.
type subjects map[string][]subject

// mostSubjects bounds the resources of one kind: a primary with all the replicas that RDS allows.
const mostSubjects = 16

// mostPages bounds the pages of one answer: a hundred alarms each, or all that a run's time can have.
const mostPages = 20

// mostAlarms of a page of DescribeAlarms.
const mostAlarms = 100

// subjects finds what the alarms of a region are about.
func (s Stack) subjects(ctx context.Context, region string) (subjects, error) {
	all, found := subjects{}, 0
	pages := cloudwatch.NewDescribeAlarmsPaginator(s.metrics(region), &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: &s.Prefix, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm},
		MaxRecords: aws.Int32(mostAlarms)})
	for n := 0; pages.HasMorePages(); n++ {
		if n == mostPages {
			return nil, fmt.Errorf("CloudWatch's alarms in %s have more than %d pages", region, mostPages)
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("CloudWatch's alarms in %s: %w", region, err)
		}
		for _, a := range page.MetricAlarms {
			found++
			all.of(a)
		}
	}
	if found == 0 && region == s.Account.Region {
		return nil, fmt.Errorf("no alarm's name begins with %s in %s, want those that name the stack's resources",
			s.Prefix, region)
	}
	for kind := range all {
		all.name(kind)
	}
	return all, nil
}

// of adds what an alarm is about.
func (all subjects) of(a types.MetricAlarm) {
	all.add(aws.ToString(a.Namespace), a.Dimensions)
	for _, q := range a.Metrics {
		if q.MetricStat != nil && q.MetricStat.Metric != nil {
			all.add(aws.ToString(q.MetricStat.Metric.Namespace), q.MetricStat.Metric.Dimensions)
		}
	}
}

// add adds what a metric is of, once.
func (all subjects) add(namespace string, dimensions []types.Dimension) {
	if namespace == "" || len(dimensions) == 0 {
		return
	}
	dimensions = slices.SortedFunc(slices.Values(dimensions), func(a, b types.Dimension) int {
		return strings.Compare(aws.ToString(a.Name), aws.ToString(b.Name))
	})
	var names, values []string
	for _, d := range dimensions {
		names, values = append(names, aws.ToString(d.Name)), append(values, aws.ToString(d.Value))
	}
	kind, id := namespace+" "+strings.Join(names, ","), strings.Join(values, " ")
	known := slices.ContainsFunc(all[kind], func(s subject) bool { return s.id == id })
	if !known && len(all[kind]) < mostSubjects {
		all[kind] = append(all[kind], subject{id: id, dimensions: dimensions})
	}
}

// name names the resources of a kind, in order: of databases the shortest identifier is the primary's, whose replicas'
// begin with it; of the cache's nodes the number at the end tells.
func (all subjects) name(kind string) {
	of := all[kind]
	slices.SortFunc(of, func(a, b subject) int {
		return cmp.Or(cmp.Compare(len(a.id), len(b.id)), strings.Compare(a.id, b.id))
	})
	for i := range of {
		switch {
		case kind == ofDatabase && i == 0:
			of[i].name = "primary"
		case kind == ofDatabase:
			of[i].name = strings.TrimPrefix(of[i].id, of[0].id+"-")
		case kind == ofCache:
			of[i].name = of[i].id[strings.LastIndex(of[i].id, "-")+1:]
		case len(of) > 1:
			of[i].name = of[i].id
		}
	}
}
