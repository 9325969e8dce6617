package insights

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

type account []awsapi.Resource

func (a account) List(string) ([]awsapi.Resource, error) { return a, nil }

func database(id, resource string, enabled bool) awsapi.Resource {
	return awsapi.Resource{Region: "eu-central-1", Ready: true, State: map[string]any{
		"identifier": id, "resourceId": resource, "performanceInsightsEnabled": enabled}}
}

func reader(wait, statement string) session {
	s := session{statement: statement, user: "rag", database: "ragapi", kind: "client backend"}
	if kind, name, ok := strings.Cut(wait, ":"); ok {
		s.waitType, s.wait = kind, name
	}
	return s
}

// seenFor is a service that saw, in the four minutes before noon, one look a second: two sessions in the first two minutes, one
// of which waits; none in the third; nothing at all, not even a look, in the last.
func seenFor(t *testing.T) *Service {
	t.Helper()
	s := New(Config{Account: account{database("rag", "db-1", true), database("quiet", "db-2", false)}, Log: slog.New(slog.DiscardHandler)})
	l := newLoad()
	s.loads["rag"] = l
	for second := range 180 {
		at := noon.Add(-4*time.Minute + time.Duration(second)*time.Second)
		switch {
		case second < 60:
			l.add(at, []session{reader("", "SELECT 1"), reader("IO:DataFileRead", "SELECT 'x' WHERE id = 17")})
		case second < 120:
			l.add(at, []session{reader("", "SELECT 2"), reader("", "SELECT 2")})
		default:
			l.add(at, nil)
		}
	}
	return s
}

func ask(s *Service, action, body string) (int, string) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "PerformanceInsightsv20180227."+action)
	w := httptest.NewRecorder()
	s.RPC().Serve(w, r, "eu-central-1", "123456789012")
	return w.Code, w.Body.String()
}

func members(more string) string {
	return fmt.Sprintf(`{"ServiceType":"RDS","Identifier":"db-1","StartTime":%d,"EndTime":%d,"PeriodInSeconds":60,%s}`,
		noon.Add(-4*time.Minute).Unix(), noon.Unix(), more)
}

func TestLoadIsActiveSessionsOnAverageByTheirGroups(t *testing.T) {
	code, body := ask(seenFor(t), "GetResourceMetrics", members(`"MetricQueries":[{"Metric":"db.load.avg","GroupBy":{"Group":"db.wait_event"}}]`))
	var got struct {
		MetricList []struct {
			Key struct {
				Metric     string
				Dimensions map[string]string
			}
			DataPoints []struct {
				Timestamp float64
				Value     *float64
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != 200 {
		t.Fatal(code, body, err)
	}
	var lines []string
	for _, m := range got.MetricList {
		line := m.Key.Dimensions["db.wait_event.type"] + "/" + m.Key.Dimensions["db.wait_event.name"]
		for _, p := range m.DataPoints {
			if p.Value == nil {
				line += " -"
				continue
			}
			line += fmt.Sprintf(" %s=%v", time.Unix(int64(p.Timestamp), 0).UTC().Format("15:04"), *p.Value)
		}
		lines = append(lines, line)
	}
	want := "/ 11:57=2 11:58=2 11:59=0 -|CPU/CPU 11:57=1 11:58=2 11:59=0 -|IO/IO:DataFileRead 11:57=1 11:58=0 11:59=0 -"
	if strings.Join(lines, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(lines, "|"), want)
	}
}

func TestStatementsOfOneFormAreOneKeyWithTheirPartitions(t *testing.T) {
	code, body := ask(seenFor(t), "DescribeDimensionKeys", members(`"Metric":"db.load.avg",
		"GroupBy":{"Group":"db.sql_tokenized","Dimensions":["db.sql_tokenized.statement"]},"PartitionBy":{"Group":"db.wait_event","Dimensions":["db.wait_event.name"]}`))
	if want := `"Keys":[{"Dimensions":{"db.sql_tokenized.statement":"SELECT ?"},"Partitions":[1,0],"Total":1},` +
		`{"Dimensions":{"db.sql_tokenized.statement":"SELECT ? WHERE id = ?"},"Partitions":[0,0.3333333333333333],"Total":0.3333333333333333}]`; code != 200 || !strings.Contains(body, want) {
		t.Errorf("%d %s, want %s", code, body, want)
	}
	filter := `"Metric":"db.load.avg","Filter":{"db.wait_event_type.name":"IO"},"GroupBy":{"Group":"db.sql"}`
	if code, body := ask(seenFor(t), "DescribeDimensionKeys", members(filter)); code != 200 || strings.Count(body, `"Total"`) != 1 || !strings.Contains(body, "SELECT 'x'") {
		t.Errorf("%d %s", code, body)
	}
}

func TestWhatIsNotToldIsRefused(t *testing.T) {
	s := seenFor(t)
	load := `"MetricQueries":[{"Metric":"db.load.avg"}]`
	for want, c := range map[string][2]string{
		"NotAuthorizedException":                       {"GetResourceMetrics", strings.Replace(members(load), "db-1", "db-9", 1)},
		"Performance Insights is not enabled for db-2": {"GetResourceMetrics", strings.Replace(members(load), "db-1", "db-2", 1)},
		`The metric \"os.cpuUtilization.user.avg\"`:    {"GetResourceMetrics", members(`"MetricQueries":[{"Metric":"os.cpuUtilization.user.avg"}]`)},
		"MetricQueries has 0 members":                  {"GetResourceMetrics", members(`"MetricQueries":[]`)},
		`The group \"db.plan\"`:                        {"DescribeDimensionKeys", members(`"Metric":"db.load.avg","GroupBy":{"Group":"db.plan"}`)},
		"Limit is 26":                                  {"DescribeDimensionKeys", members(`"Metric":"db.load.avg","GroupBy":{"Group":"db","Limit":26}`)},
		`The filter's dimension \"x\"`:                 {"DescribeDimensionKeys", members(`"Metric":"db.load.avg","GroupBy":{"Group":"db"},"Filter":{"x":"y"}`)},
		"PeriodInSeconds is 7":                         {"GetResourceMetrics", strings.Replace(members(load), ":60,", ":7,", 1)},
		"want at most 3600":                            {"GetResourceMetrics", strings.Replace(members(load), `"StartTime":`, `"StartTime":1,"x":`, 1)},
		"of pi the sandbox answers":                    {"ListAvailableResourceMetrics", members(load)},
	} {
		if code, body := ask(s, c[0], c[1]); code < 400 || code >= 500 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, want %s", c[1], code, body, want)
		}
	}
}

func TestMemoryIsBoundedHoweverManySessionsAndStatementsThereAre(t *testing.T) {
	l := newLoad()
	for second := range 3000 {
		var active []session
		for i := range 40 {
			active = append(active, reader("", fmt.Sprint("SELECT ", second, i)))
		}
		l.add(noon.Add(time.Duration(second)*time.Second), active)
	}
	if len(l.sessions) > mostSessions+40 || len(l.seen) > mostSeen || len(l.index) != len(l.sessions) {
		t.Errorf("%d sessions, %d seen", len(l.sessions), len(l.seen))
	}
	same := []session{reader("", "SELECT 1"), reader("", "SELECT 1")}
	day := newLoad()
	for second := range 2 * kept {
		day.add(noon.Add(time.Duration(second)*time.Second), same)
	}
	if n := len(day.seen); n > 2*kept+2000 {
		t.Errorf("of two days %d were kept", n)
	}
	last := noon.Unix() + 2*kept
	if n := day.lookedAt(last-100, last); n != 100 {
		t.Errorf("%d looks of the last 100 s", n)
	}
	if n := day.lookedAt(noon.Unix(), noon.Unix()+100); n != 0 {
		t.Errorf("%d looks of two days ago", n)
	}
}
