package dbreport

import (
	"context"
	"fmt"
)

const replicasKey = "ragscale:database.replicas"

// Replica is one that takes the log from the server.
type Replica struct {
	Name       string   `json:"name"`
	State      string   `json:"state"`                // "streaming"
	LagSeconds *float64 `json:"lagSeconds,omitempty"` // nil: it has not said, or has nothing to replay
	Bytes      int64    `json:"bytes"`                // of log not replayed
}

// replication looks at the replicas as the primary sees them. On a replica there is nothing to see.
func (i *inspection) replication(ctx context.Context) error {
	var replica bool
	if err := i.tx.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&replica); err != nil || replica {
		return err
	}
	found, err := rows[Replica](ctx, i, `
		SELECT coalesce(nullif(application_name, ''), host(client_addr), 'pid ' || pid) AS name, coalesce(state, '') AS state,
		       extract(epoch FROM replay_lag)::float8 AS lag_seconds,
		       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, sent_lsn)), 0)::int8 AS bytes
		FROM pg_stat_replication WHERE state <> 'backup' ORDER BY 1`)
	if err != nil {
		return err
	}
	i.report.Replicas = found
	for _, s := range found {
		i.standby(s)
	}
	// Without the right to see others' sessions, a replica has no state.
	if missing := i.limits.Replicas - i.report.Server.Replicas; missing > 0 && i.seesAll {
		i.add(Finding{
			Check: "replicas", Severity: Critical, Subject: i.report.Server.Database,
			Fact: fmt.Sprintf("%d of %d replicas stream", i.report.Server.Replicas, i.limits.Replicas),
			Evidence: []Figure{{"streaming", float64(i.report.Server.Replicas), "replicas"},
				{"declared", float64(i.limits.Replicas), "replicas"}},
			Answer: "read the replica's log; one whose log the primary has removed has to be made anew",
			SQL:    "SELECT application_name, state, sent_lsn, replay_lsn FROM pg_stat_replication;",
			Stack:  replicasKey,
		})
	}
	return i.idleSlots(ctx)
}

func (i *inspection) standby(s Replica) {
	evidence := []Figure{{"not replayed", float64(s.Bytes), "B"}}
	lag := 0.0
	if s.LagSeconds != nil {
		lag = *s.LagSeconds
		evidence = append(evidence, Figure{"lag", lag, "s"})
	}
	switch {
	case s.State != "streaming" && i.seesAll:
		i.add(Finding{
			Check: "replica lag", Severity: Warning, Subject: s.Name, Fact: "is in state " + s.State + ", want streaming",
			Evidence: evidence,
			Answer:   "wait for it to catch up; when it does not, read its log", SQL: "SELECT * FROM pg_stat_replication;",
			Stack: replicasKey,
		})
	case lag > i.limits.ReplicaLagSeconds || s.Bytes > i.limits.ReplicaLagBytes:
		i.add(Finding{
			Check: "replica lag", Severity: Warning, Subject: s.Name,
			Fact: fmt.Sprintf("is %s and %s of log behind, want at most %s and %s",
				amount(lag, "s"), amount(float64(s.Bytes), "B"), amount(i.limits.ReplicaLagSeconds, "s"),
				amount(float64(i.limits.ReplicaLagBytes), "B")),
			Evidence: evidence,
			Answer:   "see on the replica what replay waits for: a long query, or a class too small for the primary's writes",
			SQL: "SELECT pid, now() - xact_start AS age, wait_event, query FROM pg_stat_activity WHERE state <> 'idle' " +
				"ORDER BY xact_start;",
			Stack: "ragscale:database.replicaClass",
		})
	}
}

// idleSlots keep log for a replica that is not there, until the disk is full.
func (i *inspection) idleSlots(ctx context.Context) error {
	found, err := rows[struct {
		Name  string
		Bytes int64
	}](ctx, i, `
		SELECT slot_name::text AS name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8 AS bytes
		FROM pg_replication_slots
		WHERE NOT active AND restart_lsn IS NOT NULL AND pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) >= $1::int8`, i.limits.SlotBytes)
	if err != nil {
		return err
	}
	for _, s := range found {
		i.add(Finding{
			Check: "idle replication slot", Severity: Critical, Subject: s.Name,
			Fact:     "keeps the log for a replica that does not read it, until the disk is full",
			Evidence: []Figure{{"log kept", float64(s.Bytes), "B"}},
			Answer:   "bring the replica back, or drop the slot",
			SQL:      "SELECT pg_drop_replication_slot('" + s.Name + "');",
			Stack:    replicasKey,
		})
	}
	return nil
}
