package run

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkOneGetAndOneCheck is the rate against a server of this process, of the runner and of the k6 on PATH.
func BenchmarkOneGetAndOneCheck(b *testing.B) {
	url := server(b)
	script := filepath.Join(b.TempDir(), "script.js")
	text := `
import http from 'k6/http';
import { check } from 'k6';
export default function () { check(http.get(__ENV.URL), { 'is fine': (r) => r.status === 200 }); }`
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	runners := map[string]func(arguments []string) (out string, err error){"runner": func(arguments []string) (string, error) {
		var out, errs bytes.Buffer
		if code := Main(arguments, map[string]string{"URL": url}, &out, &errs); code != Fine {
			return "", fmt.Errorf("exit code %d: %s", code, &errs)
		}
		return out.String(), nil
	}}
	if itself, err := exec.LookPath("k6"); err == nil {
		runners["k6"] = func(arguments []string) (string, error) {
			cmd := exec.CommandContext(b.Context(), itself, append(arguments, "--no-usage-report")...)
			cmd.Env = append(os.Environ(), "URL="+url)
			out, err := cmd.Output()
			return string(out), err
		}
	}
	for name, run := range runners {
		b.Run(name, func(b *testing.B) {
			out, err := run([]string{"run", "--quiet", "--vus", "50", "--iterations", fmt.Sprint(max(50, b.N)), script})
			if err != nil || !strings.Contains(out, "checks_failed......: 0.00%") {
				b.Fatalf("%v: %s", err, out)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
