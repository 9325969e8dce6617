package prometheus

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/sandbox/control"
)

// Files of a workspace's configuration. Templates of the alert manager lie beside its file.
const (
	prometheusFile   = "prometheus/prometheus.yml"
	rulesDir         = "prometheus/rules"
	alertmanagerDir  = "alertmanager"
	alertmanagerFile = alertmanagerDir + "/alertmanager.yml"

	// evaluationInterval is for groups that name none: AWS's default.
	evaluationInterval = "1m"
)

// scrapeFile is what one scraper declares, as far as it is looked at here.
type scrapeFile struct {
	Global map[string]any   `json:"global"`
	Jobs   []map[string]any `json:"scrape_configs"`
}

// render is the configuration of both programs, by file.
func (w *workspace) render(spec control.Workspace) (map[string]string, error) {
	out := map[string]string{}
	for name, text := range spec.Rules {
		out[path.Join(rulesDir, url.PathEscape(name)+".yml")] = text
	}
	var faults []error
	main, err := w.prometheusConfig(spec)
	faults = append(faults, err)
	out[prometheusFile] = main
	if spec.AlertManager != "" {
		faults = append(faults, alertManagerFiles(spec.AlertManager, out))
	}
	return out, errors.Join(faults...)
}

// prometheusConfig joins the jobs of all scrapers, each with its scraper's global settings.
func (w *workspace) prometheusConfig(spec control.Workspace) (string, error) {
	jobs := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(spec.Scrapes)) {
		var file scrapeFile
		if err := yaml.Unmarshal([]byte(spec.Scrapes[id]), &file); err != nil {
			return "", fmt.Errorf("scraper %s: %w", id, err)
		}
		for _, job := range file.Jobs {
			for _, setting := range []string{"scrape_interval", "scrape_timeout"} {
				if _, own := job[setting]; !own && file.Global[setting] != nil {
					job[setting] = file.Global[setting]
				}
			}
			jobs = append(jobs, job)
		}
	}
	config := map[string]any{
		"global":         map[string]any{"evaluation_interval": evaluationInterval},
		"rule_files":     []string{path.Base(rulesDir) + "/*.yml"},
		"scrape_configs": jobs,
	}
	if spec.AlertManager != "" {
		config["alerting"] = map[string]any{"alertmanagers": []any{map[string]any{
			"path_prefix":    w.alertmanager.prefix(),
			"static_configs": []any{map[string]any{"targets": []string{w.alertmanager.address().String()}}},
		}}}
	}
	text, err := yaml.Marshal(config)
	return string(text), err
}

// alertManagerFiles unwraps AWS's form of a definition: Alertmanager's configuration as a text, and templates by name.
// Source: https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-alertmanager-config.html ; read 2026-11-24.
func alertManagerFiles(definition string, out map[string]string) error {
	var wrapped struct {
		Config    string            `json:"alertmanager_config"`
		Templates map[string]string `json:"template_files"`
	}
	if err := yaml.UnmarshalStrict([]byte(definition), &wrapped); err != nil {
		return fmt.Errorf("alert manager definition: %w", err)
	}
	if wrapped.Config == "" {
		return errors.New("alert manager definition: alertmanager_config is not there, want Alertmanager's configuration as a text")
	}
	out[alertmanagerFile] = wrapped.Config
	for name, text := range wrapped.Templates {
		if path.Base(name) != name || name == path.Base(alertmanagerFile) {
			return fmt.Errorf("alert manager definition: template_files: %q, want the plain name of a file", name)
		}
		out[path.Join(alertmanagerDir, name)] = text
	}
	return nil
}
