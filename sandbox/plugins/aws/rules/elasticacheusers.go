package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

var cacheUserID = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*$`)

// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html ; for IAM users
// https://github.com/terraform-aws-modules/terraform-aws-elasticache/issues/65 ; read 2026-11-23.
func cacheUser(c *check) {
	c.cacheIdentity("userId")
	c.cacheAccess()
	c.conflict("passwords", "noPasswordRequired")
	c.conflict("passwords", "authenticationMode")
	c.conflict("noPasswordRequired", "authenticationMode")
	c.cachePasswords("passwords")
	c.cacheMode()
	mode := c.str("authenticationMode.type")
	if strings.EqualFold(c.str("engine"), "valkey") {
		if mode == "no-password-required" {
			c.fail("authenticationMode.type", "is no-password-required with engine valkey, want password or iam")
		}
		if c.is("noPasswordRequired", false) {
			c.fail("noPasswordRequired", "is true with engine valkey, want authenticationMode with password or iam")
		}
	}
	id, name := c.str("userId"), c.str("userName")
	if mode == "iam" && id != "" && name != "" && !strings.EqualFold(id, name) {
		c.fail("userName", "is %q with userId %q, want the same for IAM", name, id)
	}
}

// cacheMode wants passwords exactly where they are asked for.
func (c *check) cacheMode() {
	const given = "authenticationMode.passwords"
	c.oneOf("authenticationMode.type", "password", "no-password-required", "iam")
	mode := c.str("authenticationMode.type")
	switch {
	case mode == "password" && !c.has(given):
		c.fail(given, "missing, want 1 or 2 with type password")
	case mode == "password":
		c.cachePasswords(given)
	case mode != "" && c.has(given):
		c.fail(given, "is given with type %s, want none", mode)
	}
}

func (c *check) cacheIdentity(path string) {
	if id, ok := props.String(c.Inputs, path); ok && (!cacheUserID.MatchString(id) || len(id) > 40) {
		c.fail(path, "is %q, want 1 to 40 letters, digits and single hyphens, a letter first", id)
	}
	if engine, ok := props.String(c.Inputs, "engine"); ok && !slices.Contains([]string{"redis", "valkey"}, strings.ToLower(engine)) {
		c.fail("engine", "is %q, want redis or valkey", engine)
	}
}

// cacheAccess refuses what sets passwords: those are properties of their own, and ElastiCache keeps them.
func (c *check) cacheAccess() {
	access, ok := props.String(c.Inputs, "accessString")
	if ok && strings.TrimSpace(access) == "" {
		c.fail("accessString", "is empty, want what the user may do, such as: on ~app:* -@all +@read")
	}
	for _, rule := range strings.Fields(access) {
		if strings.ContainsAny(rule[:1], "><#!") || slices.Contains([]string{"reset", "nopass", "resetpass"}, strings.ToLower(rule)) {
			c.fail("accessString", "has a rule about passwords, want those in authenticationMode")
			return
		}
	}
}

func (c *check) cachePasswords(path string) {
	all := c.list(path)
	if len(all) > redis.MostPasswords {
		c.fail(path, "has %d, want 1 or %d", len(all), redis.MostPasswords)
	}
	for i := range all {
		at := fmt.Sprintf("%s.%d", path, i)
		if p, ok := props.String(c.Inputs, at); ok {
			if err := redis.Password.Check(p); err != nil {
				c.fail(at, "%v", err)
			}
		}
	}
}

// cacheUserGroup wants exactly one user of each name, one of them "default" (DefaultUserRequired,
// https://github.com/hashicorp/terraform-provider-aws/issues/25593 ; read 2026-11-23). It says nothing while a user is
// not known yet.
func cacheUserGroup(c *check) {
	c.cacheIdentity("userGroupId")
	ids := props.Strings(c.Inputs, "userIds")
	if c.unknown("userIds") || len(ids) < len(c.list("userIds")) {
		return
	}
	idOfName := map[string]string{}
	for _, id := range ids {
		name, ok := c.cacheUserName(id)
		if !ok {
			return
		}
		if other := idOfName[name]; other != "" {
			c.fail("userIds", "has %s and %s, both with user name %s, want one of each name", other, id, name)
		}
		idOfName[name] = id
	}
	if idOfName["default"] == "" {
		c.fail("userIds", `has no user with the name "default", want one (DefaultUserRequired)`)
	}
}

// cacheUserName is the name of a user of the account. The one that AWS makes is named like its id.
func (c *check) cacheUserName(id string) (name string, ok bool) {
	if id == "default" {
		return id, true
	}
	for _, user := range c.others(tokenCacheUser) {
		if strings.EqualFold(props.Str(user.State, "userId"), id) {
			return props.Str(user.State, "userName"), true
		}
	}
	return "", false
}
