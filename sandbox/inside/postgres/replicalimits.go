package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/sandbox/control"
)

// limited are the parameters that a replica must not have lower than its source: by pg_controldata's names, with
// PostgreSQL's defaults. Source: https://www.postgresql.org/docs/17/hot-standby.html#HOT-STANDBY-ADMIN and the
// parameters' own pages; read 2026-11-24.
var limited = map[string]struct {
	name     string
	standard int
}{
	"max_connections setting":      {"max_connections", 100},
	"max_worker_processes setting": {"max_worker_processes", 8},
	"max_wal_senders setting":      {"max_wal_senders", 10},
	"max_prepared_xacts setting":   {"max_prepared_transactions", 0},
	"max_locks_per_xact setting":   {"max_locks_per_transaction", 64},
}

// controlData is what a data folder's control file tells.
type controlData struct {
	system   string         // identifies the database that it is, or is a copy of
	timeline int            // of the last checkpoint
	floors   map[string]int // of the limited parameters: what the database ran with where this data is
}

func (i *instance) controlData(ctx context.Context) (controlData, error) {
	out, err := i.engine.run(ctx, i.binds(), i.engine.program("pg_controldata"), inside+"/data")
	if err != nil {
		return controlData{}, err
	}
	return parseControlData(out)
}

func parseControlData(text string) (controlData, error) {
	d := controlData{floors: map[string]int{}}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		var err error
		switch p, isLimited := limited[key]; {
		case key == "Database system identifier":
			d.system = value
		case key == "Latest checkpoint's TimeLineID":
			d.timeline, err = strconv.Atoi(value)
		case isLimited:
			d.floors[p.name], err = strconv.Atoi(value)
		}
		if err != nil {
			return d, fmt.Errorf("pg_controldata: %s: %w", strings.TrimSpace(line), err)
		}
	}
	if d.system == "" || len(d.floors) != len(limited) {
		return d, fmt.Errorf("pg_controldata says %q, want a system identifier and %d settings", text, len(limited))
	}
	return d, nil
}

// values are the limited parameters as spec declares them. One that is no number is left to PostgreSQL's own judgement.
func values(spec control.Database) map[string]int {
	all, out := settings(spec), map[string]int{}
	for _, p := range limited {
		out[p.name] = p.standard
		if n, err := strconv.Atoi(all[p.name]); err == nil {
			out[p.name] = n
		}
	}
	return out
}

// tooLow names each value below its floor.
func tooLow(values, floors map[string]int, source string) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(floors)) {
		if values[name] < floors[name] {
			faults = append(faults, fmt.Errorf("parameter %s is %d, want %d or more: its source %s has %d, and PostgreSQL runs no replica with less",
				name, values[name], floors[name], source, floors[name]))
		}
	}
	return errors.Join(faults...)
}

// allowed is spec with the parameters that the replica can run under now, and which of the declared ones wait. As on
// RDS, where such a change waits for a reboot, a running replica keeps the parameters it has when lower ones are
// declared than its source has, or than its source had where the replica is. A replica that does not run, or runs with
// less than its source, is refused.
func (i *instance) allowed(ctx context.Context, spec control.Database, source *instance) (running control.Database, waits error, err error) {
	need, err := source.controlData(ctx)
	if err != nil {
		return spec, nil, err
	}
	if fault := tooLow(values(spec), need.floors, source.id); fault != nil {
		has, err := i.runningValues(ctx)
		if err != nil {
			return spec, nil, err
		}
		if tooLow(has, need.floors, source.id) != nil {
			return spec, nil, fault
		}
		waits = fmt.Errorf("waits for its source: %w", fault)
	}
	mine, err := i.controlData(ctx)
	if err != nil {
		return spec, nil, err
	}
	running = spec
	running.Parameters = maps.Clone(spec.Parameters)
	for name, n := range values(spec) {
		if low := max(mine.floors[name], need.floors[name]); n < low {
			if running.Parameters == nil {
				running.Parameters = map[string]string{}
			}
			running.Parameters[name] = strconv.Itoa(low)
		}
	}
	return running, waits, nil
}

// runningValues are the limited parameters of the running server; none when it does not run.
func (i *instance) runningValues(ctx context.Context) (map[string]int, error) {
	if i.life.Running() == nil {
		return nil, nil
	}
	conn, err := i.admin(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx) //nolint:errcheck // read only
	var names []string
	for _, p := range limited {
		names = append(names, p.name)
	}
	rows, err := conn.Query(ctx, "SELECT name, setting::int FROM pg_settings WHERE name = ANY($1)", names)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	var name string
	var value int
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		out[name] = value
		return nil
	})
	return out, err
}

// outgrown says which parameters of a replica that has stopped are lower than its source's.
func (i *instance) outgrown(ctx context.Context) error {
	has, err := i.runningValues(ctx)
	if err != nil {
		return err
	}
	mine, err := i.controlData(ctx)
	if err != nil {
		return err
	}
	return tooLow(has, mine.floors, i.declared().SourceID)
}

// awaitReplay waits until the replica has come to where its source runs with no more than spec declares.
func (i *instance) awaitReplay(ctx context.Context, spec control.Database, source *instance) error {
	return until(ctx, replayLimit, func(ctx context.Context) error {
		mine, err := i.controlData(ctx)
		if err != nil {
			return err
		}
		return tooLow(values(spec), mine.floors, source.id)
	})
}
