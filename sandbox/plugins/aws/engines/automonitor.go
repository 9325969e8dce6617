package engines

import (
	"encoding/json"
	"regexp"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/sandbox/control"
)

const cloudWatchAddon = "amazon-cloudwatch-observability"

// What the add-on does to other people's pods, from its chart 6.4.0 (values.yaml; templates/_helpers.tpl, definitions
// manager.monitorAllServices and manager.modify-auto-monitor-config).
// Source: https://github.com/aws-observability/helm-charts , of 2026-08-07; read 2026-11-30.
var (
	agentLanguages  = []string{"java", "nodejs", "python", "dotnet"}
	withoutSignals  = regexp.MustCompile(`ap-east-2|ap-southeast-6|cn-.*|.*-iso[a-z]*-.*`)
	defaultForAgent = []string{"default", "default:otel"}
)

// cloudWatchValues is the part of the add-on's configuration that decides it.
type cloudWatchValues struct {
	ApplicationSignals struct {
		Enabled     *bool  `json:"enabled"`
		TargetAgent string `json:"targetAgent"`
	} `json:"applicationSignals"`
	Agent   agentValues   `json:"agent"`
	Agents  []agentValues `json:"agents"`
	Manager struct {
		ApplicationSignals struct {
			AutoMonitor struct {
				MonitorAllServices *bool                      `json:"monitorAllServices"`
				Languages          []string                   `json:"languages"`
				Exclude            map[string]excludedObjects `json:"exclude"`
			} `json:"autoMonitor"`
		} `json:"applicationSignals"`
	} `json:"manager"`
}

type agentValues struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
}

// excludedObjects are namespaces, and workloads as "namespace/name".
type excludedObjects struct {
	Namespaces   []string `json:"namespaces"`
	Deployments  []string `json:"deployments"`
	DaemonSets   []string `json:"daemonsets"`
	StatefulSets []string `json:"statefulsets"`
}

// autoMonitor is what the add-on's configuration, JSON or YAML, has its operator do in a region; nil is nothing.
func autoMonitor(region, configuration string) (*control.AutoMonitor, error) {
	var values cloudWatchValues
	if err := yaml.Unmarshal([]byte(configuration), &values); err != nil {
		return nil, err
	}
	monitor := values.Manager.ApplicationSignals.AutoMonitor
	switch {
	case !values.signals():
		return nil, nil
	case monitor.MonitorAllServices != nil && !*monitor.MonitorAllServices:
		return nil, nil
	case monitor.MonitorAllServices == nil && withoutSignals.MatchString(region):
		return nil, nil
	}
	out := &control.AutoMonitor{Languages: monitor.Languages, Exclude: map[string][]string{}}
	if len(out.Languages) == 0 {
		out.Languages = agentLanguages
	}
	for language, e := range monitor.Exclude {
		out.Exclude[language] = slices.Concat(e.Namespaces, e.Deployments, e.DaemonSets, e.StatefulSets)
	}
	return out, nil
}

// signals says whether an agent collects Application Signals: without one the chart turns the monitor off.
func (v cloudWatchValues) signals() bool {
	if v.ApplicationSignals.Enabled != nil && !*v.ApplicationSignals.Enabled {
		return false
	}
	target := v.ApplicationSignals.TargetAgent
	if target == "" {
		target = "cloudwatch-agent"
	}
	agents := v.Agents
	if len(agents) == 0 {
		agents = []agentValues{{Name: target}}
	}
	return slices.ContainsFunc(agents, func(a agentValues) bool {
		config := a.Config
		if config == nil {
			config = v.Agent.Config
		}
		return a.Name == target && collectsSignals(config)
	})
}

// collectsSignals judges an agent's own configuration. The chart's defaults do.
func collectsSignals(config json.RawMessage) bool {
	var name string
	if len(config) == 0 || string(config) == "null" || json.Unmarshal(config, &name) == nil && slices.Contains(append(defaultForAgent, ""), name) {
		return true
	}
	var own struct {
		Logs struct {
			Collected map[string]any `json:"metrics_collected"`
		} `json:"logs"`
		Traces struct {
			Collected map[string]any `json:"traces_collected"`
		} `json:"traces"`
	}
	if json.Unmarshal(config, &own) != nil {
		return false
	}
	_, metrics := own.Logs.Collected["application_signals"]
	_, traces := own.Traces.Collected["application_signals"]
	return metrics || traces
}
