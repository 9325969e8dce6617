package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
	"github.com/ragscale/ragscale/sandbox/inside/k6/output"
)

// Version is what `version` says: whose behaviour this follows, and that it is another program.
const Version = "k6 v2.2.0 (the sandbox's runner, not k6 itself)"

// kind of a flag's or an environment variable's value.
type kind int

const (
	text kind = iota
	number
	truth
	list
	stages
	pairs // NAME=VALUE
)

// flagged are the options that the command line and the environment have: by flag, name, short form.
var flagged = []struct {
	flag, option, short string
	kind                kind
}{
	{"vus", "vus", "u", number},
	{"duration", "duration", "d", text},
	{"iterations", "iterations", "i", number},
	{"stage", "stages", "s", stages},
	{"execution-segment", "executionSegment", "", text},
	{"execution-segment-sequence", "executionSegmentSequence", "", text},
	{"tag", "tags", "", pairs},
	{"user-agent", "userAgent", "", text},
	{"max-redirects", "maxRedirects", "", number},
	{"batch", "batch", "", number},
	{"batch-per-host", "batchPerHost", "", number},
	{"rps", "rps", "", number},
	{"insecure-skip-tls-verify", "insecureSkipTLSVerify", "", truth},
	{"no-connection-reuse", "noConnectionReuse", "", truth},
	{"no-vu-connection-reuse", "noVUConnectionReuse", "", truth},
	{"discard-response-bodies", "discardResponseBodies", "", truth},
	{"throw", "throw", "w", truth},
	{"min-iteration-duration", "minIterationDuration", "", text},
	{"no-setup", "noSetup", "", truth},
	{"no-teardown", "noTeardown", "", truth},
	{"no-thresholds", "noThresholds", "", truth},
	{"summary-trend-stats", "summaryTrendStats", "", list},
	{"summary-time-unit", "summaryTimeUnit", "", text},
	{"system-tags", "systemTags", "", list},
	{"setup-timeout", "setupTimeout", "", text},
	{"teardown-timeout", "teardownTimeout", "", text},
	{"blacklist-ip", "blacklistIPs", "", list},
	{"block-hostnames", "blockHostnames", "", list},
	{"no-cookies-reset", "noCookiesReset", "", truth},
	{"no-usage-report", "noUsageReport", "", truth},
	{"linger", "linger", "l", truth},
}

// value is a text of the command line as JSON.
func value(of kind, texts []string) (json.RawMessage, error) {
	joined := strings.Join(texts, ",")
	switch of {
	case number:
		if _, err := strconv.ParseFloat(joined, 64); err != nil {
			return nil, fmt.Errorf("%q is no number", joined)
		}
		return json.RawMessage(joined), nil
	case truth:
		b, err := strconv.ParseBool(joined)
		if err != nil {
			return nil, fmt.Errorf("%q, want true or false", joined)
		}
		return json.Marshal(b)
	case list:
		return json.Marshal(strings.Split(joined, ","))
	case pairs:
		all := map[string]string{}
		for _, pair := range texts {
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("%q, want NAME=VALUE", pair)
			}
			all[name] = value
		}
		return json.Marshal(all)
	case stages:
		return stageList(joined)
	}
	return json.Marshal(joined)
}

func stageList(text string) (json.RawMessage, error) {
	type stage struct {
		Duration string `json:"duration"`
		Target   int    `json:"target"`
	}
	all := []stage{}
	for part := range strings.SplitSeq(text, ",") {
		duration, target, ok := strings.Cut(part, ":")
		n, err := strconv.Atoi(target)
		if !ok || err != nil {
			return nil, fmt.Errorf("%q is no stage, want DURATION:TARGET such as 30s:10", part)
		}
		all = append(all, stage{duration, n})
	}
	return json.Marshal(all)
}

// variable is the environment's name of an option: K6_NO_SETUP for no-setup.
func variable(flag string) string {
	if flag == "stage" {
		flag = "stages"
	}
	return "K6_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Main is the program: its arguments, environment and streams. It returns the exit code.
func Main(arguments []string, env map[string]string, out, errs io.Writer) int {
	log := &js.Log{To: errs}
	if len(arguments) == 0 || arguments[0] != "run" && arguments[0] != "version" {
		asked := strings.Join(append([]string{"k6"}, arguments...), " ")
		log.Write("error", asked+" is not known here, want `k6 run FILE` or `k6 version`", nil)
		return Usage
	}
	if arguments[0] == "version" {
		fmt.Fprintln(out, Version)
		return Fine
	}
	c, outputs, err := parse(arguments[1:], env, out)
	if err != nil {
		log.Write("error", err.Error(), nil)
		return Usage
	}
	c.Out, c.Log = out, log
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills
	code := Run(ctx, *c)
	for _, o := range outputs {
		if err := o.Close(); err != nil {
			log.Write("error", "output: "+err.Error(), nil)
		}
	}
	return code
}

// flags of the command run.
type flags struct {
	*pflag.FlagSet
	given          map[string]*[]string
	env, out       []string
	export, mode   string
	address        string
	noColor, quiet bool
	machine        bool
	system         bool
}

func newFlags() *flags {
	f := &flags{FlagSet: pflag.NewFlagSet("run", pflag.ContinueOnError), given: map[string]*[]string{}}
	f.SetOutput(io.Discard)
	for _, o := range flagged {
		f.given[o.flag] = f.StringArrayP(o.flag, o.short, nil, "")
		if o.kind == truth {
			f.Lookup(o.flag).NoOptDefVal = "true"
		}
	}
	f.StringArrayVarP(&f.env, "env", "e", nil, "")
	f.StringArrayVarP(&f.out, "out", "o", nil, "")
	f.StringVar(&f.export, "summary-export", "", "")
	f.StringVar(&f.mode, "summary-mode", "compact", "")
	f.StringVarP(&f.address, "address", "a", "", "")
	f.BoolVar(&f.noColor, "no-color", false, "")
	f.BoolVarP(&f.quiet, "quiet", "q", false, "")
	f.BoolVar(&f.machine, "new-machine-readable-summary", false, "")
	f.BoolVar(&f.system, "include-system-env-vars", true, "")
	return f
}

// parse reads the command line, over the environment.
func parse(arguments []string, env map[string]string, out io.Writer) (*Config, []*output.JSON, error) {
	f := newFlags()
	if err := f.Parse(arguments); err != nil {
		return nil, nil, err
	}
	if f.NArg() != 1 {
		return nil, nil, fmt.Errorf("accepts 1 arg(s), received %d: want the path of a script", f.NArg())
	}
	if f.machine {
		return nil, nil, errors.New("--new-machine-readable-summary is not known here, want it false")
	}
	if !slices.Contains([]string{"compact", "disabled"}, f.mode) {
		return nil, nil, fmt.Errorf("--summary-mode %q is not known here, want compact or disabled", f.mode)
	}
	layers, err := f.layers(env)
	if err != nil {
		return nil, nil, err
	}
	c := &Config{
		Script: f.Arg(0), Env: f.environment(env), Layers: layers, NoColor: f.noColor,
		SummaryExport: cmp.Or(f.export, env["K6_SUMMARY_EXPORT"]), SummaryMode: f.mode,
		Address: cmp.Or(f.address, env["K6_ADDRESS"]),
	}
	if len(f.out) == 0 && env["K6_OUT"] != "" {
		f.out = strings.Split(env["K6_OUT"], ",")
	}
	var outputs []*output.JSON
	for _, what := range f.out {
		o, err := output.Open(what, out)
		if err != nil {
			return nil, nil, err
		}
		outputs, c.Outputs = append(outputs, o), append(c.Outputs, metrics.Output(o))
	}
	return c, outputs, nil
}

// environment is what scripts see: this process's, unless it is left out, and what the command line adds.
func (f *flags) environment(env map[string]string) map[string]string {
	all := map[string]string{}
	if f.system {
		maps.Copy(all, env)
	}
	for _, pair := range f.env {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			value = env[name]
		}
		all[name] = value
	}
	return all
}

// layers are the options of the environment, and those of the command line over them.
func (f *flags) layers(env map[string]string) ([]options.Layer, error) {
	fromEnv, fromLine := options.Layer{}, options.Layer{}
	for _, o := range flagged {
		if text, ok := env[variable(o.flag)]; ok && text != "" {
			v, err := value(o.kind, []string{text})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", variable(o.flag), err)
			}
			fromEnv[o.option] = v
		}
		if texts := *f.given[o.flag]; len(texts) > 0 {
			v, err := value(o.kind, texts)
			if err != nil {
				return nil, fmt.Errorf("--%s: %w", o.flag, err)
			}
			fromLine[o.option] = v
		}
	}
	return []options.Layer{fromEnv, fromLine}, nil
}
