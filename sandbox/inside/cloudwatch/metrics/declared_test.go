package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// unmeasured are the metrics of declared alarms that nothing here publishes, each with the reason.
var unmeasured = map[string]string{
	"AWS/CloudFront 5xxErrorRate":                   "CloudFront does not run here",
	"AWS/CloudFront CacheHitRate":                   "CloudFront does not run here",
	"ContainerInsights node_filesystem_utilization": "nodes have no disks of their own here",
}

// asked is a metric as a declaration has it.
type asked struct {
	Namespace, MetricName string
	Dimensions            map[string]string
}

// alarmForm is a declared alarm in a golden: its name, and its properties, indented.
var alarmForm = regexp.MustCompile(`(?m)^\S+ \S+ > aws:cloudwatch/metricAlarm:MetricAlarm (\S+)\n((?:  .*\n)+)`)

// TestEveryDeclaredAlarmAsksForWhatIsMeasured: an alarm on a metric or dimensions that nothing publishes never rings.
func TestEveryDeclaredAlarmAsksForWhatIsMeasured(t *testing.T) {
	goldens, err := filepath.Glob("../../../../components/testdata/observability-*.golden")
	if err != nil || len(goldens) < 3 {
		t.Fatalf("%v: %v", goldens, err)
	}
	used := map[string]bool{}
	for _, golden := range goldens {
		text, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		alarms := alarmForm.FindAllStringSubmatch(string(text), -1)
		if want := strings.Count(string(text), "> aws:cloudwatch/metricAlarm:"); len(alarms) != want || want == 0 {
			t.Fatalf("%s: %d alarms are read of %d", golden, len(alarms), want)
		}
		for _, a := range alarms {
			for _, m := range metricsOf(t, a[1], a[2]) {
				name := m.Namespace + " " + m.MetricName
				if used[name] = true; unmeasured[name] != "" {
					continue
				}
				if _, measured := UnitOf(Of("", m.Namespace, m.MetricName, pairs(m.Dimensions)...)); !measured {
					t.Errorf("%s: alarm %s asks for %s with dimensions %v, which nothing publishes", filepath.Base(golden), a[1], name, m.Dimensions)
				}
			}
		}
	}
	for name, reason := range unmeasured {
		if !used[name] {
			t.Errorf("no alarm asks for %s (%s) any more", name, reason)
		}
	}
}

// metricsOf are the metrics that an alarm's properties name.
func metricsOf(t *testing.T, name, properties string) (out []asked) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(properties) {
		if !strings.HasPrefix(line, "  (") { // a remark
			lines = append(lines, line)
		}
	}
	var alarm struct {
		asked         `yaml:",inline"`
		MetricQueries []struct{ Metric *asked } `yaml:"metricQueries"`
	}
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(strings.Join(lines, ""), "metricName", "metricname")), &alarm); err != nil {
		t.Fatalf("alarm %s: %v", name, err)
	}
	if alarm.MetricName != "" {
		out = append(out, alarm.asked)
	}
	for _, q := range alarm.MetricQueries {
		if q.Metric != nil {
			out = append(out, *q.Metric)
		}
	}
	if len(out) == 0 {
		t.Errorf("alarm %s asks for no metric", name)
	}
	return out
}

func pairs(m map[string]string) (out []string) {
	for name, value := range m {
		out = append(out, name, value)
	}
	return out
}
