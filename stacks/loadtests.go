package stacks

import (
	"fmt"
	"math"
	"reflect"

	"github.com/ragscale/ragscale/slo"
	"github.com/ragscale/ragscale/stacks/settings"
)

// LoadTests are the k6 load tests.
type LoadTests struct {
	// Let scenarios aim at a production stack. Without it they are declared there but refuse to run, and none may have
	// a schedule.
	AllowProduction bool `json:"allowProduction"`
	// Days that the results of runs are kept in S3.
	ResultsRetentionDays int `json:"resultsRetentionDays" rule:"min=1 max=3650"`
	// What the scheduler reserves for a generator pod; it is also the pod's limit, so that what a generator can do
	// does not depend on its neighbours.
	Requests Requests `json:"requests"`
	// The scenarios.
	Scenarios Scenarios `json:"scenarios"`
}

// Scenarios are the load scenarios.
type Scenarios struct {
	// Does everything answer?
	Smoke Scenario `json:"smoke"`
	// An ordinary day.
	Normal Scenario `json:"normal"`
	// The steepest rise that is expected.
	Peak Scenario `json:"peak"`
	// The throughput objective.
	Stress Scenario `json:"stress"`
	// Hours: leaks, bloat, growth.
	Endurance Scenario `json:"endurance"`
	// Users are added until an objective is missed.
	Breakpoint Scenario `json:"breakpoint"`
	// Users come in levels that are held, from an eighth of them to all: what the stack does with each is what ragscale
	// plan capacity computes from. The ramp-up is shared between the levels.
	Steps Scenario `json:"steps"`
}

// Scenario is one load scenario: users who come during the ramp-up and stay until the end.
type Scenario struct {
	// Users at the same time.
	Users int `json:"users" rule:"min=1 max=100000"`
	// Time in which they come, s; part of the duration.
	RampUpSeconds int `json:"rampUpSeconds" rule:"min=0 max=86400"`
	// Length of a run, s.
	DurationSeconds int `json:"durationSeconds" rule:"min=1 max=86400"`
	// Mean pause of a user between two requests, s.
	ThinkSeconds float64 `json:"thinkSeconds" rule:"min=0.1 max=600"`
	// Pods that share the users.
	Generators int `json:"generators" rule:"min=1 max=100"`
	// When it runs, as a cron expression (UTC). Empty: by hand only.
	Schedule string `json:"schedule" rule:"match=schedule"`
}

// OfferedRPS is the most that the users can ask for, requests/s: each has one request in flight or thinks.
func (s Scenario) OfferedRPS() float64 { return float64(s.Users) / s.ThinkSeconds }

// scenarioNames are their keys.
var scenarioNames = settings.Keys((&settings.Vocabulary{}).Fields(reflect.TypeFor[Scenarios]()))

// LoadScenario is a scenario with what follows from it.
type LoadScenario struct {
	Name string // as in the configuration
	Scenario
	Suspended       bool // no schedule: runs are created by hand
	GracefulSeconds int  // how long requests in flight may finish after the duration
	GatherSeconds   int  // how long generators wait for each other before load begins
	DeadlineSeconds int  // a run that takes longer is ended
	StopAtFault     bool // ends at the first threshold that is missed
	AnswersOnly     bool // judged by whether all answer, and how well: too short for percentiles, or beyond the objectives
	Levels          int  // in which the users come, each held; 0 where all come at once
}

// stepLevels is two more than a law of scalability wants: one may be left out, and one kept to judge it by.
const stepLevels = 8

// resultsSeconds is what a run may take beside load: starting k6, summarizing, writing to S3. Generous: a deadline is
// to end what hangs, not what is slow.
const resultsSeconds = 300

// LoadScenarios lists the scenarios in the order of the configuration. No request outlives the statement timeout, so
// that is how long those in flight are waited for; generators wait for each other as long as their nodes may take,
// which is also in a run's deadline.
func (c *Config) LoadScenarios() []LoadScenario {
	s := c.LoadTests.Scenarios
	all := []LoadScenario{
		{Name: "smoke", Scenario: s.Smoke, AnswersOnly: true}, {Name: "normal", Scenario: s.Normal},
		{Name: "peak", Scenario: s.Peak},
		{Name: "stress", Scenario: s.Stress}, {Name: "endurance", Scenario: s.Endurance},
		{Name: "breakpoint", Scenario: s.Breakpoint, StopAtFault: true},
		{Name: "steps", Scenario: s.Steps, Levels: min(stepLevels, s.Steps.Users), AnswersOnly: true},
	}
	graceful := c.longestAnswerSeconds()
	for i := range all {
		all[i].Suspended = all[i].Schedule == ""
		all[i].GracefulSeconds = graceful
		all[i].GatherSeconds = c.NodeScaling().MaxNodeProvisionSeconds
		all[i].DeadlineSeconds = all[i].DurationSeconds + graceful + all[i].GatherSeconds + resultsSeconds
	}
	return all
}

// longestAnswerSeconds is how long a request may take at most, s: no longer than its longest statement.
func (c *Config) longestAnswerSeconds() int { return (c.StatementTimeoutMillis() + 999) / 1000 }

// LoadThresholds derives the thresholds of the load tests. Answers without vectors are held to the error budget, beside
// faults and not among them: to answer by words alone while the vector store is away is what keeps the API available,
// so alarms count such an answer as one; a load test that did so too would call a stack without vectors a fast one.
func (c *Config) LoadThresholds() slo.LoadTest {
	return slo.LoadTest{
		ResponseMillis:      millis(c.SLO.ResponseSeconds),
		ComplexSearchMillis: millis(c.SLO.ComplexSearchSeconds),
		UploadSecondsPerMB:  c.SLO.UploadSecondsPerMB,
		FailedRatio:         c.ErrorBudget(),
		DroppedIterations:   0,
		RecallRatio:         math.Round(c.SLO.RecallPercent*1e7) / 1e9, // as ErrorBudget
		DegradedRatio:       c.ErrorBudget(),
		FreshnessSeconds:    c.SLO.FreshnessSeconds,
	}
}

// LoadGroup is the node group of the generators, "" where none is declared for them and they run beside the API: on one
// machine it is all the same.
func (c *Config) LoadGroup() string {
	if _, declared := c.Cluster.NodeGroups[loadGroup]; declared {
		return loadGroup
	}
	return ""
}

const loadGroup = "loadtest"

// scenarioPath is the configuration path of a scenario's key.
func scenarioPath(name, key string) string {
	return fmt.Sprintf("%sloadTests.scenarios.%s.%s", prefix, name, key)
}
