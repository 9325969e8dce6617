package telemetry

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// tableOf is what the package's documentation says of panels, from what is asked for.
func tableOf() string {
	var b strings.Builder
	row := func(name, unit, of string, series []string) {
		if unit == "" {
			unit = "-"
		}
		line := fmt.Sprintf("//\t%-20s %-5s %s:", name, unit, of)
		for i, one := range series {
			if i < len(series)-1 {
				one += ","
			}
			if len(line)+1+len(one) > 112 {
				fmt.Fprintln(&b, line)
				line = "//\t" + strings.Repeat(" ", 26)
			}
			line += " " + one
		}
		fmt.Fprintln(&b, line)
	}
	for _, q := range asked {
		var names []string
		for _, l := range q.lines {
			names = append(names, l.name)
		}
		row(q.name, q.unit, prometheus, names)
	}
	for _, p := range measured {
		var names []string
		for _, l := range p.lines {
			name := strings.TrimSpace(strings.Join([]string{map[string]string{ofDatabase: "{instance}", ofCache: "{node}"}[p.of], l.name}, " "))
			names = append(names, fmt.Sprintf("%s (%s %s)", name, l.metric, l.stat))
		}
		namespace, _, _ := strings.Cut(p.of, " ")
		row(p.name, p.unit, namespace, names)
	}
	for _, l := range loads {
		row(l.panel, "", insights, []string{"{" + l.dimensions[0] + "}", other})
	}
	return b.String()
}

func TestTheTableOfPanelsIsWhatIsAskedFor(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	if table := tableOf(); !strings.Contains(string(text), table) {
		t.Errorf("doc.go has another table, want\n%s", table)
	}
}

// unmeasured are the metrics that the sandbox does not publish, each with the reason.
var unmeasured = map[string]string{
	"AWS/RDS ReadIOPS":            "volumes are folders of the machine",
	"AWS/RDS WriteIOPS":           "volumes are folders of the machine",
	"AWS/RDS DiskQueueDepth":      "volumes are folders of the machine",
	"AWS/RDS CPUCreditBalance":    "processors are the machine's",
	"AWS/RDS EBSIOBalance%":       "volumes are folders of the machine",
	"AWS/RDS EBSByteBalance%":     "volumes are folders of the machine",
	"AWS/CloudFront CacheHitRate": "CloudFront does not run there",
	"AWS/CloudFront Requests":     "CloudFront does not run there",
	"AWS/CloudFront 4xxErrorRate": "CloudFront does not run there",
	"AWS/CloudFront 5xxErrorRate": "CloudFront does not run there",
}

// A metric or a dimension that is misspelt would be missing for ever. The sandbox's table has AWS's names.
func TestMetricsAreNamedAsTheSandboxPublishesThem(t *testing.T) {
	text, err := os.ReadFile("../../sandbox/inside/cloudwatch/metrics/table.txt")
	if err != nil {
		t.Fatal(err)
	}
	published := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 3 && words[0] != "#" {
			for _, dimensions := range words[3:] {
				published[words[0]+" "+dimensions+" "+words[1]], published[words[0]+" "+words[1]] = true, true
			}
		}
	}
	for _, p := range measured {
		namespace, _, _ := strings.Cut(p.of, " ")
		for _, l := range p.lines {
			name := namespace + " " + l.metric
			if is := published[p.of+" "+l.metric]; is == (unmeasured[name] != "") {
				t.Errorf("%s of %s: published is %v, but here it is said to be missing because %q", name, p.of, is, unmeasured[name])
			}
		}
	}
}
