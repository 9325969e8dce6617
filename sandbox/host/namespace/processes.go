//go:build linux

package namespace

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// process is one process at one time: a pid is used again, a pid with its start is not.
type process struct {
	pid, parent int
	start       string // clock ticks since boot, field 22 of /proc/<pid>/stat
	name        string
	zombie      bool
}

// readProcess reads /proc/<pid>/stat.
func readProcess(pid int) (process, bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	text := string(raw)
	open, shut := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')') // the name may hold anything
	if open < 0 || shut < open {
		return process{}, false
	}
	const state, parent, start = 0, 1, 19 // after the name: fields 3, 4 and 22
	f := strings.Fields(text[shut+1:])
	if len(f) <= start {
		return process{}, false
	}
	ppid, err := strconv.Atoi(f[parent])
	if err != nil {
		return process{}, false
	}
	return process{pid: pid, parent: ppid, start: f[start], name: fullName(pid, text[open+1:shut]), zombie: f[state] == "Z"}, true
}

// fullName completes a name that the kernel cut to 15 bytes.
func fullName(pid int, name string) string {
	const cut = 15
	if len(name) < cut {
		return name
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return name
	}
	program, _, _ := strings.Cut(string(raw), "\x00")
	if full := filepath.Base(program); strings.HasPrefix(full, name) {
		return full
	}
	return name
}

func allProcesses() []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok {
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
