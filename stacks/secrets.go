package stacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/stacks/settings"
)

// The configuration's secrets.
const (
	DatabasePasswordKey = prefix + "databasePassword" // of the database's master user
	CachePasswordKey    = prefix + "cachePassword"    // of the API's user at the cache
)

// secretKey is a secret of the configuration: a password that a service of AWS accepts.
type secretKey struct {
	key, doc string
	password catalogue.Password
}

// What has to be escaped in a connection's URL is refused by both services.
var (
	databasePassword = secretKey{DatabasePasswordKey, "Password of the database's master user", rds.Password}
	cachePassword    = secretKey{CachePasswordKey, "Password of the API's user at the cache", redis.Password}

	secretKeys = []secretKey{databasePassword, cachePassword}
)

func isSecret(key string) bool {
	return slices.ContainsFunc(secretKeys, func(s secretKey) bool { return s.key == key })
}

// secretNames are the secrets' keys without the namespace.
func secretNames() []string {
	names := make([]string, 0, len(secretKeys))
	for _, s := range secretKeys {
		names = append(names, strings.TrimPrefix(s.key, prefix))
	}
	return names
}

// read returns the password as a secret output. No error contains it.
func (s secretKey) read(ctx *pulumi.Context) (pulumi.StringOutput, error) {
	value, present := ctx.GetConfig(s.key)
	if !present {
		return pulumi.StringOutput{}, settings.Fault{Path: s.key, Is: "is not set",
			Want: "a secret: pulumi config set --secret " + s.key}
	}
	if !ctx.IsConfigSecret(s.key) {
		return pulumi.StringOutput{}, nil // Parse reports it
	}
	if s.password.Check(value) != nil {
		return pulumi.StringOutput{}, settings.Fault{Path: s.key, Is: "does not suit " + s.password.Service,
			Want: s.password.Want()}
	}
	secret, isString := pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
	if !isString {
		return pulumi.StringOutput{}, fmt.Errorf("%s: the SDK made no string of a secret string", s.key)
	}
	return secret, nil
}
