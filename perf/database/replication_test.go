package database

import "testing"

func TestAReplicaBehindInTimeOrLogIsFound(t *testing.T) {
	seconds := func(s float64) *float64 { return &s }
	limits := DefaultLimits()
	for name, c := range map[string]struct {
		replica standby
		want    string // fact
	}{
		"in step":        {standby{State: "streaming", Lag: seconds(0.2), Bytes: 100}, ""},
		"nothing to say": {standby{State: "streaming"}, ""},
		"behind in time": {standby{State: "streaming", Lag: seconds(5)}, "is 5s and 0 B of log behind, want at most 3s and 256 MiB"},
		"stands still":   {standby{State: "streaming", Bytes: 1 << 30}, "is 0s and 1 GiB of log behind, want at most 3s and 256 MiB"},
		"catching up":    {standby{State: "catchup", Lag: seconds(0.2)}, "is in state catchup, want streaming"},
	} {
		i := &inspection{limits: limits}
		i.standby(c.replica)
		got := ""
		for _, f := range i.report.Findings {
			got += f.Fact
		}
		if got != c.want {
			t.Errorf("%s: fact is %q, want %q", name, got, c.want)
		}
	}
}
