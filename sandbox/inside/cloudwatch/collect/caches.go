package collect

import (
	"strconv"
	"strings"
	"time"

	catalogue "github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/sandbox/inside/redis"
)

// counted are the engine's counters and what ElastiCache calls their growth in a minute.
var counted = map[string]string{
	"keyspace_hits": "CacheHits", "keyspace_misses": "CacheMisses", "evicted_keys": "Evictions", "expired_keys": "Reclaimed",
	"total_connections_received": "NewConnections", "total_net_input_bytes": "NetworkBytesIn", "total_net_output_bytes": "NetworkBytesOut",
}

func (m measurement) caches() (faults []error) {
	if m.cfg.Caches == nil {
		return nil
	}
	all, faults := m.cfg.Caches(m.ctx)
	for _, info := range all {
		r, known := m.owner("aws:elasticache/replicationGroup:ReplicationGroup", info.Group)
		if !known {
			continue
		}
		cluster := []string{"CacheClusterId", info.ID}
		s := subject{m, r.Region, "AWS/ElastiCache", [][]string{cluster, append([]string{"CacheNodeId", "0001"}, cluster...)}, &faults}
		s.cacheCounters(info)
		s.cacheGauges(info)
		s.cacheReplication(info, all)
		kind, _ := r.State["nodeType"].(string)
		if node, err := catalogue.NodeType(kind); err == nil {
			s.cpu("CPUUtilization", info.ID, m.table.Tree(info.PID).CPU, node.VCPU)
		}
		thread := says(info, "used_cpu_sys_main_thread") + says(info, "used_cpu_user_main_thread")
		s.cpu("EngineCPUUtilization", info.ID, time.Duration(thread*float64(time.Second)), 1)
	}
	return faults
}

// says is a figure of INFO; 0 for none.
func says(info redis.Info, name string) float64 {
	n, err := strconv.ParseFloat(info.Says[name], 64)
	if err != nil {
		return 0
	}
	return n
}

func (s subject) cacheCounters(info redis.Info) {
	grown := map[string]float64{}
	for counter, name := range counted {
		if n, _, ok := s.m.since(info.ID+" "+counter, says(info, counter)); ok {
			s.put(name, n)
			grown[name] = n
		}
	}
	if reads := grown["CacheHits"] + grown["CacheMisses"]; reads > 0 {
		s.put("CacheHitRate", 100*grown["CacheHits"]/reads)
	}
}

func (s subject) cacheGauges(info redis.Info) {
	used, most := says(info, "used_memory"), says(info, "maxmemory")
	s.put("BytesUsedForCache", used)
	if most > 0 {
		s.put("DatabaseMemoryUsagePercentage", 100*used/most)
	}
	s.put("CurrConnections", says(info, "connected_clients"))
	items := 0.0
	for name, text := range info.Says {
		if number, ok := strings.CutPrefix(name, "db"); ok && strings.Trim(number, "0123456789") == "" {
			items += figure(text, "keys")
		}
	}
	s.put("CurrItems", items)
}

// cacheReplication is whose a node is. A replica's lag is what its primary has not heard acknowledged, in s; a primary has
// none.
func (s subject) cacheReplication(info redis.Info, all []redis.Info) {
	if !info.Replica {
		s.put("IsMaster", 1)
		return
	}
	s.put("IsMaster", 0)
	up := 0.0
	if info.Says["master_link_status"] == "up" {
		up = 1
	}
	s.put("MasterLinkHealthStatus", up)
	for _, primary := range all {
		for name, text := range primary.Says {
			if primary.Group == info.Group && strings.HasPrefix(name, "slave") && strings.Contains(text+",", "ip="+info.Addr+",") {
				s.put("ReplicationLag", figure(text, "lag"))
			}
		}
	}
}

// figure is one of a text such as "ip=10.78.0.5,state=online,lag=1".
func figure(text, name string) float64 {
	for part := range strings.SplitSeq(text, ",") {
		if value, ok := strings.CutPrefix(part, name+"="); ok {
			if n, err := strconv.ParseFloat(value, 64); err == nil {
				return n
			}
		}
	}
	return 0
}
