package loadscripts

import (
	"syscall"
	"testing"
	"time"
)

// BenchmarkThousandUsers is what a thousand users of the scripts take: memory for each, and time until load begins,
// preparation left out.
func BenchmarkThousandUsers(b *testing.B) {
	for name, runner := range runners(b) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				a, url := newAPI(b)
				a.quick = true
				s := brief(5)
				s.Users, s.ThinkSeconds = 1000, 5
				began := time.Now()
				r := startK6(b, runner, url, s)
				loadBegan, err := time.Parse(time.RFC3339Nano, r.result["beganAt"].(string))
				if err != nil {
					b.Fatal(err)
				}
				rusage := r.state.SysUsage().(*syscall.Rusage)
				b.ReportMetric(float64(rusage.Maxrss)/1024/float64(s.Users), "MiB/user")
				b.ReportMetric(loadBegan.Sub(began).Seconds(), "s-until-load")
			}
		})
	}
}
