package usage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestUsageSumsTheTreeAndReapedChildren(t *testing.T) {
	proc := t.TempDir()
	for pid, p := range map[int]struct {
		parent, user, system, reaped int
		anon                         int
	}{1: {0, 100, 0, 0, 1}, 7: {1, 50, 25, 100, 100}, 8: {7, 10, 0, 0, 20}, 9: {1, 999, 0, 0, 999}} {
		dir := filepath.Join(proc, fmt.Sprint(pid))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		stat := fmt.Sprintf("%d (a) b) S %d 1 1 0 -1 0 0 0 0 0 %d %d %d 0 20 0 1 0 5 0 0"+strings.Repeat(" 0", 28), pid, p.parent, p.user, p.system, p.reaped)
		status := fmt.Sprintf("Name:\tx\nVmRSS:\t9999 kB\nRssAnon:\t%d kB\nRssFile:\t500 kB\nRssShmem:\t1 kB\n", p.anon)
		for name, text := range map[string]string{"stat": stat, "status": status} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	table, err := Read(proc)
	if err != nil {
		t.Fatal(err)
	}
	want := Usage{CPU: 1850 * time.Millisecond, Memory: 122 << 10}
	if got := table.Tree(7); got != want {
		t.Errorf("usage is %+v, want %+v", got, want)
	}
}

func TestNodesCPUTimeNeverGoesBack(t *testing.T) {
	n := &Node{}
	start := time.Unix(1000, 0)
	sample := func(c string, cpu time.Duration) Sample {
		return Sample{UID: "u", Container: c, Start: start, Usage: Usage{CPU: cpu}}
	}
	for i, step := range []struct {
		samples []Sample
		want    time.Duration
	}{
		{[]Sample{sample("a", 3), sample("b", 4)}, 7},
		{[]Sample{sample("b", 6)}, 9},
		{nil, 9},
		{[]Sample{sample("c", 1)}, 10},
	} {
		if got := n.Count(step.samples).CPU; got != step.want {
			t.Errorf("step %d: CPU time is %d, want %d", i, got, step.want)
		}
	}
}
