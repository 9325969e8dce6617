package redis

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/control"
)

const (
	adminUser   = "sandbox-admin" // the sandbox's own; replicas log in at their primary with it
	defaultUser = "default"       // what a client is that names no user
)

// restricted are the commands that no client of ElastiCache has, here taken out of every user's access: those of its
// list; what would change users or modules, as MemoryDB's list has it; and what the engine has and Redis 7.1 has not.
// Sources: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ClientConfig.RestrictedCommands.html and
// https://docs.aws.amazon.com/memorydb/latest/devguide/restrictedcommands.html ; read 2026-11-24.
var restricted = []string{
	"-bgrewriteaof", "-bgsave", "-config", "-debug", "-migrate", "-replicaof", "-save", "-slaveof", "-shutdown", "-sync",
	"-acl|deluser", "-acl|load", "-acl|save", "-acl|setuser", "-failover", "-module", "-psync",
	"-client|capa", "-client|import-source", "-cluster|slot-stats", "-commandlog", "-script|show",
}

var (
	userName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`)
	hashRule = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// checkUsers reports what can be told about the users without the engine.
func checkUsers(users []control.CacheUser) []error {
	var faults []error
	seen := map[string]bool{}
	for _, u := range users {
		for _, fault := range checkUser(u) {
			faults = append(faults, fmt.Errorf("user %s: %w", u.Name, fault))
		}
		if seen[u.Name] {
			faults = append(faults, fmt.Errorf("user %s: is there twice, want each name once in a user group", u.Name))
		}
		seen[u.Name] = true
	}
	if len(users) > 0 && !seen[defaultUser] {
		faults = append(faults, fmt.Errorf("users: want one named %s among them, as every user group has", defaultUser))
	}
	return faults
}

func checkUser(u control.CacheUser) []error {
	var faults []error
	if !userName.MatchString(u.Name) || u.Name == adminUser {
		faults = append(faults, fmt.Errorf("want a name of letters, digits, dots, hyphens and underscores other than %s", adminUser))
	}
	for _, word := range strings.Fields(u.Access) {
		if strings.ContainsAny(word[:1], "><#!") || slices.Contains([]string{"nopass", "resetpass", "reset"}, strings.ToLower(word)) {
			faults = append(faults, fmt.Errorf("the access string says %q, want rules about keys, channels and commands only", word))
		}
	}
	for _, h := range u.PasswordHashes {
		if !hashRule.MatchString(h) {
			faults = append(faults, errors.New("a password's hash is no SHA-256 in hexadecimal"))
		}
	}
	return faults
}

// rules are the engine's rules for each user, by name. Without users there is one, for everybody.
func rules(users []control.CacheUser) map[string][]string {
	if len(users) == 0 {
		users = []control.CacheUser{{Name: defaultUser, Access: "on ~* &* +@all", NoPassword: true}}
	}
	out := map[string][]string{}
	for _, u := range users {
		list := append([]string{"reset"}, strings.Fields(u.Access)...)
		if u.NoPassword {
			list = append(list, "nopass")
		}
		for _, h := range u.PasswordHashes {
			list = append(list, "#"+h)
		}
		out[u.Name] = append(list, restricted...)
	}
	return out
}
