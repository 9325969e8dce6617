package tests

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/retry"
	"github.com/jackc/pgx/v5"
)

func statusTellsWhere(t *testing.T, where target) {
	st := where.(*sandboxTarget).status(t)
	if !st.Healthy || len(st.Problems) > 0 || st.Stack != "local" || st.APIURL == "" || st.DatabaseURL == "" || len(st.Pods) < 3 {
		t.Errorf("status is %+v, want a healthy stack local with its addresses and pods", st)
	}
	if _, err := os.Stat(st.Kubeconfig); err != nil {
		t.Error(err)
	}
}

// databaseRunsItsParameters: what aws:rds/parameterGroup declares is what PostgreSQL runs with.
func databaseRunsItsParameters(t *testing.T, where target) {
	conn, err := pgx.Connect(t.Context(), where.(*sandboxTarget).status(t).DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for name, want := range map[string]string{"track_io_timing": "on", "ssl": "on"} {
		var got string
		if err := conn.QueryRow(t.Context(), "select setting from pg_settings where name = $1", name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
	var preload string
	if err := conn.QueryRow(t.Context(), "show shared_preload_libraries").Scan(&preload); err != nil || !strings.Contains(preload, "pg_stat_statements") {
		t.Errorf("shared_preload_libraries is %q (%v), want pg_stat_statements in it", preload, err)
	}
}

// killedEngineComesBack kills the control plane: the supervisor restarts it, and an up after that has nothing to do.
func killedEngineComesBack(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	pid := processOf(t, s.layout.Dir, "controlplane")
	if err := kill(pid); err != nil {
		t.Fatal(err)
	}
	awaitHealthy(t, s)
	if u := where.up(t); u.changed != 0 {
		t.Errorf("up changes %d resources after the restart, want 0:\n%s", u.changed, u.output)
	}
}

func stoppedSandboxComesBack(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	word := fmt.Sprintf("axolotl%d", time.Now().UnixNano())
	id := post(t, s.apiURL(t), "Ambystoma", "The "+word+" regrows its legs.")
	awaitFound(t, s, word, id)
	s.must(t, "sandbox", "stop")
	if left := processesOf(t, s.layout.Dir); len(left) > 0 {
		t.Errorf("processes left after stop: %v", left)
	}
	if u := where.up(t); u.changed != 0 {
		t.Errorf("up changes %d resources after a stop, want 0:\n%s", u.changed, u.output)
	}
	awaitHealthy(t, s)
	awaitFound(t, s, word, id)
}

// killedUpConverges kills everything of an update while the database is being made: the next update takes up what is
// there, and nothing is there twice.
func killedUpConverges(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	out := &watched{want: "aws:rds:Instance rag-local creating", seen: make(chan struct{})}
	cmd := exec.Command(filepath.Join(s.root, "bin", "ragscale"), "up")
	cmd.Dir, cmd.Env, cmd.Stdout = s.root, s.environment(), out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-out.seen:
	case <-time.After(2 * time.Minute):
		t.Error("no database is created")
	}
	for _, pid := range append(children(t, cmd.Process.Pid), cmd.Process.Pid) {
		if err := kill(pid); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the killed update ended well")
	}
	if u := where.up(t); u.changed == 0 {
		t.Errorf("nothing was left to do:\n%s", u.output)
	}
	if u := where.up(t); u.changed != 0 {
		t.Errorf("the update after that changes %d resources, want 0:\n%s", u.changed, u.output)
	}
	if n := len(s.records(t, "aws_rds_instance_Instance")); n != 2 {
		t.Errorf("%d databases, want the primary and its replica", n)
	}
	where.destroy(t)
}

// watched closes seen when want has been written to it.
type watched struct {
	want string
	seen chan struct{}
	text strings.Builder
	done bool
}

func (w *watched) Write(b []byte) (int, error) {
	w.text.Write(b)
	if !w.done && strings.Contains(w.text.String(), w.want) {
		w.done = true
		close(w.seen)
	}
	return len(b), nil
}

func awaitHealthy(t *testing.T, s *sandboxTarget) {
	t.Helper()
	retry.DoWithRetryContext(t, t.Context(), "the stack is healthy", 120, time.Second, func() (string, error) {
		if st := s.status(t); !st.Healthy {
			return "", fmt.Errorf("problems: %v", st.Problems)
		}
		return "", nil
	})
}

func awaitFound(t *testing.T, s *sandboxTarget, word, id string) {
	t.Helper()
	api := s.apiURL(t)
	retry.DoWithRetryContext(t, t.Context(), "the document is found", 60, time.Second, func() (string, error) {
		if ids := search(t, api, word); len(ids) != 1 || ids[0] != id {
			return "", fmt.Errorf("a search for %s finds %v, want %s", word, ids, id)
		}
		return "", nil
	})
}

// destroyLeavesNothing: no record in the inventory, no object, no process.
func destroyLeavesNothing(t *testing.T, where target) {
	where.destroy(t)
	s, ok := where.(*sandboxTarget)
	if !ok {
		return
	}
	if left := processesOf(t, s.layout.Dir); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	var files []string
	for _, d := range []string{s.layout.Cloud(), s.layout.State(), s.layout.PKI()} {
		found, err := filepath.Glob(filepath.Join(d, "*"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) > 0 {
		t.Errorf("left on disk: %v", files)
	}
}
