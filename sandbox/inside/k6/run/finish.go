package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/summary"
)

// summaryWithin is how long handleSummary may take.
const summaryWithin = 2 * time.Minute

// finish judges, sums up and returns the exit code.
func (r *run) finish() int {
	elapsed := r.test.Elapsed()
	missed, _ := r.test.Engine.Judge(elapsed, true)
	o := r.test.Options
	s := &summary.Run{
		Metrics: r.test.Engine.Seen(), Groups: r.test.Groups, TrendStats: o.SummaryTrendStats, TimeUnit: o.SummaryTimeUnit,
		Elapsed: elapsed, NoColor: r.NoColor, SetupData: r.setup,
	}
	if err := r.conclude(s); err != nil {
		r.Log.Write("error", js.Text(err), map[string]string{"hint": `"script exception"`})
	}
	return r.code(missed)
}

// code says why the run ended, and how.
func (r *run) code(missed []string) int {
	if len(missed) > 0 && (r.cause == nil || r.cause.code == ThresholdsMissed) {
		r.Log.Write("error", fmt.Sprintf("thresholds on metrics '%s' have been crossed", strings.Join(missed, ", ")), nil)
	}
	switch {
	case r.cause != nil:
		r.Log.Write("error", r.cause.text, nil)
		return r.cause.code
	case r.failed:
		return MarkedFailed
	case len(missed) > 0:
		return ThresholdsMissed
	}
	return Fine
}

func (r *run) conclude(s *summary.Run) error {
	if r.SummaryExport != "" {
		text, err := s.Export()
		if err == nil {
			err = os.WriteFile(r.SummaryExport, text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("summary: %w", err)
		}
	}
	if r.SummaryMode == "disabled" {
		return nil
	}
	if !r.first.Has("handleSummary") {
		_, err := io.WriteString(r.Out, s.Text())
		return err
	}
	files, err := r.handled(s)
	if err != nil {
		_, written := io.WriteString(r.Out, s.Text())
		return errors.Join(err, written)
	}
	return r.write(files)
}

// handled is what the script's handleSummary returns: texts by the files that they are for.
func (r *run) handled(s *summary.Run) (map[string]string, error) {
	data, err := s.Data()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), summaryWithin)
	defer cancel()
	text, err := r.first.Call(ctx, "handleSummary", data)
	if err != nil || text == nil {
		return nil, err
	}
	var files map[string]string
	if err := json.Unmarshal(text, &files); err != nil {
		return nil, fmt.Errorf("handleSummary() returned something other than texts by the files that they are for: %w", err)
	}
	return files, nil
}

func (r *run) write(files map[string]string) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var err error
		switch name {
		case "stdout":
			_, err = io.WriteString(r.Out, files[name])
		case "stderr":
			_, err = io.WriteString(r.Log.To, files[name])
		default:
			err = os.WriteFile(name, []byte(files[name]), 0o644)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
