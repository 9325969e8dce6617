package database

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// encryptionKey encrypts storage, backups, snapshots, Performance Insights and the credentials. AWS's default key policy is kept: RDS
// uses the key through grants of whoever creates the instance.
func (d *declaration) encryptionKey() (*kms.Key, error) {
	key, err := kms.NewKey(d.ctx, d.name, &kms.KeyArgs{
		Description:       pulumi.Sprintf("Storage, backups, insights and credentials of database %s", d.name),
		EnableKeyRotation: pulumi.Bool(true),
		// The longest that KMS allows: without the key every backup is lost.
		DeletionWindowInDays: pulumi.Int(30),
		Tags:                 d.tags(""),
	}, d.parent, pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	return key, nil
}

// instanceIdentifier ends in characters of the key's id. So it is known before the instance is, for its log groups, and
// differs every time that the database is created anew, for its final snapshot: AWS refuses a snapshot name used before.
func instanceIdentifier(name string, key *kms.Key) pulumi.StringOutput {
	return key.KeyId.ApplyT(func(id string) string { return name + "-" + uniqueSuffix(id) }).(pulumi.StringOutput)
}

// uniqueSuffix is the first 8 letters and digits of a key id (a UUID): all that an RDS identifier allows besides hyphens.
func uniqueSuffix(keyID string) string {
	kept := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(keyID))
	return kept[:min(8, len(kept))]
}
