// Package cloudwatch is Amazon CloudWatch: metrics of what runs in the sandbox, and the declared alarms on them.
//
// Owns: the API's calls (GetMetricData, GetMetricStatistics, ListMetrics, DescribeAlarms and their like), when data are
// published, the evaluation of alarms, their states, history and actions. Does not own: what is measured (collect), how
// data are kept (metrics), which alarms are declared (the account), protocols (awsrpc), what a topic does (topics).
package cloudwatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
)

const (
	namespaceXML = "http://monitoring.amazonaws.com/doc/2010-08-01/"
	shape        = "GraniteServiceVersion20100801"
	// settle is how long after a minute it is published: the last measurement of it is in.
	settle = 2 * time.Second
)

// Config of New.
type Config struct {
	Account awsapi.Account // which alarms and topics are declared
	Store   *metrics.Store
	State   string // file of the alarms' states and history
	// Publish publishes to a topic, by its ARN.
	Publish func(topic, subject, message string) error
	Log     *slog.Logger
}

// Service is CloudWatch.
type Service struct {
	cfg Config
	rpc *awsrpc.Service
	now func() time.Time

	mu    sync.Mutex // guards what follows
	kept  book
	wrong map[string]string // what was logged of an alarm that cannot be evaluated, by ARN
}

// New takes up the states and the history that the state file has.
func New(cfg Config) (*Service, error) {
	kept, err := openBook(cfg.State)
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, now: time.Now, kept: kept, wrong: map[string]string{}}
	s.rpc = &awsrpc.Service{Name: "monitoring", Shape: shape, Namespace: namespaceXML, Log: cfg.Log, Actions: map[string]awsrpc.Action{
		"GetMetricData":           s.getMetricData,
		"GetMetricStatistics":     s.getMetricStatistics,
		"ListMetrics":             s.listMetrics,
		"DescribeAlarms":          s.describeAlarms,
		"DescribeAlarmsForMetric": s.describeAlarmsForMetric,
		"DescribeAlarmHistory":    s.describeAlarmHistory,
	}}
	return s, nil
}

// RPC is the API.
func (s *Service) RPC() *awsrpc.Service { return s.rpc }

// Run publishes each minute when it is over, and evaluates the alarms on it, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	for {
		next := time.Now().Truncate(time.Minute).Add(time.Minute + settle)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		s.Tick(next.Truncate(time.Minute))
	}
}

// Tick publishes what was measured before a minute, and evaluates the alarms.
func (s *Service) Tick(minute time.Time) {
	s.cfg.Store.Publish(minute)
	if err := s.evaluate(minute); err != nil {
		s.cfg.Log.Error("alarms", "error", err)
	}
}
