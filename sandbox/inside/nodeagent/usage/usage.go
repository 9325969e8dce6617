// Package usage measures what containers use.
//
// Owns: CPU time and memory of process trees, the sums of a node, the fill of volumes, the forms in which a kubelet reports them.
// Does not own: which process is a container's, which folder is a volume's.
package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// ticksPerSecond is USER_HZ, in which /proc counts CPU time: 100 on every Linux architecture that Go runs on.
const ticksPerSecond = 100

// Usage is what a process tree uses.
type Usage struct {
	CPU    time.Duration // consumed since the start, reaped children included
	Memory int64         // working set in bytes: anonymous and shared memory; pages of files are the page cache's
}

func (u Usage) plus(v Usage) Usage { return Usage{CPU: u.CPU + v.CPU, Memory: u.Memory + v.Memory} }

// Table is one look at /proc.
type Table struct {
	At       time.Time
	all      map[int]procfs.Proc
	cpu      map[int]time.Duration
	children map[int][]int
}

// Read reads the table at proc, usually /proc. A process that ends meanwhile is left out.
func Read(proc string) (*Table, error) {
	root, err := procfs.NewFS(proc)
	if err != nil {
		return nil, err
	}
	all, err := root.AllProcs()
	if err != nil {
		return nil, err
	}
	t := &Table{At: time.Now(), all: map[int]procfs.Proc{}, cpu: map[int]time.Duration{}, children: map[int][]int{}}
	for _, p := range all {
		s, err := p.Stat()
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("process %d: %w", p.PID, err)
		}
		t.all[p.PID] = p
		t.cpu[p.PID] = time.Duration(int(s.UTime+s.STime)+s.CUTime+s.CSTime) * time.Second / ticksPerSecond
		t.children[s.PPID] = append(t.children[s.PPID], p.PID)
	}
	return t, nil
}

// Tree sums a process and its descendants.
func (t *Table) Tree(pid int) Usage {
	u := Usage{CPU: t.cpu[pid], Memory: t.memory(pid)}
	for _, child := range t.children[pid] {
		u = u.plus(t.Tree(child))
	}
	return u
}

// memory is 0 for a process that ended since.
func (t *Table) memory(pid int) int64 {
	p, ok := t.all[pid]
	if !ok {
		return 0
	}
	s, err := p.NewStatus()
	if err != nil {
		return 0
	}
	return int64(s.RssAnon + s.RssShmem)
}

// Engine is Tree for processes that all have one piece of memory in common, as PostgreSQL's: it counts once, as the process
// that has touched most of it has.
func (t *Table) Engine(pid int) Usage {
	u, shared := t.engine(pid)
	u.Memory += shared
	return u
}

func (t *Table) engine(pid int) (u Usage, shared int64) {
	u.CPU = t.cpu[pid]
	if p, ok := t.all[pid]; ok {
		if s, err := p.NewStatus(); err == nil {
			u.Memory, shared = int64(s.RssAnon), int64(s.RssShmem)
		}
	}
	for _, child := range t.children[pid] {
		v, most := t.engine(child)
		u, shared = u.plus(v), max(shared, most)
	}
	return u, shared
}

// Cache shares one look at /proc among those who ask at about the same time.
type Cache struct {
	mu   sync.Mutex
	last *Table
}

// maxAge is how old a shared look may be: well below the shortest scrape interval.
const maxAge = 300 * time.Millisecond

// Read is a look that is hardly old.
func (c *Cache) Read() (*Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && time.Since(c.last.At) < maxAge {
		return c.last, nil
	}
	t, err := Read("/proc")
	if err != nil {
		return nil, err
	}
	c.last = t
	return t, nil
}
