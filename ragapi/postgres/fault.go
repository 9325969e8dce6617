package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// errNotConnected means that no connection could be made in time.
var errNotConnected = errors.New("the database took no connection in time")

// unavailable are beginnings of the SQLSTATEs of what a server could not do now, and may do later.
var unavailable = []string{
	"08",    // connection faults; 08P01 is what PgBouncer says of a server that it cannot reach
	"25006", // read only: still a standby, after a failover
	"40001", // serialisation; of a standby also: cancelled by recovery
	"40P01", // deadlock
	"53",    // out of connections, memory or disk
	"55P03", // a lock could not be had in time
	"57P0",  // shutting down, crashed, starting up, the database is going
	"58",    // the system under it failed
}

// Unavailable reports whether err means that the database, or what stands before it, could not serve now. The same may
// succeed later, so that it is worth a wait. A statement that was refused or that took too long is not of this kind, nor
// is a login that was refused.
func Unavailable(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return ofClass(server.Code, unavailable)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded) || closed(err) || outOfStep(err)
}

// closed reports whether err is of a connection or a pool that was not there or ended under a statement.
func closed(err error) bool {
	for _, end := range []error{errNotConnected, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, pgconn.ErrConnClosed, puddle.ErrClosedPool} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// outOfStep reports whether something came on a connection that was no answer to what was asked, as behind a PgBouncer when many prepared
// statements are given up at once. The driver has closed the connection, and names the fault by its text alone (pgx v5.11, pgconn's Pipeline).
func outOfStep(err error) bool {
	return err != nil && strings.Contains(err.Error(), "received unexpected message type")
}

// unstorable are beginnings of the SQLSTATEs of a value that PostgreSQL cannot keep.
var unstorable = []string{
	"22001", // too long
	"22003", // a number out of range
	"22021", // not of the encoding
	"22P02", // not of the type's syntax
	"22P05", // has no counterpart in the encoding
	"54",    // over one of PostgreSQL's limits
}

// Unstorable reports whether the database refused a value that it was given. Asking again does not help.
func Unstorable(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && ofClass(server.Code, unstorable)
}

func ofClass(code string, classes []string) bool {
	return slices.ContainsFunc(classes, func(class string) bool { return strings.HasPrefix(code, class) })
}
