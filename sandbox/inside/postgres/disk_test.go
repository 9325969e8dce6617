package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/ragscale/ragscale/sandbox/control"
)

// envSmallDisk says that this process has mounts of its own.
const envSmallDisk = "RAGSCALE_TEST_SMALL_DISK"

// ownMounts runs the test again in a namespace where it may mount, and says whether this is that run.
func ownMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv(envSmallDisk) != "" {
		return true
	}
	live(t) // skips where namespaces are forbidden
	again := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), envSmallDisk+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	said, err := again.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	return false
}

// onSmallDisk has the databases on a disk of so many MiB.
func onSmallDisk(t *testing.T, size int) (*Server, control.Database) {
	t.Helper()
	s, d := newLive(t, true)
	err := errors.Join(os.MkdirAll(s.cfg.StateDir, 0o700),
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("tmpfs", s.cfg.StateDir, "tmpfs", 0, fmt.Sprintf("size=%dm", size)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Stop(context.Background()), unix.Unmount(s.cfg.StateDir, unix.MNT_DETACH)); err != nil {
			t.Error(err)
		}
	})
	return s, d
}

func grow(t *testing.T, s *Server, size int) {
	t.Helper()
	if err := unix.Mount("", s.cfg.StateDir, "", unix.MS_REMOUNT, fmt.Sprintf("size=%dm", size)); err != nil {
		t.Fatal(err)
	}
}

// fill repeats sql until it fails, and returns why.
func fill(t *testing.T, info control.DatabaseInfo, sql string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), info.HostURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // the server may be gone
	for err == nil {
		_, err = conn.Exec(t.Context(), sql)
	}
	return err
}

func TestADiskTooSmallForADatabaseIsNamedAndALargerOneTakesIt(t *testing.T) {
	if !ownMounts(t) {
		return
	}
	s, d := onSmallDisk(t, 8)
	_, err := s.Ensure(t.Context(), "db", d, loopback)
	if want := "database db: the disk of " + s.cfg.StateDir; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "is full: free some space") {
		t.Errorf("got %v, want %s is full", err, want)
	}
	grow(t, s, 200)
	query(t, ensure(t, s, d), "SELECT 'alive'")
}

func TestAFullDiskRefusesRowsAndKeepsTheOthers(t *testing.T) {
	if !ownMounts(t) {
		return
	}
	s, d := onSmallDisk(t, 128)
	copyTemplate(t, s)
	info := ensure(t, s, d)
	query(t, info, "CREATE TABLE kept AS SELECT 1 AS x")
	query(t, info, "CREATE UNLOGGED TABLE filler (x text)")
	if err := fill(t, info, "INSERT INTO filler SELECT repeat('x', 500) FROM generate_series(1, 10000)"); !strings.Contains(err.Error(), "No space left on device (SQLSTATE 53100)") {
		t.Errorf("got %v", err)
	}
	query(t, info, "DROP TABLE filler")
	query(t, info, "INSERT INTO kept VALUES (2)")
	if got := query(t, info, "SELECT count(*)::text FROM kept"); got != "2" {
		t.Errorf("%s rows, want the one from before and the one from after", got)
	}
}

// A full disk of the write-ahead log ends PostgreSQL: it cannot go on without it.
func TestADatabaseThatAFullDiskEndedComesBackWithItsDataOnALargerOne(t *testing.T) {
	if !ownMounts(t) {
		return
	}
	s, d := onSmallDisk(t, 100)
	copyTemplate(t, s)
	info := ensure(t, s, d)
	query(t, info, "CREATE TABLE kept AS SELECT 1 AS x")
	if err := fill(t, info, "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000))"); !strings.Contains(err.Error(), "EOF") {
		t.Errorf("got %v, want the connection lost", err)
	}
	err := until(t.Context(), time.Minute, func(context.Context) error {
		if p := s.Processes()[0]; p.Restarts == 0 {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("the log's disk is full: %v, want the server ended", err)
	}
	_, err = s.Ensure(t.Context(), "db", d, loopback)
	if want := "the disk of " + s.cfg.StateDir; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s named", err, want)
	}
	grow(t, s, 1000)
	err = until(t.Context(), streamLimit, func(ctx context.Context) error {
		_, err := s.Ensure(ctx, "db", d, loopback)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, info, "SELECT count(*)::text FROM kept"); got != "1" {
		t.Errorf("%s rows, want the one from before", got)
	}
}
