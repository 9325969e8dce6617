//go:build linux

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
)

func TestTheAccountIsTheInventoryWithoutItsSecrets(t *testing.T) {
	l := layout.Layout{Dir: t.TempDir()}
	a, err := openAccount(l)
	if err != nil {
		t.Fatal(err)
	}
	const token = "aws:rds/instance:Instance"
	err = a.store.Put(inventory.Resource{Type: token, ID: "db", Region: "eu-central-1", Status: inventory.Ready, State: resource.PropertyMap{
		"identifier": resource.NewStringProperty("db"), "allocatedStorage": resource.NewNumberProperty(20), "dbName": resource.NewNullProperty(),
		"password": resource.MakeSecret(resource.NewStringProperty("correct horse")),
		"nested":   resource.NewObjectProperty(resource.PropertyMap{"token": resource.MakeSecret(resource.NewStringProperty("battery"))}),
		"ids":      resource.NewArrayProperty([]resource.PropertyValue{resource.NewStringProperty("a"), resource.MakeSecret(resource.NewStringProperty("staple"))}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.List(token)
	if err != nil || len(got) != 1 || got[0].ID != "db" || !got[0].Ready {
		t.Fatal(got, err)
	}
	want := map[string]any{
		"identifier": "db", "allocatedStorage": 20.0, "password": "", "nested": map[string]any{"token": ""}, "ids": []any{"a", ""},
	}
	if d := cmp.Diff(want, got[0].State); d != "" {
		t.Error(d)
	}
}
