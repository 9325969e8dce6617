package options

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Executors of scenarios.
const (
	ConstantVUs         = "constant-vus"
	RampingVUs          = "ramping-vus"
	SharedIterations    = "shared-iterations"
	PerVUIterations     = "per-vu-iterations"
	ConstantArrivalRate = "constant-arrival-rate"
	RampingArrivalRate  = "ramping-arrival-rate"
)

// Stage of a ramp: Target is reached, in a straight line, after Duration.
type Stage struct {
	Duration Duration `json:"duration"`
	Target   *int     `json:"target"`
}

// Scenario is a part of a test, with one executor.
type Scenario struct {
	Name     string `json:"-"`
	Executor string `json:"executor"`

	Exec             string            `json:"exec"` // the function that a user runs
	StartTime        Duration          `json:"startTime"`
	GracefulStop     Duration          `json:"gracefulStop"`
	Env              map[string]string `json:"env"`
	Tags             map[string]string `json:"tags"`
	VUs              int               `json:"vus"`
	StartVUs         int               `json:"startVUs"`
	Iterations       int               `json:"iterations"`
	Duration         Duration          `json:"duration"`
	MaxDuration      Duration          `json:"maxDuration"`
	Stages           []Stage           `json:"stages"`
	GracefulRampDown Duration          `json:"gracefulRampDown"`
	Rate             int               `json:"rate"`
	StartRate        int               `json:"startRate"`
	TimeUnit         Duration          `json:"timeUnit"`
	PreAllocatedVUs  int               `json:"preAllocatedVUs"`
	MaxVUs           int               `json:"maxVUs"`
}

// fieldsOf says which fields an executor has beside those of all; one with ! has to be there.
var fieldsOf = map[string]string{
	ConstantVUs:         "vus duration!",
	RampingVUs:          "startVUs stages! gracefulRampDown",
	SharedIterations:    "vus iterations maxDuration",
	PerVUIterations:     "vus iterations maxDuration",
	ConstantArrivalRate: "rate! timeUnit duration! preAllocatedVUs! maxVUs",
	RampingArrivalRate:  "startRate timeUnit stages! preAllocatedVUs! maxVUs",
}

var (
	ofAll        = []string{"executor", "exec", "startTime", "gracefulStop", "env", "tags"}
	scenarioName = regexp.MustCompile(`^[0-9a-zA-Z_-]+$`)
)

func newScenario(name, executor string) Scenario {
	second := func(n time.Duration) Duration { return Duration{n * time.Second} }
	return Scenario{
		Name: name, Executor: executor, Exec: "default", GracefulStop: second(30), GracefulRampDown: second(30),
		VUs: 1, StartVUs: 1, Iterations: 1, MaxDuration: second(600), TimeUnit: second(1), MaxVUs: -1,
	}
}

func readScenarios(o *Options, text json.RawMessage) error {
	var all map[string]json.RawMessage
	if err := strict(text, &all); err != nil {
		return err
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s, err := readScenario(name, all[name])
		if err != nil {
			faults = append(faults, fmt.Errorf("scenario %s: %w", name, err))
		}
		o.Scenarios = append(o.Scenarios, s)
	}
	o.executionWasChosen = true
	return errors.Join(faults...)
}

func readScenario(name string, text json.RawMessage) (Scenario, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return Scenario{}, err
	}
	var executor string
	if given["executor"] == nil {
		return Scenario{}, errors.New("it has no executor")
	}
	if err := json.Unmarshal(given["executor"], &executor); err != nil {
		return Scenario{}, err
	}
	fields, ok := fieldsOf[executor]
	if !ok {
		return Scenario{}, fmt.Errorf("unknown executor type '%s', want one of %s", executor,
			strings.Join(slices.Sorted(maps.Keys(fieldsOf)), ", "))
	}
	s := newScenario(name, executor)
	if err := errors.Join(checkFields(fields, given), json.Unmarshal(text, &s)); err != nil {
		return s, err
	}
	return s, s.check()
}

func checkFields(fields string, given map[string]json.RawMessage) error {
	var faults []error
	known := slices.Clone(ofAll)
	for field := range strings.FieldsSeq(fields) {
		name, needed := strings.CutSuffix(field, "!")
		known = append(known, name)
		if value := given[name]; needed && (value == nil || string(value) == "null") {
			faults = append(faults, fmt.Errorf("%s is not set, and has to be", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			faults = append(faults, fmt.Errorf("unknown field %q", name))
		}
	}
	return errors.Join(faults...)
}

// check reports every value that the executor cannot work with.
func (s *Scenario) check() error {
	var faults []error
	want := func(ok bool, format string, a ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, a...))
		}
	}
	want(scenarioName.MatchString(s.Name),
		"the name %q should contain only numbers, latin letters, underscores, and dashes", s.Name)
	want(s.Exec != "", "exec value cannot be empty")
	want(s.StartTime.Duration >= 0, "the startTime can't be negative")
	want(s.GracefulStop.Duration >= 0, "the gracefulStop timeout can't be negative")
	fields := strings.ReplaceAll(fieldsOf[s.Executor], "!", "")
	for field := range strings.FieldsSeq(fields) {
		s.checkField(field, want)
	}
	want(s.Executor != SharedIterations || s.Iterations >= s.VUs,
		"the number of iterations (%d) shouldn't be less than the number of VUs (%d)", s.Iterations, s.VUs)
	if s.MaxVUs < 0 {
		s.MaxVUs = s.PreAllocatedVUs
	}
	want(s.MaxVUs >= s.PreAllocatedVUs,
		"maxVUs (%d) shouldn't be less than preAllocatedVUs (%d)", s.MaxVUs, s.PreAllocatedVUs)
	return errors.Join(faults...)
}

// leasts are the least values of fields that count.
var leasts = map[string]int{"vus": 1, "startVUs": 0, "iterations": 1, "rate": 1, "startRate": 0, "preAllocatedVUs": 0}

func (s *Scenario) checkField(field string, want func(ok bool, format string, a ...any)) {
	counts := map[string]int{
		"vus": s.VUs, "startVUs": s.StartVUs, "iterations": s.Iterations, "rate": s.Rate, "startRate": s.StartRate,
		"preAllocatedVUs": s.PreAllocatedVUs,
	}
	lengths := map[string]time.Duration{"duration": s.Duration.Duration, "maxDuration": s.MaxDuration.Duration}
	if count, ok := counts[field]; ok {
		want(count >= leasts[field], "%s is %d, want %d or more", field, count, leasts[field])
	}
	if length, ok := lengths[field]; ok {
		want(length >= time.Second, "the %s must be at least 1s, but is %s", field, length)
	}
	switch field {
	case "timeUnit":
		want(s.TimeUnit.Duration > 0, "the timeUnit must be more than 0")
	case "stages":
		want(len(s.Stages) > 0, "at least one stage has to be specified")
		for i, stage := range s.Stages {
			want(stage.Duration.Duration >= 0, "stage %d has a negative duration", i+1)
			want(stage.Target != nil && *stage.Target >= 0, "stage %d has no target of 0 or more", i+1)
		}
	}
}

// schedule makes the scenario that shortcuts stand for.
func (o *Options) schedule() error {
	c := o.shared
	if o.executionWasChosen {
		return nil
	}
	s := newScenario("default", PerVUIterations)
	if c.vus != nil {
		s.VUs = *c.vus
	}
	switch {
	case c.iterations != nil:
		s.Executor, s.Iterations = SharedIterations, *c.iterations
		if c.duration != nil {
			s.MaxDuration.Duration = *c.duration
		}
	case c.duration != nil:
		s.Executor, s.Duration.Duration = ConstantVUs, *c.duration
	case len(c.stages) > 0:
		s.Executor, s.Stages = RampingVUs, c.stages
		if c.vus != nil {
			s.StartVUs = *c.vus
		}
	case c.vus != nil:
		s.Executor = SharedIterations
		s.Iterations = *c.vus
	}
	o.Scenarios = []Scenario{s}
	if err := s.check(); err != nil {
		return fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return nil
}
