package observability

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/amp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/components/observability/rules"
)

// receiver is the only one: SNS is all that the managed alert manager sends to.
const receiver = "topic"

func (d *declaration) alertManager(workspace *amp.Workspace, topic *sns.Topic) error {
	region := d.args.Region
	definition := topic.Arn.ApplyT(func(arn string) (string,
		error) {
		return alertManagerDefinition(arn, region)
	}).(pulumi.StringOutput)
	_, err := amp.NewAlertManagerDefinition(d.ctx, d.name, &amp.AlertManagerDefinitionArgs{
		WorkspaceId: workspace.ID(), Definition: definition,
	}, d.parent)
	if err != nil {
		return fmt.Errorf("alert manager: %w", err)
	}
	return nil
}

// alertManagerDefinition sends pages at once and repeats them every four hours; tickets gather for five minutes and
// come back once a day. While an objective is paged for, its own ticket is silent.
func alertManagerDefinition(topic, region string) (string, error) {
	config, err := yaml.Marshal(map[string]any{
		"route": map[string]any{
			"receiver": receiver, "group_by": []string{"alertname", "severity"},
			"group_wait": "5m", "group_interval": "15m", "repeat_interval": "24h",
			"routes": []any{map[string]any{
				"receiver": receiver, "matchers": []string{`severity="` + rules.Page + `"`},
				"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h",
			}},
		},
		"inhibit_rules": []any{map[string]any{
			// Without the second matcher every page would silence every ticket: labels that both lack are equal.
			"source_matchers": []string{`severity="` + rules.Page + `"`, `slo=~".+"`},
			"target_matchers": []string{`severity="` + rules.Ticket + `"`},
			"equal":           []string{"slo"},
		}},
		"receivers": []any{map[string]any{"name": receiver, "sns_configs": []any{map[string]any{
			"topic_arn": topic, "sigv4": map[string]string{"region": region}, "send_resolved": true,
			"attributes": map[string]string{"severity": "{{ .CommonLabels.severity }}"},
			"message": "{{ range .Alerts }}{{ .Status }}: {{ .Annotations.summary }} {{ .Annotations.runbook_url }}\n{{ " +
				"end }}",
		}}}},
	})
	if err != nil {
		return "", fmt.Errorf("alert manager: %w", err)
	}
	definition, err := yaml.Marshal(map[string]string{"alertmanager_config": string(config)})
	return string(definition), err
}
