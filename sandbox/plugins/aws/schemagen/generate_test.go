package main

import (
	"bytes"
	"testing"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

func TestEmbeddedSchemaIsThatOfTheSDKInGoMod(t *testing.T) {
	fresh, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := schema.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fresh, embedded) {
		t.Errorf("%s is stale: run go run ./sandbox/plugins/aws/schemagen in the project's root", target)
	}
}

func TestGenerationIsDeterministic(t *testing.T) {
	first, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	second, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("two runs differ")
	}
}
