package main_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ragscale/ragscale/policies/pack"
)

// cost is what one preview took.
type cost struct{ wall, cpu time.Duration }

// BenchmarkPackOverAPreview reports the cost of the pack: interleaved previews of production without a pack, with one
// that answers at once and has no rule (the engine's own share of any pack's cost), and with this one. Medians; CPU is
// that of the engine, its plugins and the program, and is what other work on the machine disturbs least.
func BenchmarkPackOverAPreview(b *testing.B) {
	s := open(b, "prod", nil)
	full, idle := tool(b, "ragscale-policies"), build(b, "./testdata/idle")
	taken := map[string][]cost{}
	for b.Loop() {
		for _, way := range []struct{ name, binary string }{{"without", ""}, {"idle", idle}, {"with", full}} {
			taken[way.name] = append(taken[way.name], s.timed(b, way.binary))
		}
	}
	plain := report(b, "without", taken["without"])
	for _, name := range []string{"idle", "with"} {
		middle := report(b, name, taken[name])
		b.ReportMetric(percentMore(middle.wall, plain.wall), "%wall-"+name)
		b.ReportMetric(percentMore(middle.cpu, plain.cpu), "%cpu-"+name)
	}
}

// timed previews under the pack of a binary, or under none.
func (s planned) timed(b *testing.B, binary string) cost {
	b.Helper()
	var packs []string
	if binary != "" {
		packs = []string{here(b)}
		if err := pack.Install(s.home, binary); err != nil {
			b.Fatal(err)
		}
	}
	start, used := time.Now(), cpuUsed(b)
	if out, err := s.preview(b, packs...); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return cost{wall: time.Since(start), cpu: cpuUsed(b) - used}
}

// report writes the median and the quartiles of n previews, and returns the medians.
func report(b *testing.B, name string, all []cost) cost {
	b.Helper()
	var wall, cpu []time.Duration
	for _, c := range all {
		wall, cpu = append(wall, c.wall), append(cpu, c.cpu)
	}
	slices.Sort(wall)
	slices.Sort(cpu)
	n := len(all)
	b.Logf("%-8s n=%d  wall %d ms (quartiles %d to %d)  CPU %d ms (quartiles %d to %d)", name, n,
		wall[n/2].Milliseconds(), wall[n/4].Milliseconds(), wall[3*n/4].Milliseconds(),
		cpu[n/2].Milliseconds(), cpu[n/4].Milliseconds(), cpu[3*n/4].Milliseconds())
	return cost{wall: wall[n/2], cpu: cpu[n/2]}
}

func percentMore(with, without time.Duration) float64 {
	return 100 * float64(with-without) / float64(without)
}

// cpuUsed is the CPU time of this process and of those that it started, and they in turn, and that have ended.
func cpuUsed(b *testing.B) time.Duration {
	b.Helper()
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}
