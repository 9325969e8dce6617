package database

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Rotation lets a function of the caller's change the master user's password. The zero value is none: the password then
// changes when Args.Password does.
//
// With rotation, the function owns the password, in the instance and in the secret. Args.Password is what both start
// with, and a later change of it reaches neither: it would take the password back to one that the secret does not know.
// Whoever was handed Args.Password instead of reading the secret (connection poolers, Kubernetes Secrets) is refused by
// the database from the next rotation on: after each rotation, set the configured password to the secret's and update
// the stack. So rotate on a schedule that the pipeline follows.
type Rotation struct {
	// Days between rotations: 1 to 1000. 0 rotates nothing.
	Days int
	// LambdaARN of a function that rotates a single user's password of RDS for PostgreSQL. It needs a way to the instance
	// on its port, the secret and its key, and a permission for secretsmanager.amazonaws.com to call it.
	LambdaARN pulumi.StringInput
}

// mostRotationDays is Secrets Manager's limit.
// Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html ; read 2026-11-24.
const mostRotationDays = 1000

func (f *faults) rotation(r Rotation) {
	f.Between("Rotation.Days", r.Days, 0, mostRotationDays)
	if r.Days > 0 && r.LambdaARN == nil {
		f.Add("Rotation.LambdaARN is missing with Days %d, want the function that rotates the password", r.Days)
	}
}

// ownedByFunction are the instance's arguments that rotation changes behind Pulumi's back.
func (r Rotation) ownedByFunction() []string {
	if r.Days == 0 {
		return nil
	}
	return []string{"password"}
}

const (
	// Days in which a deleted secret can be had back. Secrets Manager takes 7 to 30.
	recoveryDaysProtected = 30
	recoveryDaysElse      = 7

	// currentVersion is the stage of the version in force; Secrets Manager moves it.
	currentVersion = "AWSCURRENT"
	// firstVersion is a stage of our own. It keeps the version that Pulumi made from being dropped once two rotations have
	// passed; the next refresh would miss it, and the next update would put the first password in force again.
	firstVersion = "RAGSCALE_FIRST"
)

// credentials declares the secret from which people, jobs and the rotating function read how to log in, and returns its
// ARN.
func (d *declaration) credentials(primary *rds.Instance, key *kms.Key) (pulumi.StringOutput, error) {
	recovery := recoveryDaysElse
	if d.args.DeletionProtection {
		recovery = recoveryDaysProtected
	}
	secret, err := secretsmanager.NewSecret(d.ctx, d.name, &secretsmanager.SecretArgs{
		Description:          pulumi.Sprintf("Master user of database %s", d.name),
		KmsKeyId:             key.Arn,
		RecoveryWindowInDays: pulumi.Int(recovery),
		Tags:                 d.tags(""),
	}, d.parent)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("secret: %w", err)
	}
	version, err := d.firstCredentials(secret, primary)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("secret's value: %w", err)
	}
	if d.args.Rotation.Days == 0 {
		return secret.Arn, nil
	}
	_, err = secretsmanager.NewSecretRotation(d.ctx, d.name, &secretsmanager.SecretRotationArgs{
		SecretId:          secret.ID(),
		RotationLambdaArn: d.args.Rotation.LambdaARN.ToStringOutput().ToStringPtrOutput(),
		// At once would change the password under everything that this very update hands it to.
		RotateImmediately: pulumi.Bool(false),
		RotationRules: secretsmanager.SecretRotationRotationRulesArgs{
			AutomaticallyAfterDays: pulumi.Int(d.args.Rotation.Days),
		},
		// Secrets Manager tests the function with the value when it sets up the schedule.
	}, d.parent, pulumi.DependsOn([]pulumi.Resource{version}))
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("secret's rotation: %w", err)
	}
	return secret.Arn, nil
}

// firstCredentials is the secret's value in the form that AWS's rotation functions read and write.
// Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html ; read
// 2026-11-24.
func (d *declaration) firstCredentials(secret *secretsmanager.Secret,
	primary *rds.Instance) (*secretsmanager.SecretVersion, error) {
	value := pulumi.JSONMarshal(pulumi.Map{
		"engine":   pulumi.String("postgres"),
		"host":     primary.Address,
		"port":     primary.Port,
		"dbname":   primary.DbName,
		"username": primary.Username,
		"password": checkedPassword(d.args.Password),
	})
	args := &secretsmanager.SecretVersionArgs{SecretId: secret.ID(), SecretString: value.ToStringPtrOutput()}
	options := []pulumi.ResourceOption{d.parent}
	if d.args.Rotation.Days > 0 {
		args.VersionStages = pulumi.ToStringArray([]string{currentVersion, firstVersion})
		options = append(options, pulumi.IgnoreChanges([]string{"secretString", "versionStages"}))
	}
	return secretsmanager.NewSecretVersion(d.ctx, d.name, args, options...)
}
