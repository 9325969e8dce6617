package queue

import (
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

func TestAnAttemptsTimeGrowsWithTheDocument(t *testing.T) {
	for bytes, want := range map[int64]time.Duration{0: 30 * time.Second, 1_000_000: time.Minute, 10_000_000: 330 * time.Second} {
		job := &river.Job[processArgs]{JobRow: &rivertype.JobRow{}, Args: processArgs{Bytes: bytes}}
		if got := (&process{}).Timeout(job); got != want {
			t.Errorf("%d bytes have %v, want %v", bytes, got, want)
		}
	}
	// River gives a job up when both have passed: a small document waits for no more than this one.
	if rescueAfter > time.Minute || rescueAfter <= timeLimit(0) {
		t.Errorf("jobs are taken up again after %v, want more than a small document's %v and a minute at most", rescueAfter, timeLimit(0))
	}
}
