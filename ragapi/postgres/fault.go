package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ragscale/ragscale/ragapi/admission"
)

// errNotConnected means that no connection could be made in time.
var errNotConnected = errors.New("the database took no connection in time")

// unavailable are beginnings of SQLSTATE of a server that serves nobody now. 08: connection faults, such as PgBouncer's own.
// 25006: still a standby, after a failover. 53: out of resources. 57P: shutting down, crashed, starting up. 58: system errors.
var unavailable = []string{"08", "25006", "53", "57P", "58"}

// Unavailable reports whether err means that the database does not answer now, whatever it is asked: it is worth another
// try, later or elsewhere. A statement that fails, that takes too long, or whose caller is gone is not.
func Unavailable(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return slices.ContainsFunc(unavailable, func(class string) bool { return strings.HasPrefix(server.Code, class) }) && !stale(err)
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || errors.Is(err, errNotConnected) {
		return true
	}
	// These are network errors, too.
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || overloaded(err) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

// Conflict reports whether err means that others were in the way: the same may succeed at once. 40001: also a read of a
// standby that its replay cancelled. 40P01: a deadlock.
func Conflict(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && (server.Code == "40001" || server.Code == "40P01")
}

func overloaded(err error) bool {
	var over *admission.Overloaded
	return errors.As(err, &over)
}

// stale reports whether a statement was prepared for tables as they were before a migration. PgBouncer keeps what is
// prepared beyond the connection that asked for it, so that the server's idea and the client's may differ, too: then
// values do not fit. 0A000 of this routine: the result's columns have changed. 26000: no such statement. 22P03, and 08P01
// as an error, not fatal: a parameter of another size.
func stale(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		switch server.Code {
		case "0A000":
			return server.Routine == "RevalidateCachedQuery"
		case "08P01":
			return server.SeverityUnlocalized == "ERROR"
		}
		return server.Code == "26000" || server.Code == "22P03"
	}
	var scan pgx.ScanArgError
	return errors.As(err, &scan)
}
