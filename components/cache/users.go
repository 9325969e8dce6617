package cache

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue/redis"
)

const engine = "redis"

// Access strings are written the way ElastiCache gives them back (state, keys, -@all, then what is allowed): in another
// order the user would differ at every update (https://github.com/hashicorp/terraform-provider-aws/issues/20334 ; read
// 2026-11-23). To settle for the longer ones: `aws elasticache describe-users`.
const (
	// noAccess is for the user "default", which every connection is until it signs in. ElastiCache wants one in every user
	// group, and its own may do everything.
	noAccess = "off ~* -@all"

	// applicationCommands read and write values, and run transactions: client-side caching reads in one. What looks at all
	// keys is left out: invalidating by KEYS or SCAN takes time with the size of the cache, not with that of the change.
	// FLUSHALL, KEYS, SORT and the administration are in @dangerous.
	applicationCommands = "-@all +@read +@write +@connection +@transaction -@dangerous -scan -randomkey"

	// reportingCommands tell of load, memory and slow commands, and read no values. The slow log shows arguments.
	reportingCommands = "-@all +@connection -@dangerous +info +dbsize +scan +type +ttl +memory|usage +memory|stats" +
		" +slowlog|get +slowlog|len +latency|histogram +latency|latest"
)

// Suffixes of user ids.
const (
	defaultSuffix     = "-default"
	applicationSuffix = "-app"
	reportingSuffix   = "-reporting"
)

// users are who may sign in.
type users struct {
	application, reporting *elasticache.User
	group                  *elasticache.UserGroup
}

func (d *declaration) users(identifier pulumi.StringOutput) (users, error) {
	nobody, err := d.user(userSpec{
		suffix: defaultSuffix, id: identifier, name: pulumi.String("default"), access: noAccess,
		// A user that is off cannot sign in, with or without a password. (As AuthenticationMode it would be read back as
		// no-password and differ at every update.)
		noPassword: true,
	})
	if err != nil {
		return users{}, err
	}
	application, err := d.user(userSpec{
		suffix: applicationSuffix, id: identifier, name: pulumi.String(d.args.Username),
		access: "on ~" + d.args.KeyPrefix + "* " + applicationCommands,
		mode:   &elasticache.UserAuthenticationModeArgs{Type: pulumi.String("password"), Passwords: d.passwords()},
	})
	if err != nil {
		return users{}, err
	}
	reporting, err := d.user(userSpec{
		// IAM users must be named like their id.
		suffix: reportingSuffix, id: identifier, name: pulumi.Sprintf("%s%s", identifier, reportingSuffix),
		access: "on ~* " + reportingCommands,
		mode:   &elasticache.UserAuthenticationModeArgs{Type: pulumi.String("iam")},
	})
	if err != nil {
		return users{}, err
	}
	group, err := elasticache.NewUserGroup(d.ctx, d.name, &elasticache.UserGroupArgs{
		Engine:      pulumi.String(engine),
		UserGroupId: identifier,
		UserIds:     pulumi.StringArray{nobody.UserId, application.UserId, reporting.UserId},
		Tags:        d.tags(""),
	}, d.parent)
	if err != nil {
		return users{}, fmt.Errorf("user group: %w", err)
	}
	return users{application: application, reporting: reporting, group: group}, nil
}

// userSpec is one user. Its id is id and suffix.
type userSpec struct {
	suffix, access string
	id             pulumi.StringOutput
	name           pulumi.StringInput
	mode           *elasticache.UserAuthenticationModeArgs
	noPassword     bool // instead of a mode
}

func (d *declaration) user(s userSpec) (*elasticache.User, error) {
	args := &elasticache.UserArgs{
		Engine:       pulumi.String(engine),
		UserId:       pulumi.Sprintf("%s%s", s.id, s.suffix),
		UserName:     s.name,
		AccessString: pulumi.String(s.access),
		Tags:         d.tags(s.suffix),
	}
	if s.noPassword {
		args.NoPasswordRequired = pulumi.Bool(true)
	} else {
		args.AuthenticationMode = s.mode
	}
	user, err := elasticache.NewUser(d.ctx, d.name+s.suffix, args, d.parent)
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", s.suffix[1:], err)
	}
	return user, nil
}

func (d *declaration) passwords() pulumi.StringArray {
	all := pulumi.StringArray{checkedPassword("Password", d.args.Password)}
	if d.args.PreviousPassword != nil {
		all = append(all, checkedPassword("PreviousPassword", d.args.PreviousPassword))
	}
	return all
}

// checkedPassword is the password, secret, or an error that does not quote it. Its value is not known to validate.
func checkedPassword(field string, password pulumi.StringInput) pulumi.StringOutput {
	return pulumi.ToSecret(password.ToStringOutput().ApplyT(func(p string) (string, error) {
		return p, passwordFault(field, p)
	})).(pulumi.StringOutput)
}

// passwordFault is nil for a password that ElastiCache takes. It never quotes the password.
func passwordFault(field, password string) error {
	if err := redis.Password.Check(password); err != nil {
		return fmt.Errorf("cache.%s %w", field, err)
	}
	return nil
}

// connectPolicy lets a role sign in as user. Both ARNs are needed.
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html ; read 2026-11-23.
func connectPolicy(group *elasticache.ReplicationGroup, user *elasticache.User) pulumi.StringOutput {
	return pulumi.JSONMarshal(pulumi.Map{
		"Version": pulumi.String("2012-10-17"),
		"Statement": pulumi.Array{pulumi.Map{
			"Effect":   pulumi.String("Allow"),
			"Action":   pulumi.String("elasticache:Connect"),
			"Resource": pulumi.StringArray{group.Arn, user.Arn},
		}},
	})
}
