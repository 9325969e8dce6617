// Package redis holds what ElastiCache for Redis is.
//
// Owns: node types, the table of parameters (settings.txt), limits of a replication group and its users. Does not own:
// prices (catalogue/price), which of them a stack uses.
package redis

import "github.com/ragscale/ragscale/catalogue"

// Node is one ElastiCache node type.
type Node struct {
	Name        string // "cache.r7g.large"
	VCPU        int
	MaxMemory   int64 // bytes: Redis's maxmemory on this node, before reserved-memory-percent
	NetworkMbps int   // baseline
}

// nodes is the ElastiCache table. Memory is the node type's maxmemory parameter, which is smaller than the memory
// of the EC2 type with the same name; vCPU and bandwidth are that type's.
// Source of the memory: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html
// (Redis OSS node-type specific parameters); read 2026-11-23.
var nodes = index([]Node{
	{"cache.t4g.micro", 2, 536870912, 64},
	{"cache.t4g.small", 2, 1471026299, 128},
	{"cache.t4g.medium", 2, 3317862236, 256},
	{"cache.m7g.large", 2, 6854542746, 937},
	{"cache.m7g.xlarge", 4, 13891921715, 1876},
	{"cache.m7g.2xlarge", 8, 27966669210, 3750},
	{"cache.m7g.4xlarge", 16, 56116178125, 7500},
	{"cache.r7g.large", 2, 14037181030, 937},
	{"cache.r7g.xlarge", 4, 28261849702, 1876},
	{"cache.r7g.2xlarge", 8, 56711183565, 3750},
	{"cache.r7g.4xlarge", 16, 113609865216, 7500},
})

func index(list []Node) map[string]Node {
	byName := map[string]Node{}
	for _, n := range list {
		byName[n.Name] = n
	}
	return byName
}

// NodeType returns the node type of that name, such as "cache.r7g.large". An unknown name is an error that lists near
// ones.
func NodeType(name string) (Node, error) {
	return catalogue.Lookup(nodes, "ElastiCache node type", name)
}

// NodeTypes lists the known node types, sorted.
func NodeTypes() []string { return catalogue.Names(nodes) }
