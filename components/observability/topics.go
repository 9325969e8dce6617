package observability

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// topics are where alarms go. global is regional unless there is a CDN watched from another region.
type topics struct{ regional, global *sns.Topic }

func (d *declaration) topics(workspace pulumi.StringOutput) (topics, error) {
	regional, err := d.topic(place{suffix: "-alarms", region: d.args.Region, workspace: &workspace})
	if err != nil || !d.watchesGlobally() {
		return topics{regional: regional, global: regional}, err
	}
	global, err := d.topic(place{suffix: "-global-alarms", region: globalRegion, options: d.globally()})
	return topics{regional: regional, global: global}, err
}

// watchesGlobally tells whether there are alarms outside the stack's region.
func (d *declaration) watchesGlobally() bool {
	return d.args.DistributionID != nil && d.args.Region != globalRegion
}

func (d *declaration) globally() []pulumi.ResourceOption {
	if !d.watchesGlobally() {
		return nil
	}
	return []pulumi.ResourceOption{pulumi.Provider(d.args.GlobalProvider)}
}

// place is one region's topic.
type place struct {
	suffix, region string
	options        []pulumi.ResourceOption
	workspace      *pulumi.StringOutput // the managed Prometheus that may publish, where there is one
}

func (d *declaration) topic(p place) (*sns.Topic, error) {
	options := append([]pulumi.ResourceOption{d.parent}, p.options...)
	key, err := d.topicKey(p, options)
	if err != nil {
		return nil, fmt.Errorf("topic%s: %w", p.suffix, err)
	}
	topic, err := sns.NewTopic(d.ctx, d.name+p.suffix, &sns.TopicArgs{
		KmsMasterKeyId: key.KeyId,
		Tags:           d.tags(p.suffix),
	}, options...)
	if err != nil {
		return nil, fmt.Errorf("topic%s: %w", p.suffix, err)
	}
	_, err = sns.NewTopicPolicy(d.ctx, d.name+p.suffix,
		&sns.TopicPolicyArgs{Arn: topic.Arn, Policy: d.publishers(p, topic.Arn)}, options...)
	if err != nil {
		return nil, fmt.Errorf("topic%s: policy: %w", p.suffix, err)
	}
	for i, address := range d.args.Emails {
		// The address, not its place in the list, names the subscription: taking one away must not move the others.
		_, err := sns.NewTopicSubscription(d.ctx, d.name+p.suffix+"-"+address, &sns.TopicSubscriptionArgs{
			Topic: topic.Arn, Protocol: pulumi.String("email"), Endpoint: pulumi.String(address),
		}, options...)
		if err != nil {
			return nil, fmt.Errorf("topic%s: subscription %d: %w", p.suffix, i, err)
		}
	}
	return topic, nil
}

// topicKey encrypts what waits in a topic. SNS's own key would refuse CloudWatch.
func (d *declaration) topicKey(p place, options []pulumi.ResourceOption) (*kms.Key, error) {
	key, err := kms.NewKey(d.ctx, d.name+p.suffix, &kms.KeyArgs{
		Description:       pulumi.Sprintf("Alarms of %s in %s", d.name, p.region),
		EnableKeyRotation: pulumi.Bool(true),
		// Messages are gone within hours: nothing needs the key for longer than the shortest time that KMS allows.
		DeletionWindowInDays: pulumi.Int(7),
		Tags:                 d.tags(p.suffix),
	}, options...)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	_, err = kms.NewKeyPolicy(d.ctx, d.name+p.suffix,
		&kms.KeyPolicyArgs{KeyId: key.KeyId, Policy: key.Arn.ApplyT(keyPolicy).(pulumi.StringOutput)}, options...)
	if err != nil {
		return nil, fmt.Errorf("key policy: %w", err)
	}
	return key, nil
}

type policy struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal map[string]any               `json:"Principal"`
	Action    any                          `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

func document(statements ...statement) (string, error) {
	text, err := json.Marshal(policy{Version: "2012-10-17", Statement: statements})
	return string(text), err
}

// Services that publish.
const (
	cloudWatch = "cloudwatch.amazonaws.com"
	prometheus = "aps.amazonaws.com"
)

// keyPolicy lets the account's own policies decide, and both publishers encrypt. Who may publish what is the topic's
// policy; CloudWatch does not pass its alarm on to KMS, so that there is nothing to tell callers apart by.
func keyPolicy(arn string) (string, error) {
	partition, account, err := owner(arn)
	if err != nil {
		return "", err
	}
	return document(
		statement{
			Sid: "Account", Effect: "Allow", Principal: map[string]any{"AWS": "arn:" + partition + ":iam::" + account + ":root"},
			Action: "kms:*", Resource: "*",
		},
		statement{
			Sid: "Publishers", Effect: "Allow", Principal: map[string]any{"Service": []string{cloudWatch, prometheus}},
			Action: []string{"kms:Decrypt", "kms:GenerateDataKey*"}, Resource: "*",
		},
	)
}

// publishers lets this stack's alarms publish, and its Prometheus.
// Source: https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-alertmanager-receiver-AMPpermission.html ; read
// 2026-11-24.
func (d *declaration) publishers(p place, topic pulumi.StringOutput) pulumi.StringOutput {
	workspace := pulumi.String("").ToStringOutput()
	if p.workspace != nil {
		workspace = *p.workspace
	}
	return pulumi.All(topic, workspace).ApplyT(func(values []any) (string, error) {
		topic, workspace := values[0].(string), values[1].(string)
		partition, account, err := owner(topic)
		if err != nil {
			return "", err
		}
		statements := []statement{{
			Sid: "Alarms", Effect: "Allow", Principal: map[string]any{"Service": cloudWatch}, Action: "sns:Publish",
			Resource: topic,
			Condition: map[string]map[string]string{
				"StringEquals": {"aws:SourceAccount": account},
				"ArnLike": {"aws:SourceArn": "arn:" + partition + ":cloudwatch:" + p.region + ":" + account + ":alarm:" +
					d.name + "-*"},
			},
		}}
		if workspace != "" {
			statements = append(statements, statement{
				Sid: "Prometheus", Effect: "Allow", Principal: map[string]any{"Service": prometheus},
				Action: []string{"sns:GetTopicAttributes", "sns:Publish"}, Resource: topic,
				Condition: map[string]map[string]string{
					"StringEquals": {"aws:SourceAccount": account},
					"ArnEquals":    {"aws:SourceArn": workspace},
				},
			})
		}
		return document(statements...)
	}).(pulumi.StringOutput)
}

// owner is partition and account of an ARN.
func owner(arn string) (partition, account string, err error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "", "", fmt.Errorf("%q is no ARN, want arn:partition:service:region:account:resource", arn)
	}
	return parts[1], parts[4], nil
}
