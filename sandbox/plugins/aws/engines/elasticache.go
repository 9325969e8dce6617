package engines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

func applyReplicationGroup(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	e.caches.Lock()
	defer e.caches.Unlock()
	return e.putCache(ctx, r)
}

// putCache sends a replication group with its parameters and users as the account has them now.
func (e *Engines) putCache(ctx context.Context, r inventory.Resource) (resource.PropertyMap, error) {
	in, err := e.cache(r)
	if err != nil {
		return nil, err
	}
	var info control.CacheInfo
	if err := e.Sandbox.Put(ctx, control.KindCache, props.Str(r.State, "replicationGroupId"), in, &info); err != nil {
		return nil, err
	}
	members := make([]resource.PropertyValue, len(info.Members))
	for i, m := range info.Members {
		members[i] = resource.NewStringProperty(m)
	}
	return resource.PropertyMap{
		"memberClusters":      resource.NewArrayProperty(members),
		"engineVersionActual": resource.NewStringProperty(info.EngineVersion),
	}, nil
}

func (e *Engines) cache(r inventory.Resource) (control.Cache, error) {
	if err := cacheShape(r.State); err != nil {
		return control.Cache{}, err
	}
	node, err := redis.NodeType(props.Str(r.State, "nodeType"))
	if err != nil {
		return control.Cache{}, fmt.Errorf("nodeType: %w", err)
	}
	in := control.Cache{
		Engine: props.Str(r.State, "engine"), EngineVersion: props.Str(r.State, "engineVersion"),
		Nodes: cacheNodes(r.State), Port: props.Int(r.State, "port", 6379), TLS: props.Bool(r.State, "transitEncryptionEnabled", false),
		MemoryBytes: node.MaxMemory, PrimaryHost: props.Str(r.State, "primaryEndpointAddress"), ReaderHost: props.Str(r.State, "readerEndpointAddress"),
	}
	if in.Parameters, err = e.cacheParameters(props.Str(r.State, "parameterGroupName")); err != nil {
		return control.Cache{}, err
	}
	in.Users, err = e.cacheUsers(r.State)
	return in, err
}

// cacheShape refuses what the sandbox does not run.
func cacheShape(state resource.PropertyMap) error {
	switch {
	case props.Int(state, "numNodeGroups", 1) > 1 || props.Str(state, "clusterMode") == "enabled":
		return errors.New("numNodeGroups, clusterMode: the sandbox runs cluster mode disabled")
	case props.Has(state, "globalReplicationGroupId"):
		return errors.New("globalReplicationGroupId: the sandbox has one region")
	case props.Bool(state, "transitEncryptionEnabled", false) && props.Str(state, "transitEncryptionMode") == "preferred":
		return errors.New(`transitEncryptionMode is "preferred", the sandbox's caches take TLS only or none of it`)
	}
	return nil
}

// cacheNodes counts the primary and its replicas.
func cacheNodes(state resource.PropertyMap) int {
	if n := props.Int(state, "numCacheClusters", 0); n > 0 {
		return n
	}
	return 1 + props.Int(state, "replicasPerNodeGroup", 0)
}

// cacheParameters are the values of a parameter group; ElastiCache's own ("default.redis7") have none of their own.
func (e *Engines) cacheParameters(group string) (map[string]string, error) {
	out := map[string]string{}
	if group == "" || strings.HasPrefix(group, "default.") {
		return out, nil
	}
	r, err := e.find(CacheParameterGroup, "name", group)
	if err != nil {
		return nil, fmt.Errorf("parameterGroupName: %w", err)
	}
	for _, p := range props.Objects(r.State, "parameters") {
		out[props.Str(p, "name")] = props.Str(p, "value")
	}
	return out, nil
}

// cacheUsers are the users of the group's user group, or the one that an AUTH token stands for, or none.
func (e *Engines) cacheUsers(state resource.PropertyMap) ([]control.CacheUser, error) {
	if token := props.Str(state, "authToken"); token != "" {
		return []control.CacheUser{{Name: "default", Access: "on ~* &* +@all", PasswordHashes: []string{passwordHash(token)}}}, nil
	}
	groups := props.Strings(state, "userGroupIds")
	if len(groups) == 0 {
		return nil, nil
	}
	group, err := e.find(CacheUserGroup, "userGroupId", groups[0])
	if err != nil {
		return nil, fmt.Errorf("userGroupIds: %w", err)
	}
	var out []control.CacheUser
	for _, id := range props.Strings(group.State, "userIds") {
		u, err := e.find(CacheUser, "userId", id)
		if err != nil {
			return nil, fmt.Errorf("user group %s: %w", groups[0], err)
		}
		out = append(out, cacheUser(u.State))
	}
	return out, nil
}

// cacheUser keeps no password: only what the engine compares one with.
func cacheUser(state resource.PropertyMap) control.CacheUser {
	u := control.CacheUser{Name: props.Str(state, "userName"), Access: props.Str(state, "accessString"), PasswordHashes: []string{}}
	u.NoPassword = props.Bool(state, "noPasswordRequired", false) || props.Str(state, "authenticationMode.type") == "no-password" // as AWS answers
	for _, p := range append(props.Strings(state, "passwords"), props.Strings(state, "authenticationMode.passwords")...) {
		u.PasswordHashes = append(u.PasswordHashes, passwordHash(p))
	}
	return u
}

func passwordHash(password string) string {
	h := sha256.Sum256([]byte(password))
	return hex.EncodeToString(h[:])
}

// applyCacheParameterGroup, applyCacheUser and applyCacheUserGroup carry a change to the replication groups it concerns.
func applyCacheParameterGroup(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	return nil, e.refreshCaches(ctx, func(group resource.PropertyMap) bool {
		return props.Str(group, "parameterGroupName") == props.Str(r.State, "name")
	})
}

func applyCacheUserGroup(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	return nil, e.refreshCaches(ctx, usersOf(props.Str(r.State, "userGroupId")))
}

func applyCacheUser(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	groups, err := e.Store.List(CacheUserGroup)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		if !slices.Contains(props.Strings(g.State, "userIds"), props.Str(r.State, "userId")) {
			continue
		}
		if err := e.refreshCaches(ctx, usersOf(props.Str(g.State, "userGroupId"))); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// usersOf says whether a replication group has the users of a user group.
func usersOf(userGroup string) func(resource.PropertyMap) bool {
	return func(group resource.PropertyMap) bool {
		return slices.Contains(props.Strings(group, "userGroupIds"), userGroup)
	}
}

func (e *Engines) refreshCaches(ctx context.Context, concerned func(group resource.PropertyMap) bool) error {
	e.caches.Lock()
	defer e.caches.Unlock()
	groups, err := e.Store.List(ReplicationGroup)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if g.Status != inventory.Ready || !concerned(g.State) {
			continue
		}
		if _, err := e.putCache(ctx, g); err != nil {
			return fmt.Errorf("replication group %s: %w", props.Str(g.State, "replicationGroupId"), err)
		}
	}
	return nil
}
