package cache

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/datakey"
)

// encryptionKey encrypts what the nodes write to disk: synchronisation, snapshots, data tiering.
func (d *declaration) encryptionKey() (*kms.Key, error) {
	return datakey.New(d.ctx, d.name, "Disks and snapshots of cache "+d.name, d.tags(""), d.parent,
		pulumi.Protect(d.args.DeletionProtection))
}
