package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// candidate is the name of a configuration that is still to be judged.
const candidate = "candidate.conf"

// checkConf lets PostgreSQL judge the configuration conf without starting it. PostgreSQL reports unknown names before
// it looks at values, and values one by one: what it refused is taken out and the rest is shown to it again, until all
// faults are known.
func (i *instance) checkConf(ctx context.Context, conf string) error {
	file := filepath.Join(i.dir, "conf", candidate)
	defer os.Remove(file) //nolint:errcheck // overwritten by the next check
	var faults []error
	for {
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			return err
		}
		_, err := i.engine.run(ctx, i.binds(), i.engine.program("postgres"),
			"-D", inside+"/conf", "-C", "server_version", "--config-file="+inside+"/conf/"+candidate)
		if err == nil {
			return errors.Join(faults...)
		}
		found := parseFaults(err.Error())
		rest := withoutParameters(conf, found)
		if len(found) == 0 || rest == conf {
			return errors.Join(append(faults, err)...)
		}
		for _, f := range found {
			faults = append(faults, fmt.Errorf("parameter %s: PostgreSQL says: %s", f.parameter, f.message))
		}
		conf = rest
	}
}

type confFault struct{ parameter, message string }

var faultLine = regexp.MustCompile(`(?:LOG|FATAL|ERROR):\s+(.*parameter "([^"]+)".*)`)

// parseFaults reads what PostgreSQL said about a configuration, hints included.
func parseFaults(said string) []confFault {
	var out []confFault
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if m := faultLine.FindStringSubmatch(line); m != nil {
			message, _, _ := strings.Cut(m[1], " in file ")
			f := confFault{parameter: m[2], message: message}
			if !slices.ContainsFunc(out, func(o confFault) bool { return o.parameter == f.parameter }) {
				out = append(out, f)
			}
			continue
		}
		if _, hint, ok := strings.Cut(line, "HINT:"); ok && len(out) > 0 {
			out[len(out)-1].message += " (" + strings.TrimSpace(hint) + ")"
		}
	}
	return out
}

func withoutParameters(conf string, faults []confFault) string {
	var b strings.Builder
	for line := range strings.Lines(conf) {
		name, _, _ := strings.Cut(line, " = ")
		if !slices.ContainsFunc(faults, func(f confFault) bool { return f.parameter == name }) {
			b.WriteString(line)
		}
	}
	return b.String()
}
