// Package postgres runs the databases behind aws:rds/instance: real PostgreSQL servers, primaries and streaming
// replicas, under the parameters that the RDS parameter group declares.
//
// Owns: data folders, configuration, roles as RDS makes them, replication, starting, changing, stopping, health. Does not own: the
// root file system that the engine runs in (debroot), certificates (pki), names and addresses (the caller's).
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
)

// Packages are the Debian packages that the engine's root must hold: the server, pg_basebackup (of the client), and the shell
// through which initdb runs commands.
func Packages() []string {
	return []string{"postgresql-17", "postgresql-client-17", "postgresql-17-hypopg", "dash"}
}

// Config is what a Server needs to know. All paths are absolute.
type Config struct {
	Root     string // root file system holding Packages, see debroot
	StateDir string // one folder per database: data, configuration, socket, certificate
	LogDir   string // postgres-<id>.log
	HostAddr string // host:port at which the host reaches a database, for DatabaseInfo.HostURL
	CAFile   string // PEM; signs what Issue issues
	// Issue makes, or returns the present, server certificate for a database's address and names (pki.Issuer).
	Issue func(name string, addr netip.Addr, hosts ...string) (pki.Pair, error)
	Log   io.Writer // one line per event
}

// Server runs databases. Its methods may be called concurrently; calls on one database wait for each other.
type Server struct {
	cfg Config

	mu        sync.Mutex
	engine    *engine // found at first use
	instances map[string]*instance
}

// New returns a server that runs nothing yet.
func New(cfg Config) *Server {
	return &Server{cfg: cfg, instances: map[string]*instance{}}
}

var idRule = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// Ensure makes the database id what spec says, at addr inside the namespace, and waits until it answers over TLS, a
// replica until it streams. A running database is changed in place: parameters by reload, or by a fast restart where
// PostgreSQL says so; data stays. It also resumes a database after a restart or a crash of the sandbox, a source before
// its replicas. Faults in spec are reported before anything changes, all at once.
func (s *Server) Ensure(ctx context.Context, id string, spec control.Database, addr netip.Addr) (control.DatabaseInfo, error) {
	if !idRule.MatchString(id) {
		return control.DatabaseInfo{}, fmt.Errorf("database %q: want an identifier of lower case letters, digits and hyphens", id)
	}
	i, err := s.make(ctx, id, spec, addr)
	if err != nil {
		return control.DatabaseInfo{}, fmt.Errorf("database %s: %w", id, err)
	}
	if spec.EngineVersion != i.engine.version {
		s.logf("database %s: declared version %s, running %s", id, spec.EngineVersion, i.engine.version)
	}
	return control.DatabaseInfo{Address: spec.Hostname, Port: spec.Port, EngineVersion: i.engine.version, HostURL: i.hostURL()}, nil
}

func (s *Server) make(ctx context.Context, id string, spec control.Database, addr netip.Addr) (*instance, error) {
	e, err := s.findEngine(ctx)
	if err != nil {
		return nil, err
	}
	if spec.SourceID != "" {
		return s.makeReplica(ctx, id, e, spec, addr)
	}
	if err := checkSpec(spec, e); err != nil {
		return nil, err
	}
	i := s.instance(id, e)
	i.mu.Lock()
	err = i.ensure(ctx, spec, addr)
	i.mu.Unlock()
	if err == nil {
		s.settleReplicas(ctx, i)
	}
	return i, err
}

// Remove stops the database id, confirms that it is gone and deletes its data. What is not there is fine; a source
// with replicas is refused.
func (s *Server) Remove(ctx context.Context, id string) error {
	if !idRule.MatchString(id) {
		return nil
	}
	if err := s.checkUnused(id); err != nil {
		return fmt.Errorf("database %s: %w", id, err)
	}
	i := s.instance(id, nil)
	i.mu.Lock()
	err := i.stop(ctx)
	i.mu.Unlock() // what follows locks others, of which one may be removed too
	if err != nil {
		return fmt.Errorf("database %s: %w", id, err)
	}
	if err := s.forgetReplica(ctx, id); err != nil {
		return fmt.Errorf("database %s: its replication slot: %w", id, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := os.RemoveAll(i.dir); err != nil {
		return fmt.Errorf("database %s: its data: %w", id, err)
	}
	s.mu.Lock()
	delete(s.instances, id)
	s.mu.Unlock()
	return nil
}

// Stop ends every database with a fast shutdown and returns when all their processes are gone. Data stays.
func (s *Server) Stop(ctx context.Context) error {
	var wg sync.WaitGroup
	list := s.list()
	faults := make([]error, len(list))
	for n, i := range list {
		wg.Go(func() {
			i.mu.Lock()
			defer i.mu.Unlock()
			if err := i.stop(ctx); err != nil {
				faults[n] = fmt.Errorf("database %s: %w", i.id, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(faults...)
}

// Databases lists the databases by id. Healthy means that the server answers a query now, and that a replica streams.
func (s *Server) Databases(ctx context.Context) []control.DatabaseStatus {
	out := []control.DatabaseStatus{}
	for _, i := range s.list() {
		statusCtx, cancel := context.WithTimeout(ctx, statusLimit)
		out = append(out, i.status(statusCtx))
		cancel()
	}
	return out
}

// Processes describes the database servers for the sandbox's status.
func (s *Server) Processes() []control.Process {
	out := []control.Process{}
	for _, i := range s.list() {
		out = append(out, i.life.Process())
	}
	return out
}

func (s *Server) list() []*instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*instance, 0, len(s.instances))
	for _, i := range s.instances {
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b *instance) int { return strings.Compare(a.id, b.id) })
	return out
}

// instance returns the database id, known or new.
func (s *Server) instance(id string, e *engine) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.instances[id]
	if i == nil {
		i = &instance{server: s, id: id, dir: filepath.Join(s.cfg.StateDir, id)}
		i.watch.i = i
		i.life.Name, i.life.Lock, i.life.Start, i.life.Logf = "postgres-"+id, &i.mu, i.start, s.logf
		s.instances[id] = i
	}
	if e != nil {
		i.engine = e
	}
	return i
}

// known returns the database id, nil if there is none.
func (s *Server) known(id string) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.instances[id]
}

func (s *Server) findEngine(ctx context.Context) (*engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine != nil {
		return s.engine, nil
	}
	e, err := findEngine(ctx, s.cfg.Root)
	if err != nil {
		return nil, err
	}
	s.engine = e
	return e, nil
}

func (s *Server) logf(format string, args ...any) {
	if s.cfg.Log != nil {
		fmt.Fprintf(s.cfg.Log, format+"\n", args...)
	}
}

// hostURL is "" for a replica: the host reaches primaries only.
func hostURL(hostAddr string, spec control.Database) string {
	if spec.SourceID != "" {
		return ""
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(spec.Username, spec.Password), Host: hostAddr, Path: "/" + dbName(spec), RawQuery: "sslmode=require"}
	return u.String()
}

// dbName is the database that RDS makes: "postgres" where none is named.
func dbName(spec control.Database) string {
	if spec.DBName == "" {
		return "postgres"
	}
	return spec.DBName
}

func listenAddr(spec control.Database, addr netip.Addr) string {
	return netip.AddrPortFrom(addr, uint16(spec.Port)).String()
}

func portText(spec control.Database) string { return strconv.Itoa(spec.Port) }
