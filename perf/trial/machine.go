package trial

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"
)

// watched is how long a machine is looked at.
const watched = 2 * time.Second

// Watch says how busy this machine is.
func Watch(ctx context.Context) (Machine, error) {
	m := Machine{Cores: runtime.NumCPU()}
	before, err := processorTimes()
	if err != nil {
		return m, err
	}
	select {
	case <-ctx.Done():
		return m, ctx.Err()
	case <-time.After(watched):
	}
	after, err := processorTimes()
	m.BusyPercent = busyPercent(before, after)
	return m, err
}

// ticks are user, nice, system, idle, iowait, irq, softirq and steal of all cores.
type ticks [8]int

func processorTimes() (t ticks, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t, err
	}
	_, err = fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d %d", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7])
	return t, err
}

func busyPercent(before, after ticks) float64 {
	var all, idle int
	for i := range after {
		all += after[i] - before[i]
	}
	for _, i := range []int{3, 4} {
		idle += after[i] - before[i]
	}
	return 100 * float64(all-idle) / float64(max(all, 1))
}
