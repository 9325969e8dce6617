package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/engines"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/failures"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/pending"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/readback"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/rules"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// Read returns what the account has under an id: the inputs are those that were declared, with the values they have
// now. An import knows nothing but the id.
func (p *Provider) Read(ctx context.Context, r plugin.ReadRequest) (plugin.ReadResponse, error) {
	token := string(r.Type)
	want, err := p.resourceType(token)
	if err != nil {
		return plugin.ReadResponse{}, err
	}
	if _, err := p.failure("read", token, r.URN); err != nil {
		return plugin.ReadResponse{}, err
	}
	rec, ok, err := p.store.Get(token, string(r.ID))
	if err != nil || !ok {
		return plugin.ReadResponse{Status: resource.StatusOK}, err
	}
	if rec, err = p.pass(ctx, rec); err != nil {
		return plugin.ReadResponse{}, err
	}
	inputs := resource.PropertyMap{}
	for k, v := range rec.Inputs {
		if now, ok := rec.State[k]; ok {
			declared, _ := want.Inputs.Get(string(k)) // Check let no unknown one in
			v = current(declared, v, now)
		} else if k != defaultsKey {
			continue // removed behind our back
		}
		inputs[k] = v
	}
	result := plugin.ReadResult{ID: r.ID, Inputs: sealed(want, inputs), Outputs: sealed(want, rec.State)}
	return plugin.ReadResponse{ReadResult: result, Status: resource.StatusOK}, nil
}

// current is an input as the cloud has it now. A map (tags) is whole: a key that somebody added is drift. A block is
// what the program set of it: the rest is computed.
func current(p schema.Property, set, now resource.PropertyValue) resource.PropertyValue {
	if p.Type.Kind == schema.Map {
		return now
	}
	return props.Project(set, now)
}

// Update changes a resource in place; its engine follows.
func (p *Provider) Update(ctx context.Context, r plugin.UpdateRequest) (plugin.UpdateResponse, error) {
	token := string(r.Type)
	want, err := p.resourceType(token)
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	settings := p.settings()
	if r.Preview {
		fresh := p.maker(token, r.URN, settings.region, 0, r.NewInputs).State(settings.defaultTags)
		state := previewUpdate(token, r.OldOutputs, r.NewInputs, fresh)
		return plugin.UpdateResponse{Properties: sealed(want, state), Status: resource.StatusOK}, nil
	}
	fault, err := p.failure("update", token, r.URN)
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	rec, err := p.existing(ctx, token, string(r.ID))
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	before := rec.State
	request := rules.Request{Type: token, URN: string(r.URN), Region: rec.Region, Inputs: r.NewInputs, Olds: rec.State, Inventory: p.store}
	if err := rules.References(request); err != nil {
		return plugin.UpdateResponse{}, err
	}
	if rec, err = p.changed(want, rec, r); err != nil {
		return plugin.UpdateResponse{}, err
	}
	if fault == failures.NotReady {
		return plugin.UpdateResponse{}, p.halfMade(rec, errors.New(failures.Message(fault, "update", token)))
	}
	if err := p.store.Put(rec); err != nil {
		return plugin.UpdateResponse{}, err
	}
	if rec, err = p.run(ctx, want, rec, before, fault); err != nil {
		return plugin.UpdateResponse{}, p.halfMade(rec, err)
	}
	return plugin.UpdateResponse{Properties: rec.State, Status: resource.StatusOK}, nil
}

// existing is what there is to update, after what waited for a time that has come.
func (p *Provider) existing(ctx context.Context, token, id string) (inventory.Resource, error) {
	rec, ok, err := p.store.Get(token, id)
	if err != nil {
		return rec, err
	}
	if !ok {
		return rec, fmt.Errorf("%s %q does not exist any more: refresh the stack, then update again", token, id)
	}
	return p.pass(ctx, rec)
}

// changed is the record with new inputs. What the engine told stays until it tells anew.
func (p *Provider) changed(want *schema.Resource, rec inventory.Resource, r plugin.UpdateRequest) (inventory.Resource, error) {
	fresh := p.maker(rec.Type, resource.URN(rec.URN), rec.Region, rec.Generation, r.NewInputs).State(p.settings().defaultTags)
	for _, k := range slices.Concat(engines.Owned(rec.Type), readback.Keeps(rec.Type, want)) {
		if old, ok := rec.State[k]; ok && !props.Has(r.NewInputs, string(k)) {
			fresh[k] = old
		}
	}
	if rec.Type == engines.LaunchTemplate { // every change is a new version
		latest := float64(props.Int(rec.State, "latestVersion", 1) + 1)
		fresh["latestVersion"] = resource.NewNumberProperty(latest)
		if props.Bool(r.NewInputs, "updateDefaultVersion", false) {
			fresh["defaultVersion"] = resource.NewNumberProperty(latest)
		} else if old, ok := rec.State["defaultVersion"]; ok && !props.Has(r.NewInputs, "defaultVersion") {
			fresh["defaultVersion"] = old
		}
	}
	if rec.Waiting = pending.Modified(rec.Type, rec.Waiting, rec.State, r.NewInputs); len(rec.Waiting) > 0 {
		rec.Since = p.now()
	}
	fresh, err := p.numbered(rec.Type, fresh)
	if err != nil {
		return rec, err
	}
	fresh = readback.State(rec.Type, rec.State, fresh)
	rec.Inputs, rec.State = sealed(want, r.NewInputs), sealed(want, fresh)
	return rec, nil
}

// volatile are outputs that every update changes.
var volatile = map[string][]resource.PropertyKey{engines.LaunchTemplate: {"latestVersion", "defaultVersion"}}

// previewUpdate is the state after an update as far as it can be told: outputs keep their values but for those that
// every update changes.
func previewUpdate(token string, old, inputs, fresh resource.PropertyMap) resource.PropertyMap {
	state := resource.PropertyMap{}
	for k, v := range fresh {
		was, existed := old[k]
		switch {
		case slices.Contains(volatile[token], k):
			v = unknown()
		case k == "tagsAll":
		case props.Has(inputs, string(k)) && nested[token] == k:
			v = nestedPreview(inputs[k], was, false)
		case props.Has(inputs, string(k)):
			v = inputs[k]
		case existed:
			v = was
		}
		state[k] = v
	}
	return state
}

// nested are the inputs that the provider adds members to.
var nested = map[string]resource.PropertyKey{engines.Cluster: "vpcConfig"}
