package loadtest

import (
	"fmt"

	"github.com/ragscale/ragscale/components/internal/fault"
	"github.com/ragscale/ragscale/slo"
)

const (
	// longestName leaves room for the provider's suffix within the 63 characters of a bucket's name, and for a Job's.
	longestName       = 40
	mostRetentionDays = 3650
	mostPort          = 65535
)

type faults struct{ fault.List }

func validate(name string, a Args) error {
	f := faults{fault.In("loadtest")}
	f.Name("name", name, longestName)
	f.wiring(a)
	f.place(a)
	f.Image("Image", a.Image, "grafana/k6:2.3.0")
	f.Image("UploadImage", a.UploadImage, "public.ecr.aws/aws-cli/aws-cli:2.36.44")
	f.Quantity("Requests.CPU", a.Requests.CPU)
	f.Quantity("Requests.Memory", a.Requests.Memory)
	f.thresholds(a.Thresholds)
	f.scenarios(a)
	return f.Err()
}

func (f *faults) wiring(a Args) {
	f.Missing(map[string]bool{"ClusterName": a.ClusterName == nil, "TargetURL": a.TargetURL == nil})
	if len(a.TargetPorts) == 0 {
		f.Add("TargetPorts is empty, want the port of TargetURL")
	}
	for i, p := range a.TargetPorts {
		f.Between(fmt.Sprintf("TargetPorts[%d]", i), p, 1, mostPort)
	}
}

func (f *faults) place(a Args) {
	f.OwnNamespace("Namespace", a.Namespace)
	f.Region("Region", a.Region)
	if a.NodeGroup != "" {
		f.Label("NodeGroup", a.NodeGroup, poolLabel)
	}
	f.Between("ResultsRetentionDays", a.ResultsRetentionDays, 1, mostRetentionDays)
}

func (f *faults) thresholds(t slo.LoadTest) {
	f.AtLeast("Thresholds.ResponseMillis", t.ResponseMillis, 1)
	f.AtLeast("Thresholds.ComplexSearchMillis", t.ComplexSearchMillis, 1)
	if !(t.UploadSecondsPerMB > 0) {
		f.Add("Thresholds.UploadSecondsPerMB is %v, want above 0", t.UploadSecondsPerMB)
	}
	if !(t.FailedRatio >= 0 && t.FailedRatio < 1) {
		f.Add("Thresholds.FailedRatio is %v, want 0 to below 1", t.FailedRatio)
	}
	f.AtLeast("Thresholds.DroppedIterations", t.DroppedIterations, 0)
	if !(t.RecallRatio > 0 && t.RecallRatio <= 1) {
		f.Add("Thresholds.RecallRatio is %v, want above 0 to 1", t.RecallRatio)
	}
	if !(t.DegradedRatio >= 0 && t.DegradedRatio < 1) {
		f.Add("Thresholds.DegradedRatio is %v, want 0 to below 1", t.DegradedRatio)
	}
	if !(t.FreshnessSeconds > 0) {
		f.Add("Thresholds.FreshnessSeconds is %v, want above 0", t.FreshnessSeconds)
	}
}

func (f *faults) scenarios(a Args) {
	if len(a.Scenarios) == 0 {
		f.Add("Scenarios is empty, want one or more")
	}
	seen := map[string]bool{}
	for i, s := range a.Scenarios {
		at := fmt.Sprintf("Scenarios[%d].", i)
		f.Name(at+"Name", s.Name, longestName)
		if seen[s.Name] {
			f.Add("%sName is %q a second time, want another", at, s.Name)
		}
		seen[s.Name] = true
		f.load(at, s)
		f.timing(at, s)
		f.schedule(at, s, a.Production && !a.AllowProduction)
	}
}

func (f *faults) load(at string, s Scenario) {
	f.AtLeast(at+"Users", s.Users, 1)
	if !(s.ThinkSeconds > 0) {
		f.Add("%sThinkSeconds is %v, want above 0", at, s.ThinkSeconds)
	}
	if s.Levels < 0 || s.Levels > max(0, s.Users) || s.Levels > 0 && s.StopAtFault {
		f.Add("%sLevels is %d, want 0 to Users, %d, and 0 with StopAtFault, whose load rises throughout", at, s.Levels,
			s.Users)
	}
	if s.Generators < 1 || s.Generators > max(1, s.Users) {
		f.Add("%sGenerators is %d, want 1 to Users, %d: each needs one", at, s.Generators, s.Users)
	}
}

func (f *faults) timing(at string, s Scenario) {
	f.AtLeast(at+"DurationSeconds", s.DurationSeconds, 1)
	if s.RampUpSeconds < 0 || s.RampUpSeconds > max(0, s.DurationSeconds) {
		f.Add("%sRampUpSeconds is %d, want 0 to DurationSeconds, %d, of which it is a part", at, s.RampUpSeconds,
			s.DurationSeconds)
	}
	f.AtLeast(at+"GracefulSeconds", s.GracefulSeconds, 0)
	if s.GatherSeconds < 0 || s.Generators > 1 && s.GatherSeconds == 0 {
		f.Add("%sGatherSeconds is %d, want 0 or more, and above 0 with several Generators: they wait for each other", at,
			s.GatherSeconds)
	}
	if least := s.DurationSeconds + s.GracefulSeconds + max(0, s.GatherSeconds); s.DeadlineSeconds <= least {
		f.Add("%sDeadlineSeconds is %d, want above DurationSeconds, GracefulSeconds and GatherSeconds together, %d", at,
			s.DeadlineSeconds, least)
	}
}

func (f *faults) schedule(at string, s Scenario, forbidden bool) {
	if s.Schedule == "" {
		if !s.Suspended {
			f.Add("%sSuspended is false without Schedule, want one of the two", at)
		}
		return
	}
	f.Cron(at+"Schedule", s.Schedule)
	if forbidden && !s.Suspended {
		f.Add("%sSchedule is %q in production, want none, or AllowProduction", at, s.Schedule)
	}
}
