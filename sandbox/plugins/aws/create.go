package aws

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/failures"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/outputs"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/readback"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/rules"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// Create makes a resource: the record is reserved, the engine (if the type has one) is run, the record becomes ready.
// What fails in between is reported as half made, with its state, so that the next update finishes it.
func (p *Provider) Create(ctx context.Context, r plugin.CreateRequest) (plugin.CreateResponse, error) {
	token := string(r.Type)
	want, err := p.resourceType(token)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	if r.Preview {
		state := p.preview(token, r.URN, want, r.Properties)
		return plugin.CreateResponse{Properties: state, Status: resource.StatusOK}, nil
	}
	failure, err := p.failure("create", token, r.URN)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	rec, err := p.reserve(token, r.URN, want, r.Properties)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	if failure == failures.NotReady {
		return plugin.CreateResponse{}, p.halfMade(rec, errors.New(failures.Message(failure, "create", token)))
	}
	if rec, err = p.run(ctx, want, rec, nil, failure); err != nil {
		if errors.Is(err, control.ErrNotRunning) { // nothing was made
			return plugin.CreateResponse{}, errors.Join(err, p.store.Delete(token, rec.ID))
		}
		return plugin.CreateResponse{}, p.halfMade(rec, err)
	}
	return plugin.CreateResponse{ID: resource.ID(rec.ID), Properties: rec.State, Status: resource.StatusOK}, nil
}

// failure counts the call; a call that is to fail before it does anything gives the error.
func (p *Provider) failure(op, token string, urn resource.URN) (failures.Kind, error) {
	kind, err := p.failures.Next(op, token, urn.Name())
	if err != nil {
		return kind, err
	}
	if kind == failures.Throttle || kind == failures.Timeout {
		return kind, errors.New(failures.Message(kind, op, token))
	}
	return kind, nil
}

// reserve writes the new resource's record, unless AWS would refuse it.
func (p *Provider) reserve(token string, urn resource.URN, want *schema.Resource, inputs resource.PropertyMap) (inventory.Resource, error) {
	settings := p.settings()
	request := rules.Request{Type: token, URN: string(urn), Region: settings.region, Inputs: inputs, Inventory: p.store}
	if err := rules.References(request); err != nil {
		return inventory.Resource{}, err
	}
	generation, err := p.store.FreeGeneration(token, string(urn))
	if err != nil {
		return inventory.Resource{}, err
	}
	m := p.maker(token, urn, settings.region, generation, inputs)
	state, err := p.numbered(token, m.State(settings.defaultTags))
	if err != nil {
		return inventory.Resource{}, err
	}
	rec := inventory.Resource{
		Type: token, ID: m.ID(), URN: string(urn), Region: settings.region, Generation: generation,
		Inputs: sealed(want, inputs), State: sealed(want, readback.State(token, nil, state)),
	}
	if err := p.collision(rec); err != nil {
		return rec, err
	}
	err = p.store.Reserve(rec)
	if errors.Is(err, inventory.ErrExists) {
		err = fmt.Errorf("%s %q already exists in account %s (%s)", token, rec.ID, outputs.Account, settings.region)
	}
	return rec, err
}

// collision refuses what AWS has once: a load balancer's name, a listener's port.
func (p *Provider) collision(rec inventory.Resource) error {
	unique, global := outputs.Unique(rec.Type)
	if len(unique) == 0 {
		return nil
	}
	all, err := p.store.List(rec.Type)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID == rec.ID || other.Status != inventory.Ready || !global && other.Region != rec.Region {
			continue
		}
		same := true
		for _, name := range unique {
			key := resource.PropertyKey(name)
			mine, _ := props.Plain(rec.State[key])
			theirs, _ := props.Plain(other.State[key])
			same = same && mine.DeepEquals(theirs)
		}
		if same {
			key := resource.PropertyKey(unique[0])
			return fmt.Errorf("%s with %s %v already exists in account %s (%s)", rec.Type, key, rec.State[key], outputs.Account, rec.Region)
		}
	}
	return nil
}

// run makes the engine do what the record says, which was as before (nil for a new one), and writes the record as ready.
func (p *Provider) run(
	ctx context.Context, want *schema.Resource, rec inventory.Resource, before resource.PropertyMap, failure failures.Kind,
) (inventory.Resource, error) {
	ctx, done := p.until(ctx)
	defer done()
	if restarted(rec, before) {
		booted, err := p.engines.Boot(rec)
		if err != nil {
			return rec, err
		}
		rec = booted
	}
	out, err := p.engines.Apply(ctx, rec)
	if err != nil {
		return rec, err
	}
	if failure == failures.CrashAfterCreate {
		p.exit(1)
	}
	for k, v := range out {
		rec.State[k] = v
	}
	rec.Status = inventory.Ready
	rec.State = sealed(want, rec.State)
	return rec, p.store.Put(rec)
}

// halfMade keeps the record and tells the engine what there is: it updates the resource next time. The plugin server
// knows no such error, so the detail is built here.
func (p *Provider) halfMade(rec inventory.Resource, cause error) error {
	rec.Status = inventory.Ready
	if err := p.store.Put(rec); err != nil {
		return errors.Join(cause, err)
	}
	options := plugin.MarshalOptions{KeepSecrets: true, KeepResources: true}
	state, err := plugin.MarshalProperties(rec.State, options)
	if err != nil {
		return errors.Join(cause, err)
	}
	inputs, err := plugin.MarshalProperties(rec.Inputs, options)
	if err != nil {
		return errors.Join(cause, err)
	}
	return rpcerror.WithDetails(rpcerror.New(codes.Unknown, cause.Error()), &pulumirpc.ErrorResourceInitFailed{
		Id: rec.ID, Properties: state, Inputs: inputs, Reasons: []string{cause.Error()},
	})
}

// preview is the state of a resource that is yet to be made: what is no input is unknown.
func (p *Provider) preview(token string, urn resource.URN, want *schema.Resource, inputs resource.PropertyMap) resource.PropertyMap {
	state := p.maker(token, urn, p.settings().region, 0, inputs).State(p.settings().defaultTags)
	for k, v := range state {
		switch {
		case k == "tagsAll":
		case props.Has(inputs, string(k)) && nested[token] == k:
			state[k] = nestedPreview(inputs[k], v, true)
		case props.Has(inputs, string(k)):
		default:
			state[k] = unknown()
		}
	}
	return sealed(want, state)
}

func unknown() resource.PropertyValue { return resource.MakeComputed(resource.NewStringProperty("")) }

// nestedPreview is an input with the members that the provider adds to it (vpcConfig.clusterSecurityGroupId): unknown
// ones for a new resource, else those of full.
func nestedPreview(input, full resource.PropertyValue, fresh bool) resource.PropertyValue {
	if !input.IsObject() || !full.IsObject() {
		return input
	}
	out := input.ObjectValue().Copy()
	for k, v := range full.ObjectValue() {
		if _, given := out[k]; given {
			continue
		}
		if fresh {
			v = unknown()
		}
		out[k] = v
	}
	return resource.NewObjectProperty(out)
}

// sealed marks the properties that the SDK calls secret.
func sealed(want *schema.Resource, m resource.PropertyMap) resource.PropertyMap {
	out := m.Copy()
	for _, name := range want.Secrets {
		key := resource.PropertyKey(name)
		if v, ok := out[key]; ok && !v.IsSecret() && !v.IsNull() {
			out[key] = resource.MakeSecret(v)
		}
	}
	return out
}
