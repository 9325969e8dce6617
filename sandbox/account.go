//go:build linux

package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// account is the AWS plugin's inventory as AWS's APIs describe it: the same files, so that they cannot disagree.
type account struct{ store *inventory.Store }

func openAccount(l layout.Layout) (account, error) {
	store, err := inventory.Open(l.Cloud())
	return account{store}, err
}

// List implements awsapi.Account.
func (a account) List(token string) ([]awsapi.Resource, error) {
	all, err := a.store.List(token)
	if err != nil {
		return nil, err
	}
	out := make([]awsapi.Resource, len(all))
	for i, r := range all {
		out[i] = awsapi.Resource{ID: r.ID, Region: r.Region, Ready: r.Status == inventory.Ready, State: open(r.State)}
	}
	return out, nil
}

// open is a property map as plain values, with "" for what is secret.
func open(m resource.PropertyMap) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if plain := openValue(v); plain != nil {
			out[string(k)] = plain
		}
	}
	return out
}

func openValue(v resource.PropertyValue) any {
	if v.IsSecret() {
		return ""
	}
	v, known := props.Plain(v)
	switch {
	case !known || v.IsNull():
		return nil
	case v.IsObject():
		return open(v.ObjectValue())
	case v.IsArray():
		out := []any{}
		for _, e := range v.ArrayValue() {
			out = append(out, openValue(e))
		}
		return out
	case v.IsBool(), v.IsNumber(), v.IsString():
		return v.V
	}
	return nil // an asset
}
