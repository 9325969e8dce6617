package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/trial"
	"github.com/ragscale/ragscale/perf/trial/cluster"
	"github.com/ragscale/ragscale/sandbox/layout"
)

const (
	// envKey is the prefix of settings that are variables of the API's container.
	envKey = "env."
	// programKey is the setting that is a program of another build of the API.
	programKey = "program"
)

// armOf reads KEY=VALUE settings.
func armOf(flag string, settings []string, program string) (trial.Arm, error) {
	arm := trial.Arm{Settings: map[string]string{}}
	var faults []error
	for _, setting := range settings {
		key, value, ok := strings.Cut(setting, "=")
		_, twice := arm.Settings[key]
		switch {
		case !ok || key == "":
			faults = append(faults, fmt.Errorf("%s is %q, want KEY=VALUE", flag, setting))
		case twice:
			faults = append(faults, fmt.Errorf("%s says %s twice", flag, key))
		case isSecretName(key):
			faults = append(faults, fmt.Errorf("%s: %s is a secret, which the trial's result would keep", flag, key))
		}
		arm.Settings[key] = value
	}
	if program != "" {
		arm.Settings[programKey] = program
	}
	return arm, errors.Join(faults...)
}

func isSecretName(key string) bool {
	return strings.HasPrefix(key, envKey) && slices.ContainsFunc([]string{"PASSWORD", "SECRET", "TOKEN"}, func(word string) bool {
		return strings.Contains(strings.ToUpper(key), word)
	})
}

// changeOf is what an arm's settings change of the API's pods: variables as they are, keys of the stack by what its
// program would declare otherwise.
func (p project) changeOf(stack string, side trial.Side, arm trial.Arm) (cluster.Change, error) {
	keys := map[string]string{}
	env := map[string]string{}
	image := ""
	for key, value := range arm.Settings {
		switch name, isEnv := strings.CutPrefix(key, envKey); {
		case isEnv:
			env[name] = value
		case key == programKey:
			if err := checkProgram(value); err != nil {
				return cluster.Change{}, err
			}
			image = trialImage(side)
		default:
			keys[key] = value
		}
	}
	change, err := p.changeOfKeys(stack, keys)
	if change.Env == nil {
		change.Env = map[string]string{}
	}
	maps.Copy(change.Env, env)
	if image != "" {
		change.Image = image
	}
	return change, err
}

// trialImage is the name under which the sandbox runs the program of an arm (localImages).
func trialImage(side trial.Side) string {
	return "trial.ragscale.io/agentic-rag-api-" + strings.ToLower(string(side)) + ":trial"
}

// trialProgram is where the sandbox finds that program.
func trialProgram(l layout.Layout, side trial.Side) string {
	return filepath.Join(l.State(), "trial", strings.ToLower(string(side)), "ragapi")
}

func checkProgram(path string) error {
	info, err := os.Stat(path)
	if err == nil && (info.IsDir() || info.Mode()&0o111 == 0) {
		err = fmt.Errorf("%s is no program", path)
	}
	if err != nil {
		return fmt.Errorf("%w: stack local runs programs for images, want one that `go build -o FILE ./ragapi` makes", err)
	}
	return nil
}

// installPrograms puts the programs of arms where the sandbox runs them from.
func (p project) installPrograms(arms map[trial.Side]trial.Arm) error {
	for side, arm := range arms {
		from := arm.Settings[programKey]
		if from == "" {
			continue
		}
		to := trialProgram(p.layout, side)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), copyProgram(from, to)); err != nil {
			return err
		}
	}
	return nil
}

func copyProgram(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	next, err := os.OpenFile(to+".next", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(next, source)
	return errors.Join(err, next.Close(), os.Rename(to+".next", to))
}
