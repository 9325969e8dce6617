//go:build linux

package namespace

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// process is one process at one time: a pid is used again, a pid with its start is not.
type process struct {
	pid, parent int
	start       uint64 // clock ticks since boot
	name        string
	zombie      bool
}

// readProcess reads /proc/<pid>/stat; false: there is no such process.
func readProcess(pid int) (process, bool) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return process{}, false
	}
	s, err := p.Stat()
	if err != nil {
		return process{}, false
	}
	return process{pid: pid, parent: s.PPID, start: s.Starttime, name: fullName(p, s.Comm), zombie: s.State == "Z"}, true
}

// fullName completes a name that the kernel cut to 15 bytes.
func fullName(p procfs.Proc, name string) string {
	const cut = 15
	if len(name) < cut {
		return name
	}
	command, err := p.CmdLine()
	if err != nil || len(command) == 0 {
		return name
	}
	if full := filepath.Base(command[0]); strings.HasPrefix(full, name) {
		return full
	}
	return name
}

func allProcesses() []process {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil
	}
	var out []process
	for _, one := range all {
		if p, ok := readProcess(one.PID); ok {
			out = append(out, p)
		}
	}
	return out
}

// descendants returns root and every process below it.
func descendants(root int) []process {
	children := map[int][]process{}
	var out []process
	for _, p := range allProcesses() {
		children[p.parent] = append(children[p.parent], p)
		if p.pid == root {
			out = append(out, p)
		}
	}
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i].pid]...)
	}
	return out
}

// alive returns those of ps that still run. A zombie does not: its parent, outside, has yet to collect it.
func alive(ps []process) []process {
	return slices.DeleteFunc(slices.Clone(ps), func(p process) bool {
		now, ok := readProcess(p.pid)
		return !ok || now.start != p.start || now.zombie
	})
}

func describe(ps []process) []string {
	var out []string
	for _, p := range ps {
		out = append(out, fmt.Sprintf("%d (%s)", p.pid, p.name))
	}
	return out
}

// summary counts ps by name: "postgres ×6".
func summary(ps []process) []string {
	count := map[string]int{}
	for _, p := range ps {
		count[p.name]++
	}
	var out []string
	for name, n := range count {
		out = append(out, fmt.Sprintf("%s ×%d", name, n))
	}
	slices.Sort(out)
	return out
}
