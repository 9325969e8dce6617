package cache

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// suffixLength is how many characters of the key's id end every identifier.
const suffixLength = 8

// encryptionKey encrypts what the nodes write to disk: synchronisation, snapshots, data tiering. AWS's default key
// policy is kept: ElastiCache uses the key through grants of whoever creates the replication group.
func (d *declaration) encryptionKey() (*kms.Key, error) {
	key, err := kms.NewKey(d.ctx, d.name, &kms.KeyArgs{
		Description:       pulumi.Sprintf("Disks and snapshots of cache %s", d.name),
		EnableKeyRotation: pulumi.Bool(true),
		// The longest that KMS allows: without the key every snapshot is lost.
		DeletionWindowInDays: pulumi.Int(30),
		Tags:                 d.tags(""),
	}, d.parent, pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	return key, nil
}

// groupIdentifier ends in characters of the key's id. So it is known before the replication group is, for its log groups
// and users, whose ids are unique in an account, and it differs every time that the cache is created anew, for its final
// snapshot: AWS refuses a snapshot name used before.
func groupIdentifier(name string, key *kms.Key) pulumi.StringOutput {
	return key.KeyId.ApplyT(func(id string) string { return name + "-" + uniqueSuffix(id) }).(pulumi.StringOutput)
}

// uniqueSuffix is the first letters and digits of a key id (a UUID): all that an identifier allows besides hyphens.
func uniqueSuffix(keyID string) string {
	kept := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(keyID))
	return kept[:min(suffixLength, len(kept))]
}
