package stacks_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks"
)

// FuzzParse holds that no configuration makes Parse panic, that what parses is encoded to what parses to the same Config,
// and that an unknown key never passes unnamed.
func FuzzParse(f *testing.F) {
	blocks := topKeys()
	for _, stack := range []string{"prod", "dev", "local"} {
		values := onCall()
		values["aws:region"] = "eu-central-1"
		c, err := stacks.Parse(stack, values)
		if err != nil {
			f.Fatal(err)
		}
		if values, err = c.Values(); err != nil {
			f.Fatal(err)
		}
		for i, block := range blocks {
			f.Add(uint8(i), values["ragscale:"+block], block)
		}
	}
	of := func(block string) uint8 { return uint8(slices.Index(blocks, block)) }
	f.Add(of("slo"), `{"hpa": {"unknown": 1, "cpuPercent": 1e400}}`, "slo2")
	f.Add(of("cluster"), `{"nodeGroups": {"api": {"taints": [{"bad": null}]}, "burst": {}}}`, "cluster:x")
	f.Add(of("cdn"), `{"behaviors": [{"path": "/a/*?", "origin": "api"}, {"path": "/*", "origin": "assets"}]}`, "cdn.x")
	f.Add(of("tags"), "{\"a\xff\": \"\\ud800\"}", "\xff")
	f.Add(of("api"), strings.Repeat("[", 1000), "")

	f.Fuzz(func(t *testing.T, block uint8, text, extra string) {
		name := blocks[int(block)%len(blocks)]
		values := withAuth(map[string]string{"aws:region": "eu-central-1", "ragscale:" + name: text})
		c, err := stacks.Parse("dev", values)
		if err == nil {
			checkRoundTrip(t, c)
		}
		for _, path := range unknownKeys(name, text) {
			if !strings.Contains(fmt.Sprint(err), path+" is no ") {
				t.Errorf("%s is not named:\n%v", path, err)
			}
		}
		checkExtraKey(t, extra, blocks)
	})
}

// topKeys are the keys of a stack's file, without its secrets.
func topKeys() (keys []string) {
	config := reflect.TypeFor[stacks.Config]()
	for i := range config.NumField() {
		if key := jsonKey(config.Field(i)); key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

func checkRoundTrip(t *testing.T, c *stacks.Config) {
	t.Helper()
	values, err := c.Values()
	if err != nil {
		t.Fatal(err)
	}
	again, err := stacks.Parse(c.Stack, values)
	if err != nil {
		t.Fatalf("what parsed does not parse again: %v\n%v", err, values)
	}
	if diff := cmp.Diff(c, again); diff != "" {
		t.Error(diff)
	}
}

func checkExtraKey(t *testing.T, extra string, known []string) {
	t.Helper()
	for _, k := range append(known, "databasePassword", "cachePassword") {
		if extra == k {
			return
		}
	}
	_, err := stacks.Parse("dev", map[string]string{"aws:region": "eu-central-1", "ragscale:" + extra: "{}"})
	if !strings.Contains(fmt.Sprint(err), "is no known key") {
		t.Errorf("%q passes: %v", extra, err)
	}
}

// unknownKeys lists the paths of keys that the Config types do not have, by encoding/json and reflection alone; nothing
// if encoding/json and the strict reader might see different objects.
func unknownKeys(block, text string) []string {
	var node any
	if !utf8.ValidString(text) || strings.Contains(text, `\u`) || json.Unmarshal([]byte(text), &node) != nil || duplicates(text) {
		return nil
	}
	typ := reflect.TypeFor[stacks.Config]()
	for i := range typ.NumField() {
		if jsonKey(typ.Field(i)) == block && typ.Field(i).Type.Kind() == reflect.Struct {
			return unknownIn("ragscale:"+block, node, typ.Field(i).Type)
		}
	}
	return nil
}

func unknownIn(path string, node any, typ reflect.Type) []string {
	var unknown []string
	switch typ.Kind() {
	case reflect.Struct:
		object, _ := node.(map[string]any)
		for key, value := range object {
			field, known := fieldOf(typ, key)
			if !known {
				unknown = append(unknown, pathOf(path, key))
				continue
			}
			unknown = append(unknown, unknownIn(pathOf(path, key), value, field)...)
		}
	case reflect.Slice:
		array, _ := node.([]any)
		for i, value := range array {
			unknown = append(unknown, unknownIn(fmt.Sprintf("%s[%d]", path, i), value, typ.Elem())...)
		}
	case reflect.Map:
		object, _ := node.(map[string]any)
		for _, key := range []string{"system", "api", "burst", "loadtest"} { // other keys are faults of their own
			if value, present := object[key]; present {
				unknown = append(unknown, unknownIn(pathOf(path, key), value, typ.Elem())...)
			}
		}
	}
	return unknown
}

func fieldOf(typ reflect.Type, key string) (reflect.Type, bool) {
	for i := range typ.NumField() {
		if jsonKey(typ.Field(i)) == key {
			return typ.Field(i).Type, true
		}
	}
	return nil, false
}

func jsonKey(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return key
}

var identifier = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func pathOf(path, key string) string {
	if identifier.MatchString(key) {
		return path + "." + key
	}
	return path + "[" + strconv.Quote(key) + "]"
}

// duplicates reports whether a text might hold a key twice, or nest deeper than the strict reader follows: both are
// faults of the whole value, and keys below them need no name.
func duplicates(text string) bool {
	keys := regexp.MustCompile(`"(?:[^"\\]|\\.)*"\s*:`).FindAllString(text, -1)
	nested := strings.Count(text, "{") + strings.Count(text, "[")
	var node any
	if json.Unmarshal([]byte(text), &node) != nil || nested > 32 {
		return true
	}
	return len(keys) != countKeys(node)
}

func countKeys(node any) int {
	count := 0
	switch v := node.(type) {
	case map[string]any:
		for _, value := range v {
			count += 1 + countKeys(value)
		}
	case []any:
		for _, value := range v {
			count += countKeys(value)
		}
	}
	return count
}
