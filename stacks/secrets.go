package stacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The configuration's secrets.
const (
	DatabasePasswordKey = prefix + "databasePassword" // of the database's master user
	CachePasswordKey    = prefix + "cachePassword"    // of the API's user at the cache
)

// secretKey is a secret of the configuration: a password that a service of AWS accepts.
type secretKey struct {
	key, doc    string
	service     string // that judges the password
	least, most int    // its length
}

// Both services want printable ASCII; RDS refuses space, / @ and ", which are kept out of both, for they would also have
// to be escaped in a connection's URL.
// Sources: CreateDBInstance (MasterUserPassword) of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ;
// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html ; read 2026-11-23.
var (
	databasePassword = secretKey{DatabasePasswordKey, "Password of the database's master user", "RDS", 8, 128}
	cachePassword    = secretKey{CachePasswordKey, "Password of the API's user at the cache", "ElastiCache", 16, 128}

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

// want is the phrase for a usable password.
func (s secretKey) want() string {
	return fmt.Sprintf(`%d to %d printable ASCII characters without space, /, @ and "`, s.least, s.most)
}

func (s secretKey) usable(text string) bool {
	refused := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`/@"`, r) }
	return len(text) >= s.least && len(text) <= s.most && !strings.ContainsFunc(text, refused)
}

// read returns the password as a secret output. No error contains it.
func (s secretKey) read(ctx *pulumi.Context) (pulumi.StringOutput, error) {
	value, present := ctx.GetConfig(s.key)
	if !present {
		return pulumi.StringOutput{}, Fault{Path: s.key, Is: "is not set", Want: "a secret: pulumi config set --secret " + s.key}
	}
	if !ctx.IsConfigSecret(s.key) {
		return pulumi.StringOutput{}, nil // Parse reports it
	}
	if !s.usable(value) {
		return pulumi.StringOutput{}, Fault{Path: s.key, Is: "does not suit " + s.service, Want: s.want()}
	}
	secret, isString := pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
	if !isString {
		return pulumi.StringOutput{}, fmt.Errorf("%s: the SDK made no string of a secret string", s.key)
	}
	return secret, nil
}
