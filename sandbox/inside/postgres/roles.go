package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ragscale/ragscale/sandbox/control"
)

const (
	adminRole = "rdsadmin"      // the superuser, RDS's own; no password, only through the socket
	superRole = "rds_superuser" // what a master user has instead of superuser
)

// rdsGrants are the predefined roles that rds_superuser is a member of, as a published pg_dumpall of an RDS for
// PostgreSQL 17 instance shows them; read 2026-11-23.
var rdsGrants = []string{
	"pg_checkpoint", "pg_create_subscription", "pg_maintain", "pg_monitor", "pg_read_all_data", "pg_signal_backend",
	"pg_use_reserved_connections", "pg_write_all_data",
}

// SQLSTATEs that a login gets when the role, its password or its database is not as declared yet.
var notDeclaredYet = []string{"28P01", "28000", "3D000", "42501"}

// login checks the database as a client would: over TLS, by name, as the master user.
func (i *instance) login(ctx context.Context, spec control.Database, addr netip.Addr) error {
	pem, err := os.ReadFile(i.server.cfg.CAFile)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate", i.server.cfg.CAFile)
	}
	cfg, err := pgx.ParseConfig("")
	if err != nil {
		return err
	}
	cfg.Host, cfg.Port, cfg.Database = addr.String(), uint16(spec.Port), dbName(spec)
	cfg.User, cfg.Password = spec.Username, spec.Password
	cfg.TLSConfig = &tls.Config{RootCAs: pool, ServerName: spec.Hostname, MinVersion: tls.VersionTLS12}
	cfg.Fallbacks = nil
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	var one int
	return errors.Join(conn.QueryRow(ctx, "select 1").Scan(&one), conn.Close(ctx))
}

// ensureRoles makes roles and database as RDS does at creation, and the password as declared, unless a login shows
// that they are.
func (i *instance) ensureRoles(ctx context.Context, spec control.Database, addr netip.Addr) error {
	err := i.login(ctx, spec, addr)
	var pg *pgconn.PgError
	if err == nil || !errors.As(err, &pg) || !slices.Contains(notDeclaredYet, pg.Code) {
		return err
	}
	conn, err := i.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // what was done is committed
	if err := makeRoles(ctx, conn, spec); err != nil {
		return err
	}
	if err := makeDatabase(ctx, conn, spec); err != nil {
		return err
	}
	return i.login(ctx, spec, addr)
}

func makeRoles(ctx context.Context, conn *pgx.Conn, spec control.Database) error {
	for _, role := range []string{superRole, "rds_replication", "rds_password", spec.Username} {
		if err := makeRole(ctx, conn, role); err != nil {
			return err
		}
	}
	master, super := quote(spec.Username), quote(superRole)
	for _, sql := range []string{
		fmt.Sprintf("GRANT %s TO %s WITH ADMIN OPTION", strings.Join(rdsGrants, ", "), super),
		fmt.Sprintf("GRANT rds_replication, rds_password TO %s WITH ADMIN OPTION", super),
		fmt.Sprintf("GRANT %s TO %s", super, master),
		fmt.Sprintf("ALTER ROLE %s LOGIN CREATEDB CREATEROLE PASSWORD %s", master, literal(spec.Password)),
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("roles: %w", err)
		}
	}
	return nil
}

func makeRole(ctx context.Context, conn *pgx.Conn, role string) error {
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&there); err != nil || there {
		return err
	}
	_, err := conn.Exec(ctx, "CREATE ROLE "+quote(role))
	return err
}

func makeDatabase(ctx context.Context, conn *pgx.Conn, spec control.Database) error {
	name := dbName(spec)
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil {
		return err
	}
	verb := "CREATE DATABASE %s OWNER %s"
	if there {
		verb = "ALTER DATABASE %s OWNER TO %s"
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf(verb, quote(name), quote(spec.Username))); err != nil {
		return fmt.Errorf("database %s: %w", name, err)
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// admin connects through the socket as the superuser; its statements, which may hold passwords, are not logged.
func (i *instance) admin(ctx context.Context) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig("")
	if err != nil {
		return nil, err
	}
	spec := i.declared()
	socket := filepath.Join(i.dir, "run", ".s.PGSQL."+portText(spec))
	cfg.Host, cfg.Port, cfg.Database, cfg.User, cfg.Password = filepath.Dir(socket), uint16(spec.Port), "postgres", adminRole, ""
	cfg.TLSConfig, cfg.Fallbacks = nil, nil
	cfg.RuntimeParams = map[string]string{"log_statement": "none", "log_min_duration_statement": "-1", "log_min_error_statement": "panic"}
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return control.Dial(ctx, socket) } // long paths
	return pgx.ConnectConfig(ctx, cfg)
}

// ping asks the running server a trivial question.
func (i *instance) ping(ctx context.Context) error {
	conn, err := i.admin(ctx)
	if err != nil {
		return err
	}
	return errors.Join(conn.Ping(ctx), conn.Close(ctx))
}
