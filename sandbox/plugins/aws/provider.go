package aws

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/engines"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/failures"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/outputs"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// Version is the version of the AWS SDK that the provider stands in for.
const Version = "6.83.4"

// Provider implements the Pulumi provider protocol. Its methods may be called concurrently.
type Provider struct {
	plugin.UnimplementedProvider

	schema   *schema.Schema
	store    *inventory.Store
	failures *failures.Plan
	engines  *engines.Engines
	exit     func(code int) // ends the process, for the fault that does
	now      func() time.Time

	stop    context.CancelFunc // ends calls under way
	stopped context.Context

	mu     sync.RWMutex
	config config
}

// New returns the provider of the sandbox l. s is where engines are run; previews do not call it.
func New(l layout.Layout, s engines.Sandbox) (*Provider, error) {
	types, err := schema.Load()
	if err != nil {
		return nil, err
	}
	store, err := inventory.Open(l.Cloud())
	if err != nil {
		return nil, err
	}
	plan, err := failures.Load(l.State())
	if err != nil {
		return nil, err
	}
	p := &Provider{
		schema: types, store: store, failures: plan, exit: os.Exit, now: time.Now, config: config{region: defaultRegion()},
		engines: &engines.Engines{Sandbox: s, Store: store},
	}
	p.stopped, p.stop = context.WithCancel(context.Background())
	return p, nil
}

// Handshake says what the provider understands.
func (p *Provider) Handshake(context.Context, plugin.ProviderHandshakeRequest) (*plugin.ProviderHandshakeResponse, error) {
	return &plugin.ProviderHandshakeResponse{AcceptSecrets: true, AcceptResources: true}, nil
}

// GetPluginInfo returns Version.
func (p *Provider) GetPluginInfo(context.Context) (plugin.PluginInfo, error) {
	v, err := semver.Parse(Version)
	return plugin.PluginInfo{Version: &v}, err
}

// SignalCancellation ends the calls under way; half-made resources are reported as such.
func (p *Provider) SignalCancellation(context.Context) error {
	p.stop()
	return nil
}

// Close ends the calls under way.
func (p *Provider) Close() error {
	p.stop()
	return nil
}

// until is ctx, ended by SignalCancellation too.
func (p *Provider) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(p.stopped, cancel)
	return ctx, func() { release(); cancel() }
}

func (p *Provider) settings() config {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.config
}

// resourceType finds a type of the schema.
func (p *Provider) resourceType(token string) (*schema.Resource, error) {
	r, ok := p.schema.Resources[token]
	if !ok {
		known := slices.Sorted(maps.Keys(p.schema.Resources))
		return nil, fmt.Errorf("the sandbox knows no resource type %q%s: it serves %d types of %s", token, schema.DidYouMean(token, known), len(known), modules(known))
	}
	return r, nil
}

// modules are the services of type tokens: "ec2" of "aws:ec2/vpc:Vpc".
func modules(tokens []string) string {
	var names []string
	for _, token := range tokens {
		if module, ok := strings.CutPrefix(token, "aws:"); ok {
			name, _, _ := strings.Cut(module, "/")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func (p *Provider) maker(token string, urn resource.URN, region string, generation int, inputs resource.PropertyMap) *outputs.Maker {
	return &outputs.Maker{Schema: p.schema, Type: token, URN: urn, Region: region, Generation: generation, Inputs: inputs}
}

func checkFailures(failures []schema.Failure) []plugin.CheckFailure {
	out := make([]plugin.CheckFailure, len(failures))
	for i, f := range failures {
		out[i] = plugin.CheckFailure{Property: resource.PropertyKey(f.Path), Reason: f.Path + " " + f.Reason}
	}
	return out
}
