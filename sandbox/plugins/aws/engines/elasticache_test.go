package engines

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// cacheAccount is an account with a parameter group, three users, their group and the replication group of all of them.
func cacheAccount(t *testing.T, e *Engines) (group, user inventory.Resource) {
	t.Helper()
	put(t, e, CacheParameterGroup, "cpg", object{"name": "cpg", "parameters": []any{object{"name": "maxmemory-policy", "value": "allkeys-lfu"}}})
	put(t, e, CacheUser, "rag-default", object{"userId": "rag-default", "userName": "default", "accessString": "off ~* -@all",
		"authenticationMode": object{"type": "no-password"}})
	user = put(t, e, CacheUser, "rag-app", object{"userId": "rag-app", "userName": "app", "accessString": "on ~* +@all",
		"authenticationMode": object{"type": "password"}})
	mode := user.State["authenticationMode"].ObjectValue()
	mode["passwords"] = resource.MakeSecret(resource.NewArrayProperty([]resource.PropertyValue{resource.NewStringProperty("pass")}))
	if err := e.Store.Put(user); err != nil {
		t.Fatal(err)
	}
	put(t, e, CacheUser, "rag-report", object{"userId": "rag-report", "userName": "report", "accessString": "on ~* +@read", "authenticationMode": object{"type": "iam"}})
	put(t, e, CacheUserGroup, "rag", object{"userGroupId": "rag", "userIds": []any{"rag-default", "rag-app", "rag-report"}})
	group = put(t, e, ReplicationGroup, "rag", object{
		"replicationGroupId": "rag", "engine": "redis", "engineVersion": "7.1", "nodeType": "cache.t4g.micro", "numCacheClusters": 2, "port": 6379,
		"transitEncryptionEnabled": true, "parameterGroupName": "cpg", "userGroupIds": []any{"rag"},
		"primaryEndpointAddress": "master.rag", "readerEndpointAddress": "replica.rag",
	})
	return group, user
}

func TestReplicationGroupHasItsParametersAndUsers(t *testing.T) {
	e, sandbox := setUp(t)
	group, _ := cacheAccount(t, e)
	out := apply(t, e, group)
	node, err := redis.NodeType("cache.t4g.micro")
	if err != nil {
		t.Fatal(err)
	}
	const pass = "d74ff0ee8da3b9806b18c877dbf29bbde50b5bd8e4dad7a3a725000feb82e8f1" // SHA-256 of "pass"
	want := control.Cache{
		Engine: "redis", EngineVersion: "7.1", Nodes: 2, Port: 6379, TLS: true, MemoryBytes: node.MaxMemory,
		Parameters: map[string]string{"maxmemory-policy": "allkeys-lfu"}, PrimaryHost: "master.rag", ReaderHost: "replica.rag",
		Users: []control.CacheUser{
			{Name: "default", Access: "off ~* -@all", NoPassword: true, PasswordHashes: []string{}},
			{Name: "app", Access: "on ~* +@all", PasswordHashes: []string{pass}},
			{Name: "report", Access: "on ~* +@read", PasswordHashes: []string{}},
		},
	}
	if d := cmp.Diff(want, sandbox.puts["caches/rag"]); d != "" {
		t.Error(d)
	}
	if got := props.Strings(out, "memberClusters"); len(got) != 1 || got[0] != "rag-001" || props.Str(out, "engineVersionActual") != "7.2.4" {
		t.Errorf("outputs %v", out)
	}
}

func TestWhatAReplicationGroupUsesReachesItWhenItChanges(t *testing.T) {
	for _, token := range []string{CacheParameterGroup, CacheUser, CacheUserGroup} {
		e, sandbox := setUp(t)
		cacheAccount(t, e)
		all, err := e.Store.List(token)
		if err != nil {
			t.Fatal(err)
		}
		apply(t, e, all[0])
		if d := cmp.Diff([]string{"caches/rag"}, sandbox.order); d != "" {
			t.Errorf("%s: %s", token, d)
		}
	}
}

func TestAnAuthTokenIsTheDefaultUsersPassword(t *testing.T) {
	e, sandbox := setUp(t)
	group, _ := cacheAccount(t, e)
	delete(group.State, "userGroupIds")
	group.State["authToken"] = resource.MakeSecret(resource.NewStringProperty("pass"))
	apply(t, e, group)
	got, ok := sandbox.puts["caches/rag"].(control.Cache)
	if !ok || len(got.Users) != 1 || got.Users[0].Name != "default" || len(got.Users[0].PasswordHashes) != 1 {
		t.Errorf("got %+v", sandbox.puts)
	}
}

func TestWhatTheSandboxsCachesAreNotIsRefused(t *testing.T) {
	for property, c := range map[string]struct {
		value resource.PropertyValue
		want  string
	}{
		"numNodeGroups":            {resource.NewNumberProperty(2), "the sandbox runs cluster mode disabled"},
		"globalReplicationGroupId": {resource.NewStringProperty("g"), "the sandbox has one region"},
		"transitEncryptionMode":    {resource.NewStringProperty("preferred"), "TLS only or none of it"},
		"parameterGroupName":       {resource.NewStringProperty("gone"), `with name "gone": there is none in the account`},
		"userGroupIds":             {resource.NewArrayProperty([]resource.PropertyValue{resource.NewStringProperty("gone")}), `with userGroupId "gone": there is none in the account`},
		"nodeType":                 {resource.NewStringProperty("cache.m1.small"), "nodeType: "},
	} {
		e, _ := setUp(t)
		group, _ := cacheAccount(t, e)
		group.State[resource.PropertyKey(property)] = c.value
		if _, err := e.Apply(t.Context(), group); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", property, err, c.want)
		}
	}
}

func TestRemovingAReplicationGroupEndsItsCache(t *testing.T) {
	e, sandbox := setUp(t)
	group, _ := cacheAccount(t, e)
	if err := e.Remove(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"caches/rag"}, sandbox.deletes); d != "" {
		t.Error(d)
	}
}
