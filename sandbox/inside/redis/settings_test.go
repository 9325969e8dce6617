package redis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/sandbox/control"
)

const (
	testMemory = 536870912                                                          // cache.t4g.micro
	passHash   = "d74ff0ee8da3b9806b18c877dbf29bbde50b5bd8e4dad7a3a725000feb82e8f1" // "pass"
)

func spec(parameters map[string]string) control.Cache {
	return control.Cache{
		Engine: "redis", EngineVersion: "7.1", Nodes: 1, Port: 6379, TLS: true, Parameters: parameters, MemoryBytes: testMemory,
		Users: []control.CacheUser{
			{Name: "default", Access: "off -@all"},
			{Name: "app", Access: "on ~* &* +@all", PasswordHashes: []string{passHash}},
			{Name: "report", Access: "on ~* +@read"},
		},
		PrimaryHost: "master.rag.abc.eu-central-1.cache.amazonaws.com", ReaderHost: "replica.rag.abc.eu-central-1.cache.amazonaws.com",
	}
}

func TestASpecThatElastiCacheWouldTakeIsTaken(t *testing.T) {
	err := checkSpec(spec(map[string]string{
		"maxmemory-policy": "allkeys-lfu", "client-output-buffer-limit-normal-hard-limit": "1048576", "reserved-memory-percent": "30",
		"activedefrag": "yes", "cluster-enabled": "no", "rename-commands": "KEYS blocked",
	}), 1)
	if err != nil {
		t.Error(err)
	}
}

func TestFaultsOfASpecAreNamed(t *testing.T) {
	parameter := func(name, value string) func(*control.Cache) {
		return func(s *control.Cache) { s.Parameters = map[string]string{name: value} }
	}
	user := func(u control.CacheUser) func(*control.Cache) {
		return func(s *control.Cache) { s.Users = append(s.Users, u) }
	}
	for want, change := range map[string]func(*control.Cache){
		`engine is "memcached", want redis or valkey`:                                                   func(s *control.Cache) { s.Engine = "memcached" },
		`engineVersion is "6.2", want 7.x: the sandbox runs an engine of that line`:                     func(s *control.Cache) { s.EngineVersion = "6.2" },
		`nodes is 7 with 1 addresses, want 1 to 6 and an address each`:                                  func(s *control.Cache) { s.Nodes = 7 },
		`port is 80, want 1024 to 65535`:                                                                func(s *control.Cache) { s.Port = 80 },
		`memoryBytes is 0, want the node type's maxmemory`:                                              func(s *control.Cache) { s.MemoryBytes = 0 },
		`parameter maxmemory: ElastiCache sets it and does not let it be changed`:                       parameter("maxmemory", "1"),
		`parameter client-output-buffer-limit: ElastiCache sets it and does not let it be changed`:      parameter(bufferLimits, "normal 0 0 0"),
		`parameter client-output-buffer-limit-slave-hard-limit: ElastiCache has no such parameter`:      parameter("client-output-buffer-limit-slave-hard-limit", "0"),
		`parameter client-output-buffer-limit-normal-hard-limit is "1mb", want a whole number of bytes`: parameter("client-output-buffer-limit-normal-hard-limit", "1mb"),
		`parameter reserved-memory-percent is "101", want 0 to 100 (percent)`:                           parameter("reserved-memory-percent", "101"),
		`parameter cluster-enabled is "yes", want no: the sandbox runs cluster mode disabled`:           parameter("cluster-enabled", "yes"),
		`parameter activedefrag is "on", want yes or no`:                                                parameter("activedefrag", "on"),
		`parameter rename-commands is "KEYS", want pairs of a command and its new name`:                 parameter("rename-commands", "KEYS"),
		`parameter timeout is "0\nport 1", want one line`:                                               parameter("timeout", "0\nport 1"),
		`user x: the access string says ">secret", want rules about keys, channels and commands only`:   user(control.CacheUser{Name: "x", Access: "on >secret"}),
		`user x: the access string says "nopass", want rules about keys, channels and commands only`:    user(control.CacheUser{Name: "x", Access: "on nopass"}),
		`user app: is there twice, want each name once in a user group`:                                 user(control.CacheUser{Name: "app"}),
		`user sandbox-admin: want a name of letters, digits, dots, hyphens and underscores other than`:  user(control.CacheUser{Name: adminUser}),
		`user x: a password's hash is no SHA-256 in hexadecimal`:                                        user(control.CacheUser{Name: "x", PasswordHashes: []string{"secret"}}),
		`users: want one named default among them, as every user group has`:                             func(s *control.Cache) { s.Users = s.Users[1:] },
	} {
		s := spec(nil)
		change(&s)
		if err := checkSpec(s, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	s := spec(map[string]string{"maxclients": "1", "cluster-enabled": "yes"})
	s.Port = 1
	err := checkSpec(s, 1)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want 3 lines", err)
	}
}

func TestParametersBecomeDirectives(t *testing.T) {
	got := settings(spec(map[string]string{
		"maxmemory-policy": "allkeys-lru", "client-output-buffer-limit-pubsub-hard-limit": "67108864", "rename-commands": "KEYS blocked FLUSHALL gone",
		"close-on-replica-write": "yes", "activedefrag": "yes", "cluster-enabled": "no",
	}))
	want := directives{
		"acl-pubsub-default": "allchannels", "latency-tracking": "no", "maxmemory-policy": "allkeys-lru",
		"lazyfree-lazy-eviction": "no", "lazyfree-lazy-expire": "no", "lazyfree-lazy-server-del": "no", "lazyfree-lazy-user-del": "no",
		"repl-backlog-size": "1048576", "rename-command": "KEYS blocked FLUSHALL gone", "maxmemory": "402653184",
		"client-output-buffer-limit": "normal 0 0 0 pubsub 67108864 8388608 60",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReservedMemoryIsNotForData(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        int64
	}{
		{"", "", testMemory * 3 / 4}, {reservedPercent, "50", testMemory / 2}, {reservedPercent, "0", testMemory},
		{reservedBytes, "1048576", testMemory - 1048576}, {reservedBytes, "0", testMemory * 3 / 4},
	} {
		if got := maxMemory(spec(map[string]string{c.name: c.value})); got != c.want {
			t.Errorf("%s=%s: got %d, want %d", c.name, c.value, got, c.want)
		}
	}
}

func TestARemovedParameterGoesBackToTheEnginesDefault(t *testing.T) {
	got := difference(directives{"a": "1"}, directives{"a": "1", "timeout": "60"}, directives{"timeout": "0"})
	if d := cmp.Diff(directives{"timeout": "0"}, got); d != "" {
		t.Error(d)
	}
}

func TestAValueStaysOneArgument(t *testing.T) {
	if got, want := render(directives{"notify-keyspace-events": ""}), "notify-keyspace-events \"\"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := render(directives{"x": `a" b\`}), "x \"a\\\" b\\\\\"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNobodyGetsARestrictedCommand(t *testing.T) {
	for name, list := range rules(nil) {
		if last := list[len(list)-len(restricted):]; !cmp.Equal(last, restricted) || name != defaultUser {
			t.Errorf("%s ends with %v", name, last)
		}
	}
}
