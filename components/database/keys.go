package database

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/datakey"
)

// encryptionKey encrypts storage, backups, snapshots, Performance Insights and the credentials.
func (d *declaration) encryptionKey() (*kms.Key, error) {
	return datakey.New(d.ctx, d.name, "Storage, backups, insights and credentials of database "+d.name, d.tags(""),
		d.parent, pulumi.Protect(d.args.DeletionProtection))
}
