package ragapi

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// imageLifecycle drops what nothing runs: images that lost their tag after a week, and all but the newest hundred. A
// roll-back to one of the last hundred builds stays possible.
const imageLifecycle = `{"rules":[` +
	`{"rulePriority":1,"description":"untagged images go after 7 days","selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":7},"action":{"type":"expire"}},` +
	`{"rulePriority":2,"description":"the newest 100 images stay","selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":100},"action":{"type":"expire"}}]}`

// repository keeps the API's images: a tag means one image for ever, and every image is scanned.
func (d *declaration) repository() (*ecr.Repository, error) {
	repository, err := ecr.NewRepository(d.ctx, d.name, &ecr.RepositoryArgs{
		// Named, since people push to it; per stack, since stacks may share an account.
		Name:                       pulumi.String(d.name + "/" + APIName),
		ImageTagMutability:         pulumi.String("IMMUTABLE"),
		ImageScanningConfiguration: &ecr.RepositoryImageScanningConfigurationArgs{ScanOnPush: pulumi.Bool(true)},
		EncryptionConfigurations: ecr.RepositoryEncryptionConfigurationArray{
			// ECR's own KMS key: another one would replace the repository.
			&ecr.RepositoryEncryptionConfigurationArgs{EncryptionType: pulumi.String("KMS")},
		},
		ForceDelete: pulumi.Bool(!d.args.DeletionProtection),
		Tags:        d.tags(""),
	}, d.parent, pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return nil, fmt.Errorf("image repository: %w", err)
	}
	_, err = ecr.NewLifecyclePolicy(d.ctx, d.name, &ecr.LifecyclePolicyArgs{
		Repository: repository.Name,
		Policy:     pulumi.String(imageLifecycle),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("image lifecycle: %w", err)
	}
	return repository, nil
}

// image is Args.Image, or the component's own repository at Args.Tag.
func (d *declaration) image(repository *ecr.Repository) pulumi.StringInput {
	if d.args.Image != nil {
		return d.args.Image
	}
	return pulumi.Sprintf("%s:%s", repository.RepositoryUrl, d.args.Tag)
}
