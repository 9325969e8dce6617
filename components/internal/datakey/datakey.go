// Package datakey declares the key that a service's data at rest is encrypted with.
//
// Owns: the key, and the identifiers that are made of its id. Does not own: what is encrypted, and under which names.
package datakey

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// SuffixLength is how many characters of the key's id end an identifier.
const SuffixLength = 8

// New declares a key. AWS's default key policy is kept: RDS and ElastiCache use the key through grants of whoever
// creates the instance.
func New(ctx *pulumi.Context, name, description string, tags pulumi.StringMap,
	opts ...pulumi.ResourceOption) (*kms.Key, error) {
	key, err := kms.NewKey(ctx, name, &kms.KeyArgs{
		Description:       pulumi.String(description),
		EnableKeyRotation: pulumi.Bool(true),
		// The longest that KMS allows: without the key every backup is lost.
		DeletionWindowInDays: pulumi.Int(30),
		Tags:                 tags,
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	return key, nil
}

// Identifier is a name that ends in characters of the key's id. So it is known before what is encrypted is, for its log
// groups and users, whose ids are unique in an account, and it differs every time that this is created anew, for its
// final snapshot: AWS refuses a snapshot name used before.
func Identifier(name string, key *kms.Key) pulumi.StringOutput {
	return key.KeyId.ApplyT(func(id string) string { return name + "-" + suffix(id) }).(pulumi.StringOutput)
}

// suffix is the first letters and digits of a key id (a UUID): all that an identifier allows besides hyphens.
func suffix(keyID string) string {
	kept := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(keyID))
	return kept[:min(SuffixLength, len(kept))]
}
