package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
)

const (
	streamLimit = 30 * time.Second // from the start of a replica to its first record of the source
	replayLimit = 10 * time.Second // for a change of the source's parameters to arrive
	standbyFile = "standby.signal" // in the data folder: PostgreSQL's mark of a replica
)

// makeReplica does the work of Server.Ensure for a replica.
func (s *Server) makeReplica(ctx context.Context, id string, e *engine, spec control.Database, addr netip.Addr) (*instance, error) {
	source, err := s.source(id, spec.SourceID)
	if err != nil {
		return nil, err
	}
	spec = inherit(spec, source.declared())
	if err := checkSpec(spec, e); err != nil {
		return nil, err
	}
	i := s.instance(id, e)
	i.mu.Lock()
	defer i.mu.Unlock()
	return i, i.ensureReplica(ctx, spec, addr, source)
}

// source returns the primary that the replica id copies.
func (s *Server) source(id, sourceID string) (*instance, error) {
	source := s.known(sourceID)
	switch {
	case sourceID == id || source == nil || !source.runs():
		return nil, fmt.Errorf("sourceId is %q, want the id of a primary that runs in this sandbox", sourceID)
	case source.declared().SourceID != "":
		return nil, fmt.Errorf("sourceId is %q, which is a replica itself: the sandbox runs replicas of primaries only", sourceID)
	}
	return source, nil
}

// inherit gives a replica the identity of its source.
func inherit(spec, source control.Database) control.Database {
	spec.DBName, spec.Username, spec.Password = source.DBName, source.Username, source.Password
	return spec
}

// settleReplicas has the replicas of a changed source follow: to its new address, and to parameters that waited for
// it. What one cannot do is said in its log and its status; the source itself is as declared.
func (s *Server) settleReplicas(ctx context.Context, source *instance) {
	for _, i := range s.list() {
		spec := i.declared()
		if spec.SourceID != source.id || i.life.Running() == nil || i.waits() == nil && i.reaches(source) {
			continue
		}
		if _, err := s.makeReplica(ctx, i.id, i.engine, spec, i.address()); err != nil {
			s.logf("database %s: after a change of %s: %v", i.id, source.id, err)
		}
	}
}

// checkUnused refuses to remove a source. RDS would promote its replicas.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html ; read 2026-11-24.
func (s *Server) checkUnused(id string) error {
	var replicas []string
	for _, i := range s.list() {
		if i.declared().SourceID == id {
			replicas = append(replicas, i.id)
		}
	}
	if len(replicas) == 0 {
		return nil
	}
	return fmt.Errorf("it has the replicas %s: delete them first (RDS would make each an instance of its own, the sandbox does not)", strings.Join(replicas, ", "))
}

// ensureReplica makes i a replica of source that streams.
func (i *instance) ensureReplica(ctx context.Context, spec control.Database, addr netip.Addr, source *instance) error {
	renewed, err := i.prepare(spec, addr)
	if err == nil {
		err = i.checkConf(ctx, i.replicaConf(spec, addr, source)) // before the source is copied
	}
	if err != nil {
		return explainDisk(err, i.dir)
	}
	running, waits, err := i.agree(ctx, spec, source)
	if err != nil {
		return err
	}
	if err := i.follow(ctx, running, addr, source, renewed); err != nil {
		return err
	}
	if waits == nil && tooLow(values(spec), values(running), source.id) != nil { // only the change itself is on its way
		if err := i.awaitReplay(ctx, spec, source); err != nil {
			return err
		}
		if err := i.follow(ctx, spec, addr, source, false); err != nil {
			return err
		}
	}
	i.declare(spec, addr)
	if i.setWaits(waits); waits != nil {
		i.server.logf("database %s: %v", i.id, waits)
	}
	return errors.Join(i.awaitLogin(ctx, spec, addr), i.verify(ctx, spec))
}

// agree makes the copy and finds what the replica can run under, while nobody changes or restarts the source, or agrees with
// it for another replica.
func (i *instance) agree(ctx context.Context, spec control.Database, source *instance) (running control.Database, waits error, err error) {
	source.mu.Lock()
	defer source.mu.Unlock()
	if err := i.ensureCopy(ctx, spec, source); err != nil {
		return spec, nil, explainDisk(err, i.dir)
	}
	return i.allowed(ctx, spec, source)
}

// follow runs the replica under spec's parameters and waits until it streams.
func (i *instance) follow(ctx context.Context, spec control.Database, addr netip.Addr, source *instance, renewed bool) error {
	i.setUpstream(source.conninfo())
	if err := i.apply(ctx, spec, addr, i.replicaConf(spec, addr, source), renewed); err != nil {
		return err
	}
	return until(ctx, streamLimit, func(ctx context.Context) error {
		_, err := i.replication(ctx)
		return err
	})
}

func (i *instance) replicaConf(spec control.Database, addr netip.Addr, source *instance) string {
	return render(i.id, spec, addr.String(), [2]string{"primary_conninfo", source.conninfo()}, [2]string{"primary_slot_name", slotName(i.id)})
}

// ensureCopy makes sure that the data folder holds a copy of the source's data that can be brought up to date.
func (i *instance) ensureCopy(ctx context.Context, spec control.Database, source *instance) error {
	if err := i.admit(ctx, source); err != nil {
		return fmt.Errorf("replication from %s: %w", source.id, err)
	}
	_, err := os.Stat(filepath.Join(i.dir, "data", "PG_VERSION"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return i.copySource(ctx, spec, source)
	case err != nil:
		return err
	case !i.isStandby():
		return fmt.Errorf("it holds data of its own, want none: a primary does not become a replica of %s, delete it first", source.id)
	}
	reason, err := i.stale(ctx, source)
	if err != nil || reason == "" {
		return err
	}
	i.server.logf("database %s: %s: copying %s again", i.id, reason, source.id)
	if err := i.stop(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(i.dir, "data")); err != nil {
		return err
	}
	return i.copySource(ctx, spec, source)
}

// stale says why the copy cannot be brought up to date; "" when it can.
func (i *instance) stale(ctx context.Context, source *instance) (string, error) {
	mine, err := i.controlData(ctx)
	if err != nil {
		return "", err
	}
	theirs, err := source.controlData(ctx)
	if err != nil {
		return "", err
	}
	if mine.system != theirs.system {
		return "its data is of another database than " + source.id, nil
	}
	if theirs.timeline < mine.timeline {
		return fmt.Sprintf("it is on timeline %d and %s on %d", mine.timeline, source.id, theirs.timeline), nil
	}
	return source.slotFault(ctx, slotName(i.id))
}

// copySource copies a running source. The copy gets its place when it is whole.
func (i *instance) copySource(ctx context.Context, spec control.Database, source *instance) error {
	need, err := source.controlData(ctx)
	if err != nil {
		return err
	}
	if err := tooLow(values(spec), need.floors, source.id); err != nil {
		return err
	}
	fresh := filepath.Join(i.dir, "data.new")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	slot := slotName(i.id)
	if err := errors.Join(source.dropSlot(ctx, slot), source.makeSlot(ctx, slot)); err != nil {
		return err
	}
	_, err = i.engine.run(ctx, i.binds(), i.engine.program("pg_basebackup"), "--pgdata="+inside+"/data.new", "--dbname="+source.conninfo(),
		"--slot="+slot, "--wal-method=stream", "--checkpoint=fast", "--no-password")
	if err != nil {
		return errors.Join(err, source.dropSlot(context.WithoutCancel(ctx), slot)) // it would keep the source's log for nobody
	}
	if err := os.WriteFile(filepath.Join(fresh, standbyFile), nil, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, filepath.Join(i.dir, "data"))
}

func (i *instance) isStandby() bool {
	_, err := os.Stat(filepath.Join(i.dir, "data", standbyFile))
	return err == nil
}

// awaitLogin waits until a client's login works: what the source's roles are comes with replication.
func (i *instance) awaitLogin(ctx context.Context, spec control.Database, addr netip.Addr) error {
	err := until(ctx, replayLimit, func(ctx context.Context) error { return i.login(ctx, spec, addr) })
	if err != nil {
		return fmt.Errorf("it runs, but a client's login at %s is refused: %w", listenAddr(spec, addr), err)
	}
	return nil
}

// until repeats try until it returns nil, for limit at most; then its last error is returned.
func until(ctx context.Context, limit time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (i *instance) setUpstream(conninfo string) {
	i.state.Lock()
	defer i.state.Unlock()
	i.upstream = conninfo
}

// reaches says whether the replica was told where source is now.
func (i *instance) reaches(source *instance) bool {
	now := source.conninfo()
	i.state.Lock()
	defer i.state.Unlock()
	return i.upstream == now
}

func (i *instance) address() netip.Addr {
	i.state.Lock()
	defer i.state.Unlock()
	return i.addr
}
