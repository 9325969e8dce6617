package redis

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ragscale/ragscale/sandbox/control"
)

// directives are lines of the engine's configuration, by name.
type directives map[string]string

// Parameters of ElastiCache that the engine does not know by that name.
const (
	reservedPercent = "reserved-memory-percent"
	reservedBytes   = "reserved-memory"
	clusterEnabled  = "cluster-enabled"
	renameCommands  = "rename-commands"
	// closeOnWrite has ElastiCache end a client that writes to a replica; here it gets the engine's READONLY error.
	closeOnWrite = "close-on-replica-write"
	// defragment wants a memory allocator that Debian's engine is built without: it is recorded.
	defragment   = "activedefrag"
	bufferLimits = "client-output-buffer-limit"
)

// managed are directives that ElastiCache sets itself and refuses to change.
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html ; read 2026-11-24.
var managed = []string{
	"activerehashing", "appendfsync", "appendonly", "bind", "dir", "lua-time-limit", "maxclients", "maxmemory", "port", "rename-command",
	"repl-timeout", "replica-allow-chaining", "replicaof", "requirepass", "save", "tls-port", "unixsocket", bufferLimits,
}

// static are directives that the engine reads only when it starts.
var static = []string{"bind", "bind-source-addr", "databases", "port", "rename-command", "replicaof", "tls-port", "unixsocket"}

// elasticacheDefaults are defaults of family redis7 that differ from the engine's own. latency-tracking's is MemoryDB's,
// whose table gives it; to settle: `aws elasticache describe-cache-parameters --cache-parameter-group-name default.redis7`.
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html ; read 2026-11-24.
var elasticacheDefaults = directives{
	"acl-pubsub-default": "allchannels", "latency-tracking": "no", "maxmemory-policy": "volatile-lru",
	"lazyfree-lazy-eviction": "no", "lazyfree-lazy-expire": "no", "lazyfree-lazy-server-del": "no", "lazyfree-lazy-user-del": "no",
	"repl-backlog-size": "1048576",
}

// bufferDefaults are the hard limit (B), soft limit (B) and soft seconds of ElastiCache's client-output-buffer-limit-*.
var bufferDefaults = map[string][3]string{"normal": {"0", "0", "0"}, "pubsub": {"33554432", "8388608", "60"}}

const reservedPercentDefault = 25

// bufferParameters are the names of a client class's three parameters.
func bufferParameters(class string) [3]string {
	at := bufferLimits + "-" + class + "-"
	return [3]string{at + "hard-limit", at + "soft-limit", at + "soft-seconds"}
}

// checkSpec reports what can be told about spec without the engine, all faults at once.
func checkSpec(spec control.Cache, addresses int) error {
	faults := append(checkShape(spec, addresses), checkUsers(spec.Users)...)
	for _, name := range slices.Sorted(maps.Keys(spec.Parameters)) {
		if err := checkParameter(name, spec.Parameters[name]); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

func checkShape(spec control.Cache, addresses int) []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if spec.Engine != "redis" && spec.Engine != "valkey" {
		fault("engine is %q, want redis or valkey", spec.Engine)
	}
	if !strings.HasPrefix(spec.EngineVersion, "7.") {
		fault("engineVersion is %q, want 7.x: the sandbox runs an engine of that line", spec.EngineVersion)
	}
	if spec.Nodes < 1 || spec.Nodes > 6 || spec.Nodes != addresses { // a primary and at most 5 replicas, as ElastiCache has it
		fault("nodes is %d with %d addresses, want 1 to 6 and an address each", spec.Nodes, addresses)
	}
	if spec.Port < 1024 || spec.Port > 65535 {
		fault("port is %d, want 1024 to 65535", spec.Port)
	}
	if spec.MemoryBytes <= 0 {
		fault("memoryBytes is %d, want the node type's maxmemory", spec.MemoryBytes)
	}
	return faults
}

// taken are the values of the parameters that the engine does not judge, since it does not know them.
var taken = map[string]struct {
	ok   func(value string) bool
	want string
}{
	reservedPercent: {func(v string) bool { return isNumber(v, 100) }, "0 to 100 (percent)"},
	reservedBytes:   {func(v string) bool { return isNumber(v, mostBytes) }, "a whole number of bytes"},
	clusterEnabled:  {func(v string) bool { return v == "no" }, "no: the sandbox runs cluster mode disabled"},
	closeOnWrite:    {isYesNo, "yes or no"},
	defragment:      {isYesNo, "yes or no"},
	renameCommands:  {func(v string) bool { return len(strings.Fields(v))%2 == 0 }, "pairs of a command and its new name"},
}

// checkParameter judges what the engine cannot: names that are ElastiCache's, and lines that would become two.
func checkParameter(name, value string) error {
	rule, ours := taken[name]
	switch {
	case slices.Contains(managed, name):
		return fmt.Errorf("parameter %s: ElastiCache sets it and does not let it be changed", name)
	case strings.ContainsAny(value, "\n\r\x00"):
		return fmt.Errorf("parameter %s is %q, want one line", name, value)
	case ours && !rule.ok(value):
		return fmt.Errorf("parameter %s is %q, want %s", name, value, rule.want)
	case strings.HasPrefix(name, bufferLimits+"-"):
		return checkBuffer(name, value)
	}
	return nil
}

func checkBuffer(name, value string) error {
	for class := range bufferDefaults {
		for _, known := range bufferParameters(class) {
			if name == known && !isNumber(value, mostBytes) {
				return fmt.Errorf("parameter %s is %q, want a whole number of bytes or seconds", name, value)
			}
			if name == known {
				return nil
			}
		}
	}
	return fmt.Errorf("parameter %s: ElastiCache has no such parameter", name)
}

// mostBytes is more than any node has.
const mostBytes = 1 << 50

func isYesNo(value string) bool { return value == "yes" || value == "no" }

func isNumber(text string, most uint64) bool {
	n, err := strconv.ParseUint(text, 10, 64)
	return err == nil && n <= most
}

// settings translates a parameter group to directives. What is not declared has ElastiCache's default, where that is
// another than the engine's.
func settings(spec control.Cache) directives {
	out := maps.Clone(elasticacheDefaults)
	for name, value := range spec.Parameters {
		if _, ours := taken[name]; !ours && !strings.HasPrefix(name, bufferLimits) {
			out[name] = value
		}
	}
	if renamed := spec.Parameters[renameCommands]; renamed != "" {
		out["rename-command"] = renamed
	}
	out["maxmemory"] = strconv.FormatInt(maxMemory(spec), 10)
	out[bufferLimits] = buffers(spec.Parameters)
	return out
}

// maxMemory is what data may use of a node's memory, in bytes. reserved-memory goes before reserved-memory-percent.
func maxMemory(spec control.Cache) int64 {
	if reserved, err := strconv.ParseInt(spec.Parameters[reservedBytes], 10, 64); err == nil && reserved > 0 {
		return max(spec.MemoryBytes-reserved, 0)
	}
	percent := int64(reservedPercentDefault)
	if n, err := strconv.ParseInt(spec.Parameters[reservedPercent], 10, 64); err == nil {
		percent = n
	}
	return spec.MemoryBytes * (100 - percent) / 100
}

func buffers(parameters map[string]string) string {
	var out []string
	for _, class := range slices.Sorted(maps.Keys(bufferDefaults)) {
		out = append(out, class)
		for i, name := range bufferParameters(class) {
			value, ok := parameters[name]
			if !ok {
				value = bufferDefaults[class][i]
			}
			out = append(out, value)
		}
	}
	return strings.Join(out, " ")
}

// render writes the directives as a configuration. Values with several words stand for several arguments of a
// directive, but for those that the engine takes as one.
func render(d directives) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(d)) {
		value := d[name]
		switch name {
		case "rename-command":
			words := strings.Fields(value)
			for i := 0; i+1 < len(words); i += 2 {
				fmt.Fprintf(&b, "rename-command %s %s\n", words[i], words[i+1])
			}
		case "replicaof", bufferLimits:
			fmt.Fprintf(&b, "%s %s\n", name, value)
		default:
			fmt.Fprintf(&b, "%s %s\n", name, quote(value))
		}
	}
	return b.String()
}

// quote makes one argument of s in a configuration line.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// difference is what must be set to go from have to want; what is wanted no more goes back to the engine's default.
func difference(want, have, defaults directives) directives {
	out := directives{}
	for name, value := range want {
		if old, ok := have[name]; !ok || old != value {
			out[name] = value
		}
	}
	for name := range have {
		if _, ok := want[name]; !ok {
			out[name] = defaults[name]
		}
	}
	return out
}

// restarts says whether going from have to want changes a static directive.
func restarts(want, have directives) bool {
	for _, name := range static {
		if want[name] != have[name] {
			return true
		}
	}
	return false
}
