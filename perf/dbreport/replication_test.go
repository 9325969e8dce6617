package dbreport

import "testing"

func TestAReplicaBehindInTimeOrLogIsFound(t *testing.T) {
	seconds := func(s float64) *float64 { return &s }
	limits := DefaultLimits()
	for name, c := range map[string]struct {
		replica Replica
		want    string // fact
	}{
		"in step":        {Replica{State: "streaming", LagSeconds: seconds(0.2), Bytes: 100}, ""},
		"nothing to say": {Replica{State: "streaming"}, ""},
		"behind in time": {Replica{State: "streaming", LagSeconds: seconds(5)}, "is 5s and 0 B of log behind, want at most 3s and 256 MiB"},
		"stands still":   {Replica{State: "streaming", Bytes: 1 << 30}, "is 0s and 1 GiB of log behind, want at most 3s and 256 MiB"},
		"catching up":    {Replica{State: "catchup", LagSeconds: seconds(0.2)}, "is in state catchup, want streaming"},
	} {
		i := &inspection{limits: limits, seesAll: true}
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
