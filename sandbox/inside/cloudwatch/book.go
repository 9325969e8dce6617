package cloudwatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
)

const (
	// historyKept is how long history is: CloudWatch's 30 days.
	historyKept = 30 * 24 * time.Hour
	// mostHistory bounds it: an alarm that changes every minute makes two lines each time.
	mostHistory = 5000
)

// standing is an alarm's state, since when and why.
type standing struct {
	State      State     `json:"state"`
	Reason     string    `json:"reason"`
	ReasonData string    `json:"reasonData,omitempty"`
	Updated    time.Time `json:"updated"` // when it was last judged to be so
	Since      time.Time `json:"since"`
	Configured time.Time `json:"configured"` // when it was first seen
}

// event is a line of history.
type event struct {
	Region  string    `json:"region"`
	Name    string    `json:"name"`
	ARN     string    `json:"arn"`
	Kind    string    `json:"kind"` // MetricAlarm or CompositeAlarm
	Time    time.Time `json:"time"`
	Type    string    `json:"type"` // StateUpdate or Action
	Summary string    `json:"summary"`
	Data    string    `json:"data"`
}

// book is what is kept of alarms over a restart, in a file.
type book struct {
	path      string
	Standings map[string]standing `json:"standings"` // by ARN
	History   []event             `json:"history"`   // oldest first
}

// openBook reads the file at path, or begins one.
func openBook(path string) (book, error) {
	b := book{path: path, Standings: map[string]standing{}}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &b)
	}
	if err != nil {
		return b, fmt.Errorf("alarms' states: %w", err)
	}
	return b, nil
}

func (b *book) write() error {
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(b.path, raw, 0o600)
}

// note adds to the history, and forgets what is too old or too much.
func (b *book) note(a alarm, at time.Time, kind, summary string, data any) {
	raw, _ := json.Marshal(data) // texts, times and numbers always can be
	b.History = append(b.History, event{a.region, a.name, a.arn, a.kind(), at, kind, summary, string(raw)})
	drop := max(len(b.History)-mostHistory, 0)
	for drop < len(b.History) && at.Sub(b.History[drop].Time) > historyKept {
		drop++
	}
	b.History = b.History[drop:]
}

func (a alarm) kind() string {
	if a.composite {
		return "CompositeAlarm"
	}
	return "MetricAlarm"
}
