package tests

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// databaseReportRuns: a run of the declared CronJob leaves a whole report in its log, made with a right to see everything.
func databaseReportRuns(t *testing.T, where target) {
	cs := clients(t, where)
	run := succeededRun(t, cs, namespace, "agentic-rag-report")
	pods, err := cs.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "job-name=" + run.Name})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("no pod of %s: %v", run.Name, err)
	}
	log, err := cs.CoreV1().Pods(namespace).GetLogs(pods.Items[0].Name, &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		Kind, Check, Fact, Database, Answer string
		Replicas                            int
	}
	var findings, summaries []entry
	for line := range strings.Lines(string(log)) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("%v in the line %q", err, line)
		}
		switch e.Kind { // the process' own lines have none
		case "finding":
			findings = append(findings, e)
		case "summary":
			summaries = append(summaries, e)
		}
	}
	if len(summaries) != 1 || summaries[0].Database == "" {
		t.Errorf("summaries %+v, want one of the database, in\n%s", summaries, log)
	}
	for _, f := range findings {
		if f.Check == "rights" || f.Check == "statements" || f.Check == "replicas" || f.Answer == "" {
			t.Errorf("finding %+v, want none on rights, statements that are not known or replicas that do not stream, and an answer", f)
		}
	}
}
