package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/outputs"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

const providerToken = "pulumi:providers:aws"

// config is what a program may configure and the sandbox heeds.
type config struct {
	region      string
	defaultTags map[string]string
}

// defaultRegion is the environment's region, as the AWS SDKs read it.
func defaultRegion() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := os.Getenv(name); r != "" {
			return r
		}
	}
	return "eu-central-1"
}

// CheckConfig checks the provider's own configuration by its schema, the region's form, and that the sandbox's
// account is allowed.
func (p *Provider) CheckConfig(_ context.Context, r plugin.CheckConfigRequest) (plugin.CheckConfigResponse, error) {
	want := p.schema.Resources[providerToken]
	decoded := decodeConfig(want.Inputs, r.News)
	failures := p.schema.Validate(want.Inputs, decoded)
	failures = append(failures, configRules(decoded)...)
	return plugin.CheckConfigResponse{Properties: r.News, Failures: checkFailures(failures)}, nil
}

func configRules(m resource.PropertyMap) []schema.Failure {
	var out []schema.Failure
	if region, ok := props.String(m, "region"); ok && !catalogue.IsRegion(region) {
		out = append(out, schema.Failure{Path: "region", Reason: fmt.Sprintf("is %q, want a region such as eu-central-1%s", region, schema.DidYouMean(region, catalogue.Regions()))})
	}
	if allowed := props.Strings(m, "allowedAccountIds"); len(allowed) > 0 && !slices.Contains(allowed, outputs.Account) {
		out = append(out, schema.Failure{Path: "allowedAccountIds", Reason: fmt.Sprintf("is %q without the sandbox's account %s", allowed, outputs.Account)})
	}
	if slices.Contains(props.Strings(m, "forbiddenAccountIds"), outputs.Account) {
		out = append(out, schema.Failure{Path: "forbiddenAccountIds", Reason: "has the sandbox's account " + outputs.Account})
	}
	return out
}

// decodeConfig undoes the engine's encoding of provider configuration: everything but texts is JSON in a text.
// The engine's own keys are left out.
func decodeConfig(want *schema.Properties, m resource.PropertyMap) resource.PropertyMap {
	out := resource.PropertyMap{}
	for k, v := range m {
		if k == "version" || k == "pluginDownloadURL" || strings.HasPrefix(string(k), "__") {
			continue
		}
		out[k] = v
		prop, ok := want.Get(string(k))
		plain, known := props.Plain(v)
		if !ok || !known || !plain.IsString() || prop.Type.Kind == schema.String {
			continue
		}
		var decoded any
		if json.Unmarshal([]byte(plain.StringValue()), &decoded) == nil {
			out[k] = resource.NewPropertyValue(decoded)
		}
	}
	return out
}

// DiffConfig replaces everything when the region changes, as that is another cloud.
func (p *Provider) DiffConfig(_ context.Context, r plugin.DiffConfigRequest) (plugin.DiffConfigResponse, error) {
	changes := compare(r.OldInputs, r.NewInputs)
	result := plugin.DiffResult{Changes: plugin.DiffNone}
	for _, c := range changes {
		result.Changes = plugin.DiffSome
		result.ChangedKeys = append(result.ChangedKeys, c.top())
		if c.path == "region" && !props.Unknown(r.NewInputs, "region") {
			result.ReplaceKeys = append(result.ReplaceKeys, "region")
		}
	}
	return result, nil
}

// Configure takes the provider's configuration.
func (p *Provider) Configure(_ context.Context, r plugin.ConfigureRequest) (plugin.ConfigureResponse, error) {
	m := decodeConfig(p.schema.Resources[providerToken].Inputs, r.Inputs)
	p.mu.Lock()
	defer p.mu.Unlock()
	if region, ok := props.String(m, "region"); ok {
		p.config.region = region
	}
	p.config.defaultTags = props.StringMap(m, "defaultTags.tags")
	return plugin.ConfigureResponse{}, nil
}
