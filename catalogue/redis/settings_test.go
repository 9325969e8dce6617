package redis_test

import (
	"fmt"
	"testing"

	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/redis"
)

func TestSettingsTakeWhatElastiCacheTakes(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"timeout", "0", "<nil>"},
		{"timeout", "19", "is 19, want 0 or a whole number of at least 20 (s)"},
		{"maxmemory-policy", "lru", "is \"lru\", want one of volatile-lru, allkeys-lru, volatile-lfu, allkeys-lfu, volatile-random, allkeys-random, volatile-ttl, noeviction"},
		{"notify-keyspace-events", "", "<nil>"},
		{"notify-keyspace-events", "KEx", "<nil>"},
		{"notify-keyspace-events", "Q", `is "Q", want letters of KEg$lshzxetdmnA`},
		{"lfu-log-factor", "0", "is 0, want a whole number of at least 1"},
		{"client-output-buffer-limit-normal-hard-limit", "8589934592", "<nil>"},
	} {
		s, err := redis.Lookup(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(s.Check(tt.value, parameter.Instance{})); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestUnknownSettingIsNamed(t *testing.T) {
	if _, err := redis.Lookup("maxmemory"); err == nil {
		t.Error("maxmemory is accepted, want refused: ElastiCache does not let it be changed")
	}
}
