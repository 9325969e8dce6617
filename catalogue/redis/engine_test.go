package redis_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/ragapi/pgtest"
)

// elastiCaches are the parameters that are none of the engine's: ElastiCache makes others of them, or acts on them itself.
var elastiCaches = []string{"close-on-replica-write", "rename-commands", "reserved-memory", "reserved-memory-percent"}

// notBuilt is what the engine that a distribution builds cannot do.
const notBuilt = "activedefrag"

// TestTheEngineTakesWhatTheTableSays: each setting is one of Redis, and its ends and words are taken by it.
func TestTheEngineTakesWhatTheTableSays(t *testing.T) {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{pgtest.StartRedis(t).Address()}, DisableCache: true, AlwaysRESP2: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for _, name := range redis.Names() {
		if slices.Contains(elastiCaches, name) || strings.HasPrefix(name, "client-output-buffer-limit-") {
			continue
		}
		now, err := client.Do(t.Context(), client.B().ConfigGet().Parameter(name).Build()).AsStrMap()
		if err != nil || len(now) != 1 {
			t.Errorf("%s is %v, %v, want a setting of the engine", name, now, err)
			continue
		}
		s, err := redis.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if s.Static || name == notBuilt {
			continue
		}
		for _, value := range append(edges(s), now[name]) { // as it was, at last
			set := client.B().ConfigSet().ParameterValue().ParameterValue(name, value).Build()
			if err := client.Do(t.Context(), set).Error(); err != nil {
				t.Errorf("%s %s: %v", name, value, err)
			}
		}
	}
}

// edges are the values at which a range ends, or all of a choice.
func edges(s parameter.Setting) []string {
	switch s.Kind {
	case parameter.Choice:
		return s.Values
	case parameter.Letters:
		return []string{s.Values[0]}
	}
	values := []string{strconv.FormatFloat(s.Min, 'f', -1, 64)}
	if !math.IsInf(s.Max, 1) {
		values = append(values, strconv.FormatFloat(s.Max, 'f', -1, 64))
	}
	if s.OrZero {
		values = append(values, "0")
	}
	return values
}
