package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/cmd/ragscale/alerts"
)

func someAlerts() []alerts.Alert {
	since := time.Date(2026, 11, 30, 12, 0, 0, 0, time.Local)
	until := since.Add(10 * time.Minute)
	return []alerts.Alert{
		{Name: "CacheGone", State: alerts.Firing, Severity: "ticket", Summary: "no cache", Since: since, Runbook: "docs/operations.md#cache-gone"},
		{Name: "HPABlind", State: alerts.Resolved, Severity: "page", Labels: map[string]string{"namespace": "rag", "horizontalpodautoscaler": "api"},
			Since: since.Add(-time.Hour), Until: &until, Runbook: "docs/operations.md#hpa-blind"},
	}
}

func TestAlertsAreShownWithWhatToRead(t *testing.T) {
	var out, notes strings.Builder
	c := console{&out, &notes}
	if err := c.showAlerts(someAlerts(), false); err != nil {
		t.Fatal(err)
	}
	const want = `STATE     ALERT      SEVERITY  OF                                         SINCE        UNTIL        READ
firing    CacheGone  ticket                                               11-30 12:00  -            docs/operations.md#cache-gone
resolved  HPABlind   page      horizontalpodautoscaler=api namespace=rag  11-30 11:00  11-30 12:10  docs/operations.md#hpa-blind

CacheGone: no cache
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}

func TestNoAlertIsAnEmptyListAsJSONAndANoteElse(t *testing.T) {
	var out, notes strings.Builder
	c := console{&out, &notes}
	for _, asJSON := range []bool{true, false} {
		if err := c.showAlerts([]alerts.Alert{}, asJSON); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != "[]\n" || notes.String() != "nothing fires, and nothing did\n" {
		t.Errorf("out %q, notes %q", out.String(), notes.String())
	}
}

func TestAWatchTellsEachChangeOnceAndOutlivesAFault(t *testing.T) {
	var out, notes strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	list := func(time.Time) ([]alerts.Alert, error) {
		asked++
		switch asked {
		case 1:
			return nil, errors.New("it does not answer")
		case 4:
			cancel()
		}
		return someAlerts(), nil
	}
	if err := (console{&out, &notes}).watchAlerts(ctx, true, time.Millisecond, list); err != nil {
		t.Fatal(err)
	}
	var told []string
	for line := range strings.Lines(out.String()) {
		var a alerts.Alert
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		told = append(told, a.Name)
	}
	if strings.Join(told, " ") != "HPABlind CacheGone" || notes.String() != "it does not answer\n" {
		t.Errorf("told %v, notes %q", told, notes.String())
	}
}
