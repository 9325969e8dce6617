package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// conflict reports whether others were in the way: the same may succeed at once. 40001: also a read of a standby that its
// replay cancelled. 40P01: a deadlock.
func conflict(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && (server.Code == "40001" || server.Code == "40P01")
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
