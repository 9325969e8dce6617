package loadtest

import (
	_ "embed" // the shell scripts
	"encoding/json"
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/loadtest/k6"
)

var (
	//go:embed run.sh
	run string
	//go:embed upload.sh
	upload string
)

const (
	scriptsName = "k6-scripts"
	runFile     = "run.sh"
	uploadFile  = "upload.sh"
	// environmentKey is in the ConfigMap of scripts: it is the same for every scenario.
	environmentKey = "environment.json"
	scenarioKey    = "scenario.json"
)

// scripts declares the ConfigMap of what every run is made of.
func (d *declaration) scripts() (*corev1.ConfigMap, error) {
	files, err := k6.Scripts()
	if err != nil {
		return nil, err
	}
	data := pulumi.StringMap{runFile: pulumi.String(run), uploadFile: pulumi.String(upload),
		environmentKey: d.environment()}
	for name, text := range files {
		data[name] = pulumi.String(text)
	}
	config, err := corev1.NewConfigMap(d.ctx, d.name+"-load-scripts",
		&corev1.ConfigMapArgs{Metadata: d.metadata(scriptsName), Data: data}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("config map %s: %w", scriptsName, err)
	}
	return config, nil
}

// environment is the fingerprint, with what is known here.
func (d *declaration) environment() pulumi.StringOutput {
	all := map[string]any{"k6": d.args.Image}
	for key, value := range d.args.Environment {
		all[key] = value
	}
	return pulumi.JSONMarshal(all)
}

// scenario declares the ConfigMap of one scenario.
func (d *declaration) scenario(s Scenario) (*corev1.ConfigMap, error) {
	text, err := json.MarshalIndent(k6.Scenario{
		Name: s.Name, Users: s.Users, RampUpSeconds: s.RampUpSeconds, DurationSeconds: s.DurationSeconds,
		ThinkSeconds: s.ThinkSeconds, GracefulSeconds: s.GracefulSeconds, Generators: s.Generators,
		StopAtFault: s.StopAtFault, Levels: s.Levels, AnswersOnly: s.AnswersOnly, Production: d.args.Production,
		Thresholds: d.args.Thresholds,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	config, err := corev1.NewConfigMap(d.ctx, d.name+"-load-"+s.Name, &corev1.ConfigMapArgs{
		Metadata: d.metadata("scenario-" + s.Name), Data: pulumi.StringMap{scenarioKey: pulumi.String(text)},
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("config map of scenario %s: %w", s.Name, err)
	}
	return config, nil
}
