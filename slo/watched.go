package slo

import (
	_ "embed"
	"strings"
)

//go:embed watched.txt
var watchedText string

// Watched are the CloudWatch alarms (lower case) and Prometheus alerts that compare with a threshold, by its ID. Each
// alarm and alert names its thresholds itself; watched.txt is written from them: go test ./infra/platform -run Watched
// -update.
func Watched() map[string][]string {
	watched := map[string][]string{}
	for line := range strings.Lines(watchedText) {
		id, names, _ := strings.Cut(strings.TrimSpace(line), ": ")
		watched[id] = strings.Split(names, ", ")
	}
	return watched
}
