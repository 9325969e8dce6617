package fault_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/components/internal/fault"
)

func TestFaultsAreAllKeptInTheirOrderUnderTheComponentsName(t *testing.T) {
	faults := fault.In("cache")
	faults.AtLeast("Pods", 0, 1)
	faults.Missing(map[string]bool{"VPCID": true, "Host": false, "Password": true})
	faults.Between("Replicas", 6, 0, 5)
	want := `cache.Pods is 0, want 1 or more
cache.Password is missing, want a value from the component that has it
cache.VPCID is missing, want a value from the component that has it
cache.Replicas is 6, want 0 to 5`
	if diff := cmp.Diff(want, report(&faults)); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutFaultsThereIsNoError(t *testing.T) {
	faults := fault.In("cache")
	if err := faults.Err(); err != nil {
		t.Error(err)
	}
}

func TestAnImageIsPinnedByTagOrDigest(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	for image, want := range map[string]string{
		"grafana/k6:2.3.0":               "",
		"registry.example:5000/k6:2.3.0": "",
		"grafana/k6" + digest:            "",
		"grafana/k6:latest" + digest:     "",
		"grafana/k6:latest":              `x.Image is "grafana/k6:latest", want a tag that names a version: what runs must not change by itself`,
		"registry.example:5000/k6":       `x.Image is "registry.example:5000/k6", want a tag that names a version: what runs must not change by itself`,
		"Grafana/K6:2.3.0":               `x.Image is "Grafana/K6:2.3.0", want an image such as grafana/k6:2.3.0`,
		"grafana/k6@sha256:0":            `x.Image is "grafana/k6@sha256:0", want an image such as grafana/k6:2.3.0`,
	} {
		faults := fault.In("x")
		faults.Image("Image", image, "grafana/k6:2.3.0")
		if diff := cmp.Diff(want, report(&faults)); diff != "" {
			t.Errorf("%s: %s", image, diff)
		}
	}
}

func TestZeroDaysOfLogsAreAFaultUnlessTheyMeanSomething(t *testing.T) {
	faults := fault.In("x")
	faults.LogDays("Unnamed", 0, "")
	faults.LogDays("Named", 0, "for ever")
	got := report(&faults)
	if !strings.HasPrefix(got, "x.Unnamed is 0, want one of [1 3 ") || strings.Contains(got, "x.Named") {
		t.Errorf("got %q, want a fault of x.Unnamed alone", got)
	}
}

func TestAScheduleHasFiveFieldsAndNoZone(t *testing.T) {
	for schedule, ok := range map[string]bool{
		"30 2 * * *": true, "@daily": true,
		"": false, "30 2 * *": false, "0 30 2 * * *": false, "30 25 * * *": false,
		"TZ=": false, "CRON_TZ=": false, "TZ=Asia/Tokyo 30 2 * * *": false, "CRON_TZ=UTC 30 2 * * *": false,
	} {
		faults := fault.In("x")
		faults.Cron("Schedule", schedule)
		if got := faults.Err() == nil; got != ok {
			t.Errorf("%q is taken: %t, want %t", schedule, got, ok)
		}
	}
}

func report(l *fault.List) string {
	if err := l.Err(); err != nil {
		return err.Error()
	}
	return ""
}
