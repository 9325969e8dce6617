package platform

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/stacks"
)

// globalProvider is us-east-1's, in the account of the stack's own and with its tags.
func (p *platform) globalProvider() (*aws.Provider, error) {
	account, err := stacks.LoadAccount(p.ctx)
	if err != nil {
		return nil, err
	}
	const region = "us-east-1"
	args := &aws.ProviderArgs{Region: pulumi.String(region)}
	if account.Profile != "" {
		args.Profile = pulumi.String(account.Profile)
	}
	if len(account.AccountIDs) > 0 {
		args.AllowedAccountIds = pulumi.ToStringArray(account.AccountIDs)
	}
	if r := account.Role; r.ARN != "" {
		args.AssumeRole = &aws.ProviderAssumeRoleArgs{
			RoleArn: pulumi.String(r.ARN), ExternalId: optional(r.ExternalID), SessionName: optional(r.SessionName),
			Duration: optional(r.Duration),
		}
	}
	if len(account.DefaultTags) > 0 {
		args.DefaultTags = &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(account.DefaultTags)}
	}
	return aws.NewProvider(p.ctx, region, args)
}

func optional(s string) pulumi.StringPtrInput {
	if s == "" {
		return nil
	}
	return pulumi.String(s)
}
