package stacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Secrets are the configuration's secret values. They are never part of Config.
type Secrets struct {
	DatabasePassword pulumi.StringOutput // secret; of the database's master user
}

// Load reads the configuration of the running stack. Its error joins every fault, as that of Parse, and a missing,
// unencrypted or unusable password.
//
// Keys that are not known are seen if the environment variable PULUMI_CONFIG lists them, as it does under Pulumi's
// language host. A program that runs inline reads the stack's file with ReadFile and Parse first.
func Load(ctx *pulumi.Context) (*Config, Secrets, error) {
	values, listError := configOf(ctx)
	c, parseError := Parse(ctx.Stack(), values)
	password, passwordError := databasePassword(ctx)
	if err := errors.Join(listError, parseError, passwordError); err != nil {
		return nil, Secrets{}, err
	}
	return c, Secrets{DatabasePassword: password}, nil
}

// configOf collects what Parse needs, with SecretValue in the place of every secret.
func configOf(ctx *pulumi.Context) (map[string]string, error) {
	names := []string{regionKey, DatabasePasswordKey}
	for _, key := range keysOf(fieldsOf(reflect.TypeFor[Config]())) {
		names = append(names, prefix+key)
	}
	listed, err := listedKeys()
	values := map[string]string{}
	for _, name := range append(names, listed...) {
		value, present := ctx.GetConfig(name)
		if !present {
			continue
		}
		if ctx.IsConfigSecret(name) {
			value = SecretValue
		}
		values[name] = value
	}
	return values, err
}

// listedKeys are the keys of the project's namespace that the language host lists.
func listedKeys() ([]string, error) {
	text := os.Getenv(pulumi.EnvConfig)
	if text == "" {
		return nil, nil
	}
	var listed map[string]string
	if err := json.Unmarshal([]byte(text), &listed); err != nil {
		return nil, fmt.Errorf("environment variable %s: %w", pulumi.EnvConfig, err)
	}
	var keys []string
	for key := range listed {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// databasePassword returns the password as a secret output. No error contains it.
func databasePassword(ctx *pulumi.Context) (pulumi.StringOutput, error) {
	value, present := ctx.GetConfig(DatabasePasswordKey)
	if !present {
		return pulumi.StringOutput{}, Fault{Path: DatabasePasswordKey, Is: "is not set", Want: "a secret: pulumi config set --secret " + DatabasePasswordKey}
	}
	if !ctx.IsConfigSecret(DatabasePasswordKey) {
		return pulumi.StringOutput{}, nil // Parse reports it
	}
	if !usablePassword(value) {
		return pulumi.StringOutput{}, Fault{Path: DatabasePasswordKey, Is: "does not suit RDS", Want: `8 to 128 printable ASCII characters without space, /, @ and "`}
	}
	secret, isString := pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
	if !isString {
		return pulumi.StringOutput{}, fmt.Errorf("%s: the SDK made no string of a secret string", DatabasePasswordKey)
	}
	return secret, nil
}

// usablePassword applies RDS's rule for the master password, and refuses the space.
// Source: CreateDBInstance (MasterUserPassword) of the RDS API as in
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
func usablePassword(text string) bool {
	refused := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`/@"`, r) }
	return len(text) >= 8 && len(text) <= 128 && !strings.ContainsFunc(text, refused)
}
