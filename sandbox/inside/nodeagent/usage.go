package nodeagent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ticksPerSecond is USER_HZ, in which /proc counts CPU time: 100 on every Linux architecture that Go runs on.
const ticksPerSecond = 100

// usage is what a process tree uses.
type usage struct {
	cpu    time.Duration // consumed since the start, reaped children included
	memory int64         // working set in bytes: anonymous and shared memory; pages of files are the page cache's
}

func (u usage) plus(v usage) usage { return usage{cpu: u.cpu + v.cpu, memory: u.memory + v.memory} }

// processTable is one look at /proc.
type processTable struct {
	proc     string
	at       time.Time
	cpu      map[int]time.Duration
	children map[int][]int
}

// readProcesses reads the table at proc, usually /proc. A process that ends meanwhile is left out.
func readProcesses(proc string) (*processTable, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, err
	}
	t := &processTable{proc: proc, at: time.Now(), cpu: map[int]time.Duration{}, children: map[int][]int{}}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile(filepath.Join(proc, e.Name(), "stat"))
		if err != nil {
			continue
		}
		parent, cpu, err := parseStat(b)
		if err != nil {
			return nil, fmt.Errorf("process %d: %w", pid, err)
		}
		t.cpu[pid] = cpu
		t.children[parent] = append(t.children[parent], pid)
	}
	return t, nil
}

// parseStat reads /proc/<pid>/stat (man 5 proc_pid_stat): the parent, and user and system time of the process and the
// children it waited for.
func parseStat(b []byte) (parent int, cpu time.Duration, err error) {
	_, rest, ok := bytes.Cut(b[max(bytes.LastIndexByte(b, ')'), 0):], []byte(") "))
	f := strings.Fields(string(rest))
	if !ok || len(f) < 15 {
		return 0, 0, fmt.Errorf("stat is %q, want 17 fields or more", b)
	}
	if parent, err = strconv.Atoi(f[1]); err != nil {
		return 0, 0, fmt.Errorf("parent: %w", err)
	}
	ticks := int64(0)
	for _, field := range f[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("CPU time: %w", err)
		}
		ticks += n
	}
	return parent, time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// tree sums a process and its descendants.
func (t *processTable) tree(pid int) usage {
	u := usage{cpu: t.cpu[pid], memory: t.memory(pid)}
	for _, child := range t.children[pid] {
		u = u.plus(t.tree(child))
	}
	return u
}

func (t *processTable) memory(pid int) int64 {
	b, err := os.ReadFile(filepath.Join(t.proc, strconv.Itoa(pid), "status"))
	if err != nil {
		return 0 // ended since
	}
	kib := int64(0)
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		if name != "RssAnon" && name != "RssShmem" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err == nil {
			kib += n
		}
	}
	return kib << 10
}

// processCache shares one look at /proc among those who ask at about the same time.
type processCache struct {
	mu   sync.Mutex
	last *processTable
}

// processAge is how old a shared look may be: well below the shortest scrape interval.
const processAge = 300 * time.Millisecond

func (c *processCache) read() (*processTable, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && time.Since(c.last.at) < processAge {
		return c.last, nil
	}
	t, err := readProcesses("/proc")
	if err != nil {
		return nil, err
	}
	c.last = t
	return t, nil
}
