package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

const watched = 3 * time.Second // before a run

// busy is how much of the machine's CPU is in use, in percent.
func busy(ctx context.Context) (int, error) {
	before, err := processorTimes()
	if err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(watched):
	}
	after, err := processorTimes()
	if err != nil {
		return 0, err
	}
	var all, idle int
	for i := range after {
		all += after[i] - before[i]
	}
	for _, i := range []int{3, 4} { // idle, iowait
		idle += after[i] - before[i]
	}
	return 100 * (all - idle) / max(all, 1), nil
}

// processorTimes are user, nice, system, idle, iowait, irq, softirq and steal of all CPUs, in ticks.
func processorTimes() (t [8]int, err error) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t, err
	}
	_, err = fmt.Sscanf(string(raw), "cpu %d %d %d %d %d %d %d %d", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7])
	return t, err
}

func machine(busyBefore int) string {
	return fmt.Sprintf("%d cores, %d %% busy before", runtime.NumCPU(), busyBefore)
}

// own is the CPU time that this process has used: the generator's cost.
func own() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
