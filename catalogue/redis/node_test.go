package redis_test

import (
	"strings"
	"testing"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/redis"
)

func TestCacheNodeHoldsLessThanItsEC2Sibling(t *testing.T) {
	for _, name := range redis.NodeTypes() {
		node, err := redis.NodeType(name)
		if err != nil {
			t.Fatal(err)
		}
		it, err := ec2.Lookup(strings.TrimPrefix(name, "cache."))
		if err != nil {
			continue // cache.t4g.micro has no sibling here
		}
		if node.MaxMemory <= it.MemoryBytes/2 || node.MaxMemory >= it.MemoryBytes || node.VCPU != it.VCPU || node.NetworkMbps != it.NetworkMbps {
			t.Errorf("%+v against %+v", node, it)
		}
	}
}
