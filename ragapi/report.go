package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ragscale/ragscale/perf/dbreport"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

// queryLogTable has a partition for each day.
const queryLogTable = "query_log"

// findingLine is a finding as the log has it: each line tells by itself when and where.
type findingLine struct {
	Kind     string    `json:"kind"` // "finding"
	At       time.Time `json:"at"`
	Database string    `json:"database"`
	dbreport.Finding
}

// summaryLine ends a report: without it the report is not whole.
type summaryLine struct {
	Kind string `json:"kind"` // "summary"
	dbreport.Server
	Critical int `json:"critical"`
	Warning  int `json:"warning"`
	Info     int `json:"info"`
}

// report inspects the primary and prints a JSON object a line, which makes each finding an entry of its own in a collected
// log. Findings are no failure: the inspection is what had to be done.
func report(p *process) error {
	db := p.cfg.Direct
	db.PoolSize = 1
	pool, err := postgres.Open(p.soft, db, "ragapi report "+p.cfg.PodName)
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pool.Acquire(p.soft)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer conn.Release()
	limits := p.cfg.Report
	limits.DailyTables = []dbreport.DailyTable{{Name: queryLogTable, RetentionDays: int(p.cfg.QueryLogRetention / (24 * time.Hour))}}
	found, err := dbreport.Inspect(p.soft, conn.Conn(), limits)
	if err != nil {
		return fmt.Errorf("inspection: %w", err)
	}
	return p.print(found)
}

func (p *process) print(r dbreport.Report) error {
	out := json.NewEncoder(p.out)
	out.SetEscapeHTML(false) // SQL stays as it is run
	for _, f := range r.Findings {
		if err := out.Encode(findingLine{Kind: "finding", At: r.Server.At, Database: r.Server.Database, Finding: f}); err != nil {
			return err
		}
	}
	return out.Encode(summaryLine{
		Kind: "summary", Server: r.Server,
		Critical: r.Count(dbreport.Critical), Warning: r.Count(dbreport.Warning), Info: r.Count(dbreport.Info),
	})
}
