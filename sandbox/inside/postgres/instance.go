package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/inside/supervise"
)

const (
	startLimit  = 5 * time.Minute // crash recovery of a large WAL included
	reloadLimit = 10 * time.Second
)

// instance is one database: a folder and, most of the time, a server process.
type instance struct {
	server *Server
	id     string
	dir    string
	engine *engine

	mu    sync.Mutex // held while the database is changed; a replica's before its source's
	life  supervise.Life
	watch Watch

	state    sync.Mutex // guards what follows
	spec     control.Database
	addr     netip.Addr
	upstream string // of a replica: how it reaches its source
	pending  error  // of a replica: declared parameters that wait for the source's
}

// ensure does the work of Server.Ensure for a primary whose spec was checked.
func (i *instance) ensure(ctx context.Context, spec control.Database, addr netip.Addr) error {
	renewed, err := i.prepare(spec, addr)
	if err == nil {
		err = i.initData(ctx)
	}
	if err != nil {
		return explainDisk(err, i.dir)
	}
	if err := i.apply(ctx, spec, addr, render(i.id, spec, addr.String()), renewed); err != nil {
		return err
	}
	if err := i.ensureRoles(ctx, spec, addr); err != nil {
		return fmt.Errorf("it runs, but a client's login at %s is refused: %w", listenAddr(spec, addr), err)
	}
	return i.verify(ctx, spec)
}

// apply has the server run under the configuration conf: it starts it, or reloads or restarts it when that is another
// than before.
func (i *instance) apply(ctx context.Context, spec control.Database, addr netip.Addr, conf string, renewed bool) error {
	if err := i.checkConf(ctx, conf); err != nil {
		return explainDisk(err, i.dir)
	}
	changed, err := i.writeConf(conf, renderHBA(spec))
	if err != nil {
		return explainDisk(err, i.dir)
	}
	moved := i.declare(spec, addr)
	switch proc := i.life.Running(); {
	case proc == nil:
		return i.start(ctx)
	case proc.Ended():
		return i.life.Again(ctx, proc)
	case moved: // the socket's name and the address change with it, and reloading cannot tell
		return i.restart(ctx)
	case changed || renewed:
		return i.reload(ctx)
	}
	return nil
}

// prepare makes the database's folder with certificate and identities. It says whether the certificate is a new one.
func (i *instance) prepare(spec control.Database, addr netip.Addr) (renewed bool, err error) {
	for _, d := range []string{"", "conf", "run", "tls"} {
		if err := os.MkdirAll(filepath.Join(i.dir, d), 0o700); err != nil {
			return false, err
		}
	}
	if err := os.MkdirAll(i.server.cfg.LogDir, 0o755); err != nil {
		return false, err
	}
	if renewed, err = i.certify(spec, addr); err != nil {
		return false, fmt.Errorf("certificate: %w", err)
	}
	ident := fmt.Sprintf("sandbox %s %s\n", debroot.EngineUser, adminRole)
	_, err = writeIfChanged(filepath.Join(i.dir, "conf", "pg_ident.conf"), ident)
	return renewed, err
}

func (i *instance) certify(spec control.Database, addr netip.Addr) (renewed bool, err error) {
	pair, err := i.server.cfg.Issue("postgres-"+i.id, addr, spec.Hostname)
	if err != nil {
		return false, err
	}
	cert, err := copyIfChanged(filepath.Join(i.dir, "tls", "server.crt"), pair.Cert)
	if err != nil {
		return false, err
	}
	key, err := copyIfChanged(filepath.Join(i.dir, "tls", "server.key"), pair.Key)
	return cert || key, err
}

// initData makes the data folder under a name of its own and moves it in place when it is whole.
func (i *instance) initData(ctx context.Context) error {
	data := filepath.Join(i.dir, "data")
	version, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err == nil {
		if have := strings.TrimSpace(string(version)); have != i.engine.major {
			return fmt.Errorf("its data is of PostgreSQL %s and the engine is %s: delete the database, or %s", have, i.engine.major, data)
		}
		if i.isStandby() {
			return errors.New("it is a replica, and the sandbox does not promote one as RDS does: delete it and declare a primary")
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh := filepath.Join(i.dir, "data.new")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	_, err = i.engine.run(ctx, i.binds(), i.engine.program("initdb"), "-D", inside+"/data.new", "-U", adminRole,
		"--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums", "--auth=peer", "--no-instructions")
	if err != nil {
		return err
	}
	return os.Rename(fresh, data)
}

func (i *instance) binds() []debroot.Bind { return []debroot.Bind{{Source: i.dir, Target: inside}} }

// writeConf puts the configuration in place and says whether it is another than before.
func (i *instance) writeConf(conf, hba string) (changed bool, err error) {
	a, err := writeIfChanged(filepath.Join(i.dir, "conf", "postgresql.conf"), conf)
	if err != nil {
		return false, err
	}
	b, err := writeIfChanged(filepath.Join(i.dir, "conf", "pg_hba.conf"), hba)
	return a || b, err
}

// start starts the server and waits until it takes connections.
func (i *instance) start(ctx context.Context) error {
	spec := i.declared()
	log, offset, err := supervise.OpenLog(filepath.Join(i.server.cfg.LogDir, "postgres-"+i.id+".log"))
	if err != nil {
		return explainDisk(err, i.dir)
	}
	defer log.Close() //nolint:errcheck // the server has its own descriptor
	trusted, err := i.engine.trustedExtensions(filepath.Join(i.dir, "conf", "extension"))
	if err != nil {
		return explainDisk(err, i.dir)
	}
	// Its PID is 1 at each start, so that the lock file of a crashed server names the new one itself, which PostgreSQL
	// takes for stale; nothing of a crashed server can have survived its PID namespace.
	cmd := i.engine.command(context.WithoutCancel(ctx), append(i.binds(), trusted...),
		i.engine.program("postgres"), "-D", inside+"/data", "--config-file="+inside+"/conf/postgresql.conf")
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := debroot.Start(cmd)
	if err != nil {
		return err
	}
	i.life.Began(proc)
	if err := i.awaitReady(ctx, proc); err != nil {
		said := tail(log.Name(), offset)
		err = explainDisk(fmt.Errorf("PostgreSQL did not start (port %d): %w: %s", spec.Port, err, said), i.dir)
		return errors.Join(err, i.stop(context.WithoutCancel(ctx)))
	}
	go i.life.Watch(proc)
	return nil
}

// awaitReady waits until the server answers a query or ends.
func (i *instance) awaitReady(ctx context.Context, proc *debroot.Process) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := i.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-proc.Done():
			return errors.New("it ended")
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server with a fast shutdown, then harder, and returns when all its processes are gone.
func (i *instance) stop(ctx context.Context) error {
	return i.life.Stop(ctx, supervise.Step{Signal: syscall.SIGINT, Wait: 30 * time.Second},
		supervise.Step{Signal: syscall.SIGQUIT, Wait: 5 * time.Second}, supervise.Step{Signal: syscall.SIGKILL, Wait: 10 * time.Second})
}

func (i *instance) restart(ctx context.Context) error {
	if err := i.stop(ctx); err != nil {
		return err
	}
	return i.start(ctx)
}

// reload has the server read its configuration, and restarts it if some of it waits for that.
func (i *instance) reload(ctx context.Context) error {
	pending, err := i.signalReload(ctx)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if len(pending) == 0 {
		return nil
	}
	i.server.logf("database %s: restarting for %s", i.id, strings.Join(pending, ", "))
	return i.restart(ctx)
}

// signalReload reloads the configuration and returns the parameters that wait for a restart.
func (i *instance) signalReload(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, reloadLimit)
	defer cancel()
	conn, err := i.admin(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx) //nolint:errcheck // read only
	var before time.Time
	if err := conn.QueryRow(ctx, "SELECT pg_conf_load_time() FROM pg_reload_conf()").Scan(&before); err != nil {
		return nil, err
	}
	for {
		var loaded time.Time
		if err := conn.QueryRow(ctx, "SELECT pg_conf_load_time()").Scan(&loaded); err != nil {
			return nil, err
		}
		if loaded.After(before) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	rows, err := conn.Query(ctx, "SELECT name FROM pg_settings WHERE pending_restart ORDER BY name")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// verify holds the running server against the parameter group: a parameter of a library that the library does not
// know is dropped by PostgreSQL with no more than a line in its log.
func (i *instance) verify(ctx context.Context, spec control.Database) error {
	conn, err := i.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // read only
	names := slices.Sorted(maps.Keys(settings(spec)))
	var unknown []string
	var jit bool
	const sql = `SELECT pg_jit_available(), ARRAY(SELECT n FROM unnest($1::text[]) n WHERE lower(n) NOT IN (SELECT lower(name) FROM pg_settings))`
	if err := conn.QueryRow(ctx, sql, names).Scan(&jit, &unknown); err != nil {
		return err
	}
	var faults []error
	for _, name := range unknown {
		library, _, _ := strings.Cut(name, ".")
		faults = append(faults, fmt.Errorf("parameter %s: the library %s has no such parameter", name, library))
	}
	if on := spec.Parameters["jit"]; !jit && (on == "1" || on == "on") {
		faults = append(faults, errors.New("parameter jit is on, but the engine's JIT library does not load: make the engines' root again"))
	}
	return errors.Join(faults...)
}
