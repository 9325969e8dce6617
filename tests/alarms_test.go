package tests

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/retry"
	"github.com/jackc/pgx/v5"
)

// alarmsOfTheFault are CloudWatch's alarms that ring while PgBouncer is gone, the replica does not apply and idle clients hold
// the database's connections, with what to read.
var alarmsOfTheFault = map[string]string{
	budgetAlarm:                       "docs/operations.md#availability-burn",
	"rag-local-replica-lag-replica-1": "docs/operations.md#replica-lag",
	"rag-local-database-connections":  "docs/operations.md#database-connections",
}

// budgetAlarm rings when the error budget burns.
const budgetAlarm = "rag-local-availability-burn"

// manyConnections is more than the declared alarm's threshold, 30, and fewer than there are for clients, 42.
const manyConnections = 34

// plantForCloudWatch has three alarms of CloudWatch ring until the test ends or undo is called.
func plantForCloudWatch(t *testing.T, s *sandboxTarget) (undo func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	st := s.status(t)
	var conns []*pgx.Conn
	retry.DoWithRetryContext(t, ctx, "PgBouncer's connections have become free", 60, time.Second, func() (string, error) {
		for len(conns) < manyConnections {
			conn, err := pgx.Connect(ctx, st.DatabaseURL)
			if err != nil {
				return "", err
			}
			conns = append(conns, conn)
		}
		return "", nil
	})
	applier := applierOf(t, s)
	if err := syscall.Kill(applier, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := conns[0].Exec(ctx, "CREATE TABLE IF NOT EXISTS alarms_test (at timestamptz)"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // failures for the error budget, writes for the replica to be behind
		defer close(done)
		client := &http.Client{Timeout: 5 * time.Second}
		for ctx.Err() == nil {
			if answer, err := client.Get(st.APIURL + "/v1/search?q=alarm"); err == nil {
				_ = answer.Body.Close() // its status is what the load balancer counts
			}
			_, _ = conns[0].Exec(ctx, "INSERT INTO alarms_test VALUES (now())") // one that fails is followed by another
			time.Sleep(500 * time.Millisecond)
		}
	}()
	undo = func() {
		cancel()
		<-done
		_ = syscall.Kill(applier, syscall.SIGCONT) // a second time does nothing
		for _, conn := range conns {
			_ = conn.Close(context.Background()) // a second time does nothing
		}
	}
	t.Cleanup(undo)
	return undo
}

// applierOf is the process of the replica that applies its source's changes.
func applierOf(t *testing.T, s *sandboxTarget) int {
	t.Helper()
	st := s.status(t)
	i := slices.IndexFunc(st.Databases, func(d struct {
		ID, Source string
		Healthy    bool
		LagSeconds float64
	}) bool {
		return d.Source != ""
	})
	if i < 0 {
		t.Fatal("the stack has no replica")
	}
	own := processesOf(t, s.layout.Dir)
	for pid := range own {
		for _, child := range children(t, pid) {
			if line := commandLine(child); strings.HasPrefix(line, "postgres: "+st.Databases[i].ID+": startup recovering") {
				return child
			}
		}
	}
	t.Fatalf("no process applies the changes of %s", st.Databases[i].ID)
	return 0
}

// awaitAlerts waits until each of the alerts is in a state.
func awaitAlerts(t *testing.T, s *sandboxTarget, state string, want map[string]string) {
	t.Helper()
	retry.DoWithRetryContext(t, t.Context(), fmt.Sprintf("%v are %s", keys(want), state), 200, 3*time.Second, func() (string, error) {
		all := alertsOf(t, s, state)
		for name, runbook := range want {
			if all[name] != runbook {
				return "", fmt.Errorf("%s is not %s, but %v", name, state, all)
			}
		}
		return "", nil
	})
}

// alarmsResolve: what the fault had rung was told to be over since. It is a claim of its own, since CloudWatch looks at five
// minutes: meanwhile others are checked. The error budget's alarm is not waited for: it ends after minutes of good answers.
func alarmsResolve(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	over := maps.Clone(alarmsOfTheFault)
	delete(over, budgetAlarm)
	awaitAlerts(t, s, "resolved", over)
	told := topicLog(t, s)
	for name := range alarmsOfTheFault {
		wantTold(t, told, name, "ALARM")
	}
	for name := range over {
		wantTold(t, told, name, "OK")
	}
}

// wantTold wants the topic to have been told that an alarm is in a state.
func wantTold(t *testing.T, log, name, state string) {
	t.Helper()
	if !strings.Contains(log, fmt.Sprintf(`%s: \"%s\" in `, state, name)) {
		t.Errorf("the topic was not told that %s is %s", name, state)
	}
}
