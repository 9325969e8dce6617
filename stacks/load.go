package stacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/stacks/settings"
)

// Secrets are the configuration's secret values. They are never part of Config.
type Secrets struct {
	DatabasePassword pulumi.StringOutput // secret; of the database's master user
	CachePassword    pulumi.StringOutput // secret; of the API's user at the cache
}

// Load reads the configuration of the running stack. Its error joins every fault, as that of Parse, and a missing,
// unencrypted or unusable password each.
//
// Keys that are not known are seen if the environment variable PULUMI_CONFIG lists them, as it does under Pulumi's
// language host. A program that runs inline reads the stack's file with ReadFile and Parse first.
func Load(ctx *pulumi.Context) (*Config, Secrets, error) {
	values, listError := configOf(ctx)
	c, parseError := Parse(ctx.Stack(), values)
	database, databaseError := databasePassword.read(ctx)
	cache, cacheError := cachePassword.read(ctx)
	if err := errors.Join(listError, parseError, databaseError, cacheError); err != nil {
		return nil, Secrets{}, err
	}
	return c, Secrets{DatabasePassword: database, CachePassword: cache}, nil
}

// configOf collects what Parse needs, with SecretValue in the place of every secret.
func configOf(ctx *pulumi.Context) (map[string]string, error) {
	names := []string{regionKey}
	for _, s := range secretKeys {
		names = append(names, s.key)
	}
	names = append(names, settings.Keys(topFields())...)
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

// listedKeys are the keys of the project's namespaces that the language host lists.
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
		if _, _, ours := namespaceOf(key); ours {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
