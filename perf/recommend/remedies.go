package recommend

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ragscale/ragscale/catalogue/price"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/stacks"
)

// variant is one size of a change.
type variant struct {
	edits []Edit
	says  string
	times float64 // how many times the capacity of what binds becomes
	risk  string
	// holds tells whether the changed configuration gives what was meant, where that is derived; nil for always.
	holds func(*stacks.Config) bool
}

// remedy is what mends a cause: ways, each with variants of which the first that may be is taken, and what is to be
// done by hand, which is all there is for some.
type remedy struct {
	ways   []func(*maker) []variant
	byHand string
}

type way = func(*maker) []variant

// remedies are those of perf/diagnose's causes.
var remedies = map[string]remedy{
	"generator": {ways: []way{moreGenerators}},
	"slow-pod": {byHand: "delete the pod that is slow; where the next one on its node is slow too, drain the " +
		"node"},
	"unschedulable":    {ways: []way{moreNodes}},
	"replicas-lacking": {byHand: "see why pods do not get ready: their events and /readyz; no key makes them"},
	"hpa-maximum":      {ways: []way{morePods}},
	"cpu-limit":        {ways: []way{higherCPULimit, morePods}},
	"nodes":            {ways: []way{moreNodes}},
	"garbage":          {ways: []way{moreMemory}, byHand: "what allocates: a profile of the pods' allocations tells"},
	"api-memory":       {ways: []way{moreMemory}},
	"api-pool":         {ways: []way{largerPools(podConnections), moreLeastPods}},
	"pgbouncer-pool":   {ways: []way{largerPools(serverConnections)}},
	"max-connections":  {ways: []way{moreConnections, largerDatabase}},
	"database-cpu":     {ways: []way{largerDatabase, moreReplicas}, byHand: "`ragscale db report` names statements and missing indexes: mend them first, it costs nothing"},
	"database-locks":   {byHand: "`ragscale db report` and log_lock_waits name who holds the lock: no key does"},
	"database-spill":   {ways: []way{moreWorkMem, largerDatabase}},
	"database-reads":   {ways: []way{buffersAsDerived, largerDatabase}},
	"database-writes":  {ways: []way{moreWAL}},
	"database-path": {byHand: "the way from PgBouncer to the database: zones, the network, transactions that idle " +
		"between statements"},
	"database-slow": {ways: []way{insightsOn}, byHand: "`ragscale db report` names statements; with insights on, the next run names the wait"},
	"replica-gone":  {byHand: "bring the replica back; until then the primary answers its reads"},
	"cache-full":    {ways: []way{largerCache}},
	"cache-cold": {byHand: "change nothing: it filled while the load lasted. Warm it before a run that is to be " +
		"compared"},
	"cache-gone": {byHand: "bring the cache back: the API takes it up by itself"},
	"cache-cpu": {byHand: "find the key or command that takes its thread: the slow log and hot keys; a larger " +
		"node has no faster thread"},
	"cache-slow": {byHand: "the way from the pods to the cache: zones, the network"},
	"vectors":    {ways: []way{moreChroma}},
	"vectors-gone": {byHand: "see whether Chroma's pod or volume is gone, or it answers too late, as while it " +
		"compacts what came in: then more of vectorStore.requests.cpu"},
	"outside": {byHand: "the load balancer, its targets, and the network before it"},
	"workers": {ways: []way{moreWorkers}},
}

// twice as much first, then less, where twice may not be.
var factors = []float64{2, 1.5, 1.25}

func number(n int) string { return strconv.Itoa(n) }

// times of a whole number, always more.
func times(n int, factor float64) int { return max(n+1, int(math.Ceil(float64(n)*factor))) }

func whole(key string, was, to int) Edit { return Edit{key, number(was), number(to)} }

func morePods(m *maker) (all []variant) {
	hpa := m.cfg.SLO.HPA
	for _, factor := range factors {
		to := times(hpa.MaxReplicas, factor)
		grown := float64(to) / float64(hpa.MaxReplicas)
		pods := []Edit{whole("slo.hpa.maxReplicas", hpa.MaxReplicas, to)}
		says := fmt.Sprintf("let the autoscaler go to %d pods of the API", to)
		risk := "pools of each pod become smaller, and the database may get more connections: both follow from the key"
		all = append(all, variant{edits: pods, says: says, times: grown, risk: risk})
		all = append(all, variant{edits: append(slices.Clone(pods), m.nodes(factor)...),
			says:  says + ", and more nodes for them",
			times: grown, risk: risk})
	}
	return all
}

func moreLeastPods(m *maker) (all []variant) {
	hpa := m.cfg.SLO.HPA
	for _, factor := range factors {
		to := min(hpa.MaxReplicas, times(hpa.MinReplicas, factor))
		if to <= hpa.MinReplicas {
			return nil
		}
		all = append(all, variant{
			edits: []Edit{whole("slo.hpa.minReplicas", hpa.MinReplicas, to)},
			says:  fmt.Sprintf("keep %d pods of the API, each with its pool: the autoscaler sees processors alone", to),
			times: float64(to) / float64(hpa.MinReplicas), risk: "pods that idle at night",
		})
	}
	return all
}

// nodes are more nodes for the API's pods. Where a file names no group, naming one would be to declare no other: all
// are named then, with their defaults.
func (m *maker) nodes(factor float64) []Edit {
	most := m.cfg.Cluster.NodeGroups["api"].Max
	edits := []Edit{whole("cluster.nodeGroups.api.max", most, times(most, factor))}
	if strings.Contains(m.values[namespace+"cluster"], `"nodeGroups"`) {
		return edits
	}
	for _, name := range m.cfg.NodeGroupNames() {
		if name != "api" {
			edits = append(edits, Edit{"cluster.nodeGroups." + name, "its default", "{}"})
		}
	}
	return edits
}

func moreNodes(m *maker) (all []variant) {
	for _, factor := range factors {
		most := m.cfg.Cluster.NodeGroups["api"].Max
		to := times(most, factor)
		all = append(all, variant{edits: m.nodes(factor), says: fmt.Sprintf("let the group api go to %d nodes", to),
			times: float64(to) / float64(most), risk: "none beside the bill: nodes come when pods find no place"})
	}
	return all
}

func higherCPULimit(m *maker) (all []variant) {
	was := m.cfg.API.Limits.CPU
	for _, factor := range factors {
		to := stacks.CPU(float64(was) * factor)
		all = append(all, variant{edits: []Edit{{"api.limits.cpu", was.String(), quoted(to.String())}},
			says: fmt.Sprintf("let a pod of the API take %s of a processor", to), times: factor,
			risk: "pods of one node take from each other what they do not request"})
	}
	return all
}

// quoted keeps a quantity such as 2 a text.
func quoted(s string) string {
	if _, err := strconv.Atoi(s); err == nil {
		return `"` + s + `"`
	}
	return s
}

func moreMemory(m *maker) (all []variant) {
	was := m.cfg.API.Limits.Memory
	for _, factor := range factors {
		to := stacks.Memory(float64(was)*factor) / (1 << 20) * (1 << 20)
		all = append(all, variant{edits: []Edit{{"api.limits.memory", was.String(), to.String()}},
			says: fmt.Sprintf("give pods of the API %s: the runtime's own limit (GOMEMLIMIT) is made of it", to), times: factor,
			risk: "nodes whose pods all use it run out; requests stay as they are"})
	}
	return all
}

// podConnections and serverConnections are what a pod of the API and one of PgBouncer may hold.
func podConnections(p stacks.PoolChain) int    { return p.API.Write + p.API.Read }
func serverConnections(p stacks.PoolChain) int { return p.PgBouncer.Write + p.PgBouncer.Read }

// poolFactor is the least growth of a pool that is worth a change: half as many connections more.
const poolFactor = 1.5

// largerPools asks for more throughput, from which all pools of the chain follow, until those of a link have grown.
func largerPools(of func(stacks.PoolChain) int) way {
	return func(m *maker) (all []variant) {
		was := m.cfg.SLO.ThroughputRPS
		for _, factor := range []float64{1.5, 2, 3, 4, 6, 8, 12} {
			to := math.Ceil(was * factor)
			grown := m.grown(to, of)
			all = append(all, variant{
				edits: []Edit{{"slo.throughputRPS", number(int(was)), number(int(to))}},
				says: fmt.Sprintf("state the throughput that the pools are made for: %.0f requests/s give them %.3g times the "+
					"connections",
					to, grown),
				times: grown, risk: "more connections at the database, and the alarm on throughput moves with the objective",
				holds: func(*stacks.Config) bool { return grown >= poolFactor },
			})
		}
		return all
	}
}

// grown is how many times a link's pools become with another throughput.
func (m *maker) grown(rps float64, of func(stacks.PoolChain) int) float64 {
	other := m.cfg.SLO
	other.ThroughputRPS = rps
	return float64(of(stacks.Pools(other, m.cfg.API, m.cfg.PgBouncer, m.cfg.Database))) / float64(of(m.cfg.Pools()))
}

func moreConnections(m *maker) []variant {
	said, is := m.cfg.Database.Parameters["max_connections"]
	if !is {
		return nil // it is derived of what the pools may ask for
	}
	was, err := strconv.Atoi(said)
	if err != nil {
		return nil
	}
	var all []variant
	for _, factor := range factors {
		to := times(was, factor)
		all = append(all, parameter("max_connections", said, number(to), float64(to)/float64(was),
			"each connection takes memory; a restart", "let the database take "+number(to)+" connections"))
	}
	return all
}

// parameter changes one of the database's.
func parameter(name, was, to string, factor float64, risk, says string) variant {
	return variant{edits: []Edit{{"database.parameters." + name, was, `"` + to + `"`}}, says: says, times: factor, risk: risk}
}

// largerDatabase is the next classes of the same family, the smallest first.
func largerDatabase(m *maker) (all []variant) {
	was, err := rds.Lookup(m.cfg.Database.InstanceClass)
	if err != nil {
		return nil
	}
	family := was.Name[:strings.LastIndex(was.Name, ".")+1]
	var larger []rds.Class
	for _, name := range rds.Names() {
		if c, err := rds.Lookup(name); err == nil && strings.HasPrefix(name, family) && c.MemoryBytes > was.MemoryBytes {
			larger = append(larger, c)
		}
	}
	slices.SortFunc(larger, func(a, b rds.Class) int { return int((a.MemoryBytes - b.MemoryBytes) >> 20) })
	for _, c := range larger {
		factor := math.Max(float64(c.VCPU)/float64(was.VCPU), float64(c.MemoryBytes)/float64(was.MemoryBytes))
		all = append(all, variant{edits: []Edit{{"database.instanceClass", was.Name, c.Name}}, times: factor,
			says: fmt.Sprintf("a database of %d vCPU and %d GiB", c.VCPU, c.MemoryBytes>>30),
			risk: "the instance changes in its maintenance window or at once, and is away for minutes: a standby shortens it"})
	}
	return all
}

// moreReplicas helps where reads are what is too much: a replica is the busiest, or the primary answers them.
func moreReplicas(m *maker) []variant {
	was := m.cfg.Database.Replicas
	if was > 0 && !m.replicaIsBusiest() {
		return nil
	}
	was = max(1, was)
	to := m.cfg.Database.Replicas + 1
	return []variant{{edits: []Edit{whole("database.replicas", m.cfg.Database.Replicas, to)},
		times: float64(to) / float64(was),
		says:  fmt.Sprintf("%d read replicas share the searches", to),
		risk:  "reads may be as old as the replicas are behind"}}
}

func (m *maker) replicaIsBusiest() bool {
	busiest, most := "", 0.0
	for _, d := range m.Diagnosis.Facts.Databases {
		if d.CPU.Value > most {
			busiest, most = d.Name, d.CPU.Value
		}
	}
	return busiest != "" && busiest != "primary"
}

// derived is what a parameter of the database's group is now.
func (m *maker) derived(name string) (value string, n int) {
	for _, p := range m.cfg.DatabaseParameters() {
		if p.Name == name {
			n, err := strconv.Atoi(p.Value)
			if err != nil {
				return p.Value, 0
			}
			return p.Value, n
		}
	}
	return "", 0
}

func moreWorkMem(m *maker) (all []variant) {
	was, kilobytes := m.derived("work_mem")
	for _, factor := range []float64{4, 2, 1.5} {
		to := times(kilobytes, factor)
		all = append(all, parameter("work_mem", was, number(to), factor,
			"each sort and hash of each connection may take it: the rules hold their sum within three quarters of the memory",
			fmt.Sprintf("let a sort or hash take %d kB", to)))
	}
	return all
}

// buffersAsDerived is RDS's own formula, where the stack says less.
func buffersAsDerived(m *maker) []variant {
	const quarter = "{DBInstanceClassMemory/32768}"
	was, said := m.cfg.Database.Parameters["shared_buffers"]
	if !said || was == quarter {
		return nil
	}
	return []variant{parameter("shared_buffers", was, quarter, 2, "a restart",
		"a quarter of the memory for shared buffers, as is derived where a stack does not say")}
}

func moreWAL(m *maker) (all []variant) {
	was, megabytes := m.derived("max_wal_size")
	for _, factor := range []float64{4, 2} {
		to := times(megabytes, factor)
		all = append(all, parameter("max_wal_size", was, number(to), factor, "recovery after a crash replays as much",
			fmt.Sprintf("checkpoints by time, and not by volume: up to %d MB of the log between them", to)))
	}
	return all
}

func insightsOn(m *maker) []variant {
	if m.cfg.Database.Insights != "off" {
		return nil
	}
	return []variant{{edits: []Edit{{"database.insights", "off", "standard"}}, times: 1,
		says: "keep the database's load by wait and statement, so that the next run tells what it waits for", risk: "none"}}
}

// largerCache is the next nodes that hold half as much more or better, the cheapest first.
func largerCache(m *maker) (all []variant) {
	was, err := redis.NodeType(m.cfg.Cache.NodeType)
	if err != nil {
		return nil
	}
	var larger []redis.Node
	for _, name := range redis.NodeTypes() {
		if n, err := redis.NodeType(name); err == nil && n.MaxMemory > was.MaxMemory {
			larger = append(larger, n)
		}
	}
	hour := func(n redis.Node) float64 { p, _ := price.In(m.cfg.Region, price.CacheHours, n.Name); return p.USD }
	slices.SortFunc(larger, func(a, b redis.Node) int {
		return cmp.Or(cmp.Compare(hour(a), hour(b)), cmp.Compare(b.MaxMemory, a.MaxMemory))
	})
	for _, n := range larger {
		if n.MaxMemory < was.MaxMemory*3/2 {
			continue // the next node is not of the same family, and hardly larger
		}
		all = append(all, variant{edits: []Edit{{"cache.nodeType", was.Name, n.Name}},
			times: float64(n.MaxMemory) / float64(was.MaxMemory), says: fmt.Sprintf("a cache node with %d MiB", n.MaxMemory>>20),
			risk: "the node is replaced, and its cache is empty for a while"})
	}
	return all
}

func moreChroma(m *maker) (all []variant) {
	v := m.cfg.VectorStore
	for _, factor := range factors {
		to := stacks.CPU(float64(v.Requests.CPU) * factor)
		edits := []Edit{{"vectorStore.requests.cpu", v.Requests.CPU.String(), quoted(to.String())}}
		if v.Limits.CPU > 0 {
			limit := stacks.CPU(float64(v.Limits.CPU) * factor)
			edits = append(edits, Edit{"vectorStore.limits.cpu", v.Limits.CPU.String(), quoted(limit.String())})
		}
		all = append(all, variant{edits: edits, times: factor, says: fmt.Sprintf("reserve %s of a processor for Chroma", to),
			risk: "its one pod begins anew: searches by meaning do without for that long"})
	}
	return all
}

func moreWorkers(m *maker) (all []variant) {
	was := m.cfg.API.Worker.Max
	for _, factor := range factors {
		to := times(was, factor)
		all = append(all, variant{edits: []Edit{whole("api.worker.max", was, to)}, times: float64(to) / float64(was),
			says: fmt.Sprintf("let uploads be processed by up to %d workers", to),
			risk: "each holds connections of the database: max_connections follows"})
	}
	return all
}

func moreGenerators(m *maker) []variant {
	was := m.Run.Scenario.Generators
	for _, s := range m.cfg.LoadScenarios() {
		if s.Name == m.Run.Scenario.Name {
			return []variant{{
				edits: []Edit{whole("loadTests.scenarios."+s.Name+".generators", s.Generators, 2*max(1, was))}, times: 2,
				says: "share the users among twice the generators, and measure again: of the stack nothing is known yet",
				risk: "none for the stack"}}
		}
	}
	return nil
}
