package ownership

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// pods has a pod's spec in the place of a kind.
func pods(kind, spec string) string {
	switch kind {
	case "Pod":
		return `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: ` + spec + `}`
	case "CronJob":
		return `{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {jobTemplate: {spec: {template: {spec: ` + spec + `}}}}}`
	}
	return `{apiVersion: apps/v1, kind: ` + kind + `, metadata: {name: a}, spec: {template: {spec: ` + spec + `}}}`
}

func TestVolumesThatOnlyOpenHereAreTold(t *testing.T) {
	const nobody, root = `securityContext: {runAsUser: 1000}`, `securityContext: {runAsUser: 0}`
	for spec, want := range map[string][]string{
		`{` + nobody + `, volumes: [{name: data, persistentVolumeClaim: {claimName: a}}]}`:                                    {"data"},
		`{securityContext: {runAsNonRoot: true}, volumes: [{name: data, persistentVolumeClaim: {claimName: a}}]}`:             {"data"},
		`{containers: [{name: a, ` + nobody + `}], volumes: [{name: data, persistentVolumeClaim: {claimName: a}}]}`:           {"data"},
		`{` + nobody + `, volumes: [{name: key, secret: {secretName: a, defaultMode: 288}}]}`:                                 {"key", "0440"},
		`{` + nobody + `, volumes: [{name: conf, configMap: {name: a, defaultMode: 384}}]}`:                                   {"conf", "0600"},
		`{` + nobody + `, volumes: [{name: conf, configMap: {name: a}}, {name: tmp, emptyDir: {}}]}`:                          nil,
		`{` + nobody + `, volumes: [{name: data, persistentVolumeClaim: {claimName: a, readOnly: true}}]}`:                    nil,
		`{` + root + `, volumes: [{name: data, persistentVolumeClaim: {claimName: a}}]}`:                                      nil,
		`{volumes: [{name: data, persistentVolumeClaim: {claimName: a}}]}`:                                                    nil,
		`{securityContext: {runAsUser: 1000, fsGroup: 2000}, volumes: [{name: data, persistentVolumeClaim: {claimName: a}}]}`: nil,
	} {
		for _, kind := range []string{"Pod", "Deployment", "StatefulSet", "CronJob"} {
			u := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(pods(kind, spec)), &u.Object); err != nil {
				t.Fatal(err)
			}
			got := Foreign(u)
			if (len(got) > 0) != (len(want) > 0) {
				t.Errorf("%s %s: got %v", kind, spec, got)
			}
			for _, word := range want {
				if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, word) && strings.Contains(s, "fsGroup") }) {
					t.Errorf("%s %s: got %v, want %s", kind, spec, got, word)
				}
			}
		}
	}
}
