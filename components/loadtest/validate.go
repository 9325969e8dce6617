package loadtest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/api/resource"
)

var (
	namePattern      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	namespacePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	regionPattern    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[1-9]$`)
	labelPattern     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)
	imagePattern     = regexp.MustCompile(`^(?:[a-z0-9][a-z0-9.-]*(?::[0-9]+)?/)?[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$`)

	sharedNamespaces = []string{"default", "kube-system", "kube-public", "kube-node-lease"}
)

const (
	// longestName leaves room for the provider's suffix within the 63 characters of a bucket's name, and for a Job's.
	longestName       = 40
	mostRetentionDays = 3650
	mostPort          = 65535
)

// faults collects what is wrong with the arguments: field, fact, want.
type faults []error

func (f *faults) add(format string, values ...any) {
	*f = append(*f, fmt.Errorf("loadtest."+format, values...))
}

func validate(name string, a Args) error {
	var f faults
	f.name("name", name)
	f.wiring(a)
	f.place(a)
	f.image("Image", a.Image)
	f.image("UploadImage", a.UploadImage)
	f.quantity("Requests.CPU", a.Requests.CPU)
	f.quantity("Requests.Memory", a.Requests.Memory)
	f.thresholds(a.Thresholds)
	f.scenarios(a)
	return errors.Join(f...)
}

func (f *faults) name(field, name string) {
	if !namePattern.MatchString(name) || len(name) > longestName {
		f.add("%s is %q, want at most %d lower-case letters, digits and single hyphens, a letter first", field, name, longestName)
	}
}

func (f *faults) wiring(a Args) {
	if a.ClusterName == nil {
		f.add("ClusterName is missing, want a value from the component that has it")
	}
	if a.TargetURL == nil {
		f.add("TargetURL is missing, want a value from the component that has it")
	}
	if len(a.TargetPorts) == 0 {
		f.add("TargetPorts is empty, want the port of TargetURL")
	}
	for i, p := range a.TargetPorts {
		if p < 1 || p > mostPort {
			f.add("TargetPorts[%d] is %d, want 1 to %d", i, p, mostPort)
		}
	}
}

func (f *faults) place(a Args) {
	if !namespacePattern.MatchString(a.Namespace) {
		f.add("Namespace is %q, want at most 63 lower-case letters, digits and hyphens", a.Namespace)
	}
	if slices.Contains(sharedNamespaces, a.Namespace) {
		f.add("Namespace is %q, want one of its own: it is created and deleted here", a.Namespace)
	}
	if !regionPattern.MatchString(a.Region) {
		f.add("Region is %q, want an AWS region such as eu-central-1", a.Region)
	}
	if a.NodeGroup != "" && !labelPattern.MatchString(a.NodeGroup) {
		f.add("NodeGroup is %q, want a value of the label %s", a.NodeGroup, poolLabel)
	}
	if a.ResultsRetentionDays < 1 || a.ResultsRetentionDays > mostRetentionDays {
		f.add("ResultsRetentionDays is %d, want 1 to %d", a.ResultsRetentionDays, mostRetentionDays)
	}
}

// image wants a pinned one: a tag that is no moving one, or a digest.
func (f *faults) image(field, image string) {
	m := imagePattern.FindStringSubmatch(image)
	switch {
	case m == nil:
		f.add("%s is %q, want an image such as grafana/k6:2.3.0", field, image)
	case m[2] == "" && (m[1] == "" || m[1] == ":latest"):
		f.add("%s is %q, want a tag that names a version: what measures must not change by itself", field, image)
	}
}

func (f *faults) quantity(field, text string) {
	q, err := resource.ParseQuantity(text)
	if err != nil || q.Sign() <= 0 {
		f.add("%s is %q, want a quantity above 0 such as 250m or 512Mi", field, text)
	}
}

func (f *faults) thresholds(t Thresholds) {
	if t.ResponseMillis < 1 {
		f.add("Thresholds.ResponseMillis is %d, want 1 or more", t.ResponseMillis)
	}
	if t.ComplexSearchMillis < 1 {
		f.add("Thresholds.ComplexSearchMillis is %d, want 1 or more", t.ComplexSearchMillis)
	}
	if !(t.UploadSecondsPerMB > 0) {
		f.add("Thresholds.UploadSecondsPerMB is %v, want above 0", t.UploadSecondsPerMB)
	}
	if !(t.FailedRatio >= 0 && t.FailedRatio < 1) {
		f.add("Thresholds.FailedRatio is %v, want 0 to below 1", t.FailedRatio)
	}
	if t.DroppedIterations < 0 {
		f.add("Thresholds.DroppedIterations is %d, want 0 or more", t.DroppedIterations)
	}
}

func (f *faults) scenarios(a Args) {
	if len(a.Scenarios) == 0 {
		f.add("Scenarios is empty, want one or more")
	}
	seen := map[string]bool{}
	for i, s := range a.Scenarios {
		at := fmt.Sprintf("Scenarios[%d].", i)
		f.name(at+"Name", s.Name)
		if seen[s.Name] {
			f.add("%sName is %q a second time, want another", at, s.Name)
		}
		seen[s.Name] = true
		f.load(at, s)
		f.timing(at, s)
		f.schedule(at, s, a.Production && !a.AllowProduction)
	}
}

func (f *faults) load(at string, s Scenario) {
	if s.Users < 1 {
		f.add("%sUsers is %d, want 1 or more", at, s.Users)
	}
	if !(s.ThinkSeconds > 0) {
		f.add("%sThinkSeconds is %v, want above 0", at, s.ThinkSeconds)
	}
	if s.Generators < 1 || s.Generators > max(1, s.Users) {
		f.add("%sGenerators is %d, want 1 to Users, %d: each needs one", at, s.Generators, s.Users)
	}
}

func (f *faults) timing(at string, s Scenario) {
	if s.DurationSeconds < 1 {
		f.add("%sDurationSeconds is %d, want 1 or more", at, s.DurationSeconds)
	}
	if s.RampUpSeconds < 0 || s.RampUpSeconds > max(0, s.DurationSeconds) {
		f.add("%sRampUpSeconds is %d, want 0 to DurationSeconds, %d, of which it is a part", at, s.RampUpSeconds, s.DurationSeconds)
	}
	if s.GracefulSeconds < 0 {
		f.add("%sGracefulSeconds is %d, want 0 or more", at, s.GracefulSeconds)
	}
	if least := s.DurationSeconds + s.GracefulSeconds; s.DeadlineSeconds <= least {
		f.add("%sDeadlineSeconds is %d, want above DurationSeconds and GracefulSeconds together, %d", at, s.DeadlineSeconds, least)
	}
}

// schedule takes what Kubernetes does: five fields or a descriptor, without a time zone in the text.
func (f *faults) schedule(at string, s Scenario, forbidden bool) {
	if s.Schedule == "" {
		if !s.Suspended {
			f.add("%sSuspended is false without Schedule, want one of the two", at)
		}
		return
	}
	if _, err := cron.ParseStandard(s.Schedule); err != nil || strings.Contains(s.Schedule, "TZ") {
		f.add("%sSchedule is %q, want five fields such as \"30 1 * * 1-5\"", at, s.Schedule)
	}
	if forbidden && !s.Suspended {
		f.add("%sSchedule is %q in production, want none, or AllowProduction", at, s.Schedule)
	}
}
