package nodeagent

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
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
		stat := fmt.Sprintf("%d (a) b) S %d 1 1 0 -1 0 0 0 0 0 %d %d %d 0 20 0 1 0 5 0 0", pid, p.parent, p.user, p.system, p.reaped)
		status := fmt.Sprintf("Name:\tx\nVmRSS:\t9999 kB\nRssAnon:\t%d kB\nRssFile:\t500 kB\nRssShmem:\t1 kB\n", p.anon)
		for name, text := range map[string]string{"stat": stat, "status": status} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	table, err := readProcesses(proc)
	if err != nil {
		t.Fatal(err)
	}
	want := usage{cpu: 1850 * time.Millisecond, memory: 122 << 10}
	if got := table.tree(7); got != want {
		t.Errorf("usage is %+v, want %+v", got, want)
	}
}

func TestNodesCPUTimeNeverGoesBack(t *testing.T) {
	n := &node{}
	start := time.Unix(1000, 0)
	sample := func(c string, cpu time.Duration) containerSample {
		return containerSample{uid: "u", container: c, start: start, usage: usage{cpu: cpu}}
	}
	for i, step := range []struct {
		samples []containerSample
		want    time.Duration
	}{
		{[]containerSample{sample("a", 3), sample("b", 4)}, 7},
		{[]containerSample{sample("b", 6)}, 9},
		{nil, 9},
		{[]containerSample{sample("c", 1)}, 10},
	} {
		if got := n.count(step.samples).cpu; got != step.want {
			t.Errorf("step %d: CPU time is %d, want %d", i, got, step.want)
		}
	}
}

func TestAddressRestsBeforeItIsUsedAgain(t *testing.T) {
	p := newAddressPool(netip.MustParsePrefix("10.0.0.0/29"), netip.MustParseAddr("10.0.0.4"))
	a, err := p.take("")
	if err != nil {
		t.Fatal(err)
	}
	p.release(a)
	b, err := p.take("")
	if err != nil || a == b {
		t.Errorf("addresses are %s and %s (%v), want two", a, b, err)
	}
}

func TestAddressesRunOut(t *testing.T) {
	p := newAddressPool(netip.MustParsePrefix("10.0.0.0/29"), netip.MustParseAddr("10.0.0.4"))
	var err error
	for range 4 {
		_, err = p.take("10.0.0.5")
	}
	if want := "no address of 10.0.0.0/29 is left: 3 are in use"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
