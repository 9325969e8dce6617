package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
)

// statusLimit bounds the look at one database.
const statusLimit = 2 * time.Second

func (i *instance) status(ctx context.Context) control.DatabaseStatus {
	spec := i.declared()
	st := control.DatabaseStatus{ID: i.id, HostURL: i.hostURL(), SourceID: spec.SourceID}
	if proc := i.life.Running(); proc == nil {
		st.Problem = "PostgreSQL does not run"
		return st
	} else if proc.Ended() {
		st.Problem = fmt.Sprintf("PostgreSQL ended (%s) and is started again; postgres-%s.log says why", proc.Exit(), i.id)
		return st
	}
	var err error
	if spec.SourceID == "" {
		err = i.ping(ctx)
	} else {
		st.LagSeconds, err = i.replication(ctx)
	}
	st.Healthy = err == nil
	if err = errors.Join(err, i.waits()); err != nil {
		st.Problem = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return st
}

// replication says how far a replica is behind in seconds, or why it does not follow its source. The lag is that of
// RDS's metric ReplicaLag: 0 when all that came is applied, else the age of the last transaction applied.
func (i *instance) replication(ctx context.Context) (lag float64, err error) {
	conn, err := i.admin(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx) //nolint:errcheck // read only
	const sql = `SELECT coalesce((SELECT status FROM pg_stat_wal_receiver), 'stopped'), pg_get_wal_replay_pause_state(),
		CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
		ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END::float8`
	var receiver, pause string
	if err := conn.QueryRow(ctx, sql).Scan(&receiver, &pause, &lag); err != nil {
		return 0, err
	}
	switch {
	case pause == "paused":
		return lag, errors.Join(errors.New("it has stopped applying its source's changes"), i.outgrown(ctx))
	case receiver != "streaming":
		return lag, fmt.Errorf("it does not stream from %s: the receiver is %s, postgres-%s.log says why", i.declared().SourceID, receiver, i.id)
	}
	return lag, nil
}

// waits says which declared parameters wait for the source's; nil for none.
func (i *instance) waits() error {
	i.state.Lock()
	defer i.state.Unlock()
	return i.pending
}

func (i *instance) setWaits(err error) {
	i.state.Lock()
	defer i.state.Unlock()
	i.pending = err
}
