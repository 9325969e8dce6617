package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// replicationRole is RDS's own name for the role that replicas log in with. Its password never leaves the sandbox.
const replicationRole = "rdsrepladmin"

// slotLimit is how long a slot may stay in use after its replica has ended.
const slotLimit = 10 * time.Second

// slotName is the replication slot of the replica id: an id has no underscores, so no two share one.
func slotName(id string) string { return strings.ReplaceAll(id, "-", "_") }

// conninfo is how a replica reaches i, checking its certificate and name.
func (i *instance) conninfo() string {
	i.state.Lock()
	defer i.state.Unlock()
	return fmt.Sprintf("host=%s hostaddr=%s port=%d user=%s sslmode=verify-full sslrootcert=%s passfile=%s",
		i.spec.Hostname, i.addr, i.spec.Port, replicationRole, inside+"/tls/ca.crt", inside+"/conf/source.pgpass")
}

// admit gives the replica i what it needs to log in to source: the authority's certificate and the password of
// replicationRole.
func (i *instance) admit(ctx context.Context, source *instance) error {
	if _, err := copyIfChanged(filepath.Join(i.dir, "tls", "ca.crt"), i.server.cfg.CAFile); err != nil {
		return err
	}
	password, err := source.replicationPassword()
	if err != nil {
		return err
	}
	if err := source.ensureReplicationRole(ctx, password); err != nil {
		return err
	}
	_, err = writeIfChanged(filepath.Join(i.dir, "conf", "source.pgpass"), fmt.Sprintf("*:*:*:%s:%s\n", replicationRole, password))
	return err
}

// replicationPassword is made once for each source and kept in its folder.
func (i *instance) replicationPassword() (string, error) {
	file := filepath.Join(i.dir, "conf", "replication.password")
	have, err := os.ReadFile(file)
	if err == nil && len(have) > 0 {
		return string(have), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	password := rand.Text()
	_, err = writeIfChanged(file, password)
	return password, err
}

func (i *instance) ensureReplicationRole(ctx context.Context, password string) error {
	conn, err := i.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // what was done is committed
	if err := makeRole(ctx, conn, replicationRole); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("ALTER ROLE %s LOGIN REPLICATION PASSWORD %s", quote(replicationRole), literal(password)))
	return err
}

// makeSlot makes a slot that keeps the log from now on.
func (i *instance) makeSlot(ctx context.Context, slot string) error {
	conn, err := i.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // what was done is committed
	_, err = conn.Exec(ctx, "SELECT pg_create_physical_replication_slot($1, true)", slot)
	return err
}

// dropSlot removes a slot, when its replica has let go of it. One that is not there is fine.
func (i *instance) dropSlot(ctx context.Context, slot string) error {
	conn, err := i.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // what was done is committed
	return until(ctx, slotLimit, func(ctx context.Context) error {
		const drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active"
		if _, err := conn.Exec(ctx, drop, slot); err != nil {
			return err
		}
		var left bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)", slot).Scan(&left); err != nil {
			return err
		}
		if left {
			return fmt.Errorf("slot %s of %s is in use", slot, i.id)
		}
		return nil
	})
}

// slotFault says why a slot no longer holds what its replica needs; "" when it does.
func (i *instance) slotFault(ctx context.Context, slot string) (string, error) {
	conn, err := i.admin(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx) //nolint:errcheck // read only
	var status string
	err = conn.QueryRow(ctx, "SELECT coalesce(wal_status, 'lost') FROM pg_replication_slots WHERE slot_name = $1", slot).Scan(&status)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Sprintf("its slot at %s is gone", i.id), nil
	case err != nil:
		return "", err
	case status == "lost":
		return fmt.Sprintf("its slot at %s has lost the log that it needs", i.id), nil
	}
	return "", nil
}

// forgetReplica removes the slot of the replica id at whichever primary has one.
func (s *Server) forgetReplica(ctx context.Context, id string) error {
	var faults []error
	for _, i := range s.list() {
		if i.id == id || i.life.Running() == nil || i.declared().SourceID != "" {
			continue
		}
		i.mu.Lock()
		faults = append(faults, i.dropSlot(ctx, slotName(id)))
		i.mu.Unlock()
	}
	return errors.Join(faults...)
}
