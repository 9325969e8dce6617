package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/engines"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/outputs"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/rules"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// defaultsKey lists the inputs that the provider filled in, so that a later check knows them from the program's own.
const defaultsKey = "__defaults"

// Check judges inputs by structure, then by what AWS refuses, and fills in generated names. All faults come at once.
func (p *Provider) Check(_ context.Context, r plugin.CheckRequest) (plugin.CheckResponse, error) {
	token := string(r.Type)
	want, err := p.resourceType(token)
	if err != nil {
		return plugin.CheckResponse{}, err
	}
	if failures := p.schema.Validate(want.Inputs, r.News); len(failures) > 0 {
		return plugin.CheckResponse{Properties: r.News, Failures: checkFailures(failures)}, nil
	}
	news, failures, err := p.named(r)
	if err != nil {
		return plugin.CheckResponse{}, err
	}
	broken, err := rules.Check(rules.Request{
		Type: token, URN: string(r.URN), Region: p.settings().region, Inputs: news, Olds: r.Olds, Inventory: p.store,
	})
	if err != nil {
		return plugin.CheckResponse{}, err
	}
	failures = append(failures, broken...)
	limits, err := p.limits(token, r.URN, news)
	if err != nil {
		return plugin.CheckResponse{}, err
	}
	failures = append(failures, limits...)
	return plugin.CheckResponse{Properties: news, Failures: checkFailures(failures)}, nil
}

// limits are what AWS would make and this sandbox cannot: said in the preview, not half-way through an update. Another stack's
// cluster is no fault of a preview, which may be all that is wanted; its creation is refused.
func (p *Provider) limits(token string, urn resource.URN, in resource.PropertyMap) ([]schema.Failure, error) {
	if token != engines.Cluster {
		return nil, nil
	}
	clusters, err := p.store.List(token)
	if err != nil {
		return nil, err
	}
	for _, c := range clusters {
		if held := resource.URN(c.URN); held != urn && held.Project() == urn.Project() && held.Stack() == urn.Stack() {
			return []schema.Failure{{Path: "name", Reason: fmt.Sprintf("is %q: the sandbox holds one cluster and that is %q, want that one deleted first",
				props.Str(in, "name"), props.Str(c.State, "name"))}}, nil
		}
	}
	return nil, nil
}

// named fills in the name that AWS needs where the program gives none. It stays over updates.
func (p *Provider) named(r plugin.CheckRequest) (resource.PropertyMap, []schema.Failure, error) {
	n := outputs.NamingOf(p.schema, string(r.Type))
	if n.Property == "" {
		return r.News, nil, nil
	}
	key := resource.PropertyKey(n.Property)
	if name, ok := props.String(r.News, n.Property); ok {
		return r.News, nameFailures(n, name), nil
	}
	if props.Has(r.News, n.Property) || props.Has(r.News, outputs.Prefixed(n.Property)) {
		return r.News, nil, nil
	}
	name, kept := generatedName(r.Olds, key)
	if !kept {
		generation, err := p.store.FreeGeneration(string(r.Type), string(r.URN))
		if err != nil {
			return nil, nil, err
		}
		name = newName(r.URN, n, generation)
	}
	news := r.News.Copy()
	news[key] = resource.NewStringProperty(name)
	news[defaultsKey] = resource.NewArrayProperty([]resource.PropertyValue{resource.NewStringProperty(n.Property)})
	return news, nameFailures(n, name), nil
}

func newName(urn resource.URN, n outputs.Naming, generation int) string {
	name := urn.Name() + "-" + outputs.Suffix(urn, generation)
	if n.Lower {
		name = strings.ToLower(name)
	}
	if urn.Type() == "aws:kms/alias:Alias" {
		name = "alias/" + name
	}
	return name
}

func generatedName(olds resource.PropertyMap, key resource.PropertyKey) (string, bool) {
	if !slices.Contains(props.Strings(olds, defaultsKey), string(key)) {
		return "", false
	}
	return props.String(olds, string(key))
}

func nameFailures(n outputs.Naming, name string) []schema.Failure {
	if n.Max > 0 && len(name) > n.Max {
		reason := fmt.Sprintf("is %q, %d characters, want at most %d", name, len(name), n.Max)
		return []schema.Failure{{Path: n.Property, Reason: reason}}
	}
	return nil
}
