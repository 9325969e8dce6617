package options

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

type reader func(o *Options, text json.RawMessage) error

// into reads a value into the place of an option.
func into[T any](place func(*Options) *T) reader {
	return func(o *Options, text json.RawMessage) error { return strict(text, place(o)) }
}

func duration(place func(*Options) *time.Duration) reader {
	return func(o *Options, text json.RawMessage) error {
		var d Duration
		err := strict(text, &d)
		*place(o) = d.Duration
		return err
	}
}

// without is an option that changes nothing of a run here.
func without(*Options, json.RawMessage) error { return nil }

// readers of every option that is known, by name.
var readers = map[string]reader{
	"vus": func(o *Options, text json.RawMessage) error { return strict(text, &o.shared.vus) },
	"duration": func(o *Options, text json.RawMessage) error {
		var d Duration
		err := strict(text, &d)
		o.shared.duration = &d.Duration
		return err
	},
	"iterations": func(o *Options, text json.RawMessage) error { return strict(text, &o.shared.iterations) },
	"stages":     func(o *Options, text json.RawMessage) error { return strict(text, &o.shared.stages) },
	"scenarios":  readScenarios, "thresholds": readThresholds,
	"setupTimeout":             duration(func(o *Options) *time.Duration { return &o.SetupTimeout }),
	"teardownTimeout":          duration(func(o *Options) *time.Duration { return &o.TeardownTimeout }),
	"minIterationDuration":     duration(func(o *Options) *time.Duration { return &o.MinIteration }),
	"noSetup":                  into(func(o *Options) *bool { return &o.NoSetup }),
	"noTeardown":               into(func(o *Options) *bool { return &o.NoTeardown }),
	"noThresholds":             into(func(o *Options) *bool { return &o.NoThresholds }),
	"summaryTrendStats":        readTrendStats,
	"summaryTimeUnit":          readTimeUnit,
	"systemTags":               readSystemTags,
	"tags":                     into(func(o *Options) *map[string]string { return &o.Tags }),
	"executionSegment":         into(func(o *Options) *string { return &o.segment }),
	"executionSegmentSequence": into(func(o *Options) *string { return &o.sequence }),
	"userAgent":                into(func(o *Options) *string { return &o.UserAgent }),
	"maxRedirects":             into(func(o *Options) *int { return &o.MaxRedirects }),
	"batch":                    into(func(o *Options) *int { return &o.Batch }),
	"batchPerHost":             into(func(o *Options) *int { return &o.BatchPerHost }),
	"rps":                      into(func(o *Options) *float64 { return &o.RPS }),
	"insecureSkipTLSVerify":    into(func(o *Options) *bool { return &o.InsecureTLS }),
	"noConnectionReuse":        into(func(o *Options) *bool { return &o.NoReuse }),
	"noVUConnectionReuse":      into(func(o *Options) *bool { return &o.NoUserReuse }),
	"noCookiesReset":           into(func(o *Options) *bool { return &o.NoCookiesReset }),
	"discardResponseBodies":    into(func(o *Options) *bool { return &o.DiscardBodies }),
	"throw":                    into(func(o *Options) *bool { return &o.Throw }),
	"hosts":                    into(func(o *Options) *map[string]string { return &o.Hosts }),
	"blacklistIPs":             readBlacklist,
	"blockHostnames":           into(func(o *Options) *[]string { return &o.BlockHostnames }),
	"cloud":                    without, // of runs on Grafana's machines
	"noUsageReport":            without, // there is none
	"linger":                   without, // there is no server to stay for
}

func readThresholds(o *Options, text json.RawMessage) error {
	var all map[string][]json.RawMessage
	if err := strict(text, &all); err != nil {
		return err
	}
	for name, texts := range all {
		o.Thresholds[name] = []*metrics.Threshold{}
		for _, text := range texts {
			t, err := readThreshold(text)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			o.Thresholds[name] = append(o.Thresholds[name], t)
		}
	}
	return nil
}

// readThreshold reads an expression, or an object with one and what a miss does.
func readThreshold(text json.RawMessage) (*metrics.Threshold, error) {
	var long struct {
		Threshold      string   `json:"threshold"`
		AbortOnFail    bool     `json:"abortOnFail"`
		DelayAbortEval Duration `json:"delayAbortEval"`
	}
	if err := json.Unmarshal(text, &long.Threshold); err != nil {
		if err := strict(text, &long); err != nil {
			return nil, err
		}
	}
	t, err := metrics.ParseThreshold(long.Threshold)
	if err != nil {
		return nil, err
	}
	t.AbortOnFail, t.Delay = long.AbortOnFail, long.DelayAbortEval.Duration
	return t, nil
}

func readTrendStats(o *Options, text json.RawMessage) error {
	o.SummaryTrendStats = nil
	if err := strict(text, &o.SummaryTrendStats); err != nil {
		return err
	}
	return metrics.CheckTrendStatistics(o.SummaryTrendStats)
}

func readTimeUnit(o *Options, text json.RawMessage) error {
	if err := strict(text, &o.SummaryTimeUnit); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "s", "ms", "us"}, o.SummaryTimeUnit) {
		return fmt.Errorf("%q is no unit, want s, ms or us", o.SummaryTimeUnit)
	}
	return nil
}

// readSystemTags reads a list of names, or a text of names between commas.
func readSystemTags(o *Options, text json.RawMessage) error {
	var names []string
	var joined string
	if err := json.Unmarshal(text, &joined); err == nil {
		names = strings.Split(joined, ",")
	} else if err := strict(text, &names); err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(systemTags, name) && !slices.Contains(moreSystemTags, name) {
			return fmt.Errorf("%q is not a valid system tag", name)
		}
	}
	o.SystemTags = names
	return nil
}

func readBlacklist(o *Options, text json.RawMessage) error {
	var ranges []string
	if err := strict(text, &ranges); err != nil {
		return err
	}
	for _, text := range ranges {
		prefix, err := netip.ParsePrefix(text)
		if address, single := netip.ParseAddr(text); single == nil {
			prefix, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			return fmt.Errorf("%q is no range of addresses", text)
		}
		o.BlacklistIPs = append(o.BlacklistIPs, prefix)
	}
	return nil
}
