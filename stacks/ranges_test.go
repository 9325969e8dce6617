package stacks

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/stacks/settings"
)

// numbers are the keys below a struct type that hold a number, by their path ("slo.hpa.maxReplicas").
func numbers(path string, t reflect.Type) map[string]settings.Rule {
	all := map[string]settings.Rule{}
	for _, f := range vocabulary.Fields(t) {
		switch f.Type.Kind() {
		case reflect.Struct:
			for key, rule := range numbers(path+f.Key+".", f.Type) {
				all[key] = rule
			}
		case reflect.Int, reflect.Float64:
			if f.Rule.Bounded || len(f.Rule.One) > 0 { // else a quantity, which bounds itself
				all[path+f.Key] = f.Rule
			}
		}
	}
	return all
}

// A range in a tag is enough: what is just beyond it is a fault of that key, whichever it is.
func TestEveryNumberIsHeldToItsRange(t *testing.T) {
	found := numbers("", reflect.TypeFor[Config]())
	if len(found) < 60 {
		t.Fatalf("%d numbers are found in the configuration, want all", len(found))
	}
	for key, rule := range found {
		wrong := []float64{rule.Min - 1, rule.Max + 1}
		if len(rule.One) > 0 {
			wrong = []float64{-7}
		}
		for _, value := range wrong {
			block, rest, _ := strings.Cut(key, ".")
			text := strconv.FormatFloat(value, 'f', -1, 64)
			_, err := Parse("dev", map[string]string{"ragscale:" + block: nested(rest, text)})
			if want := "ragscale:" + key + " is " + text + ", want "; !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("%s = %s: no fault begins with %q", key, text, want)
			}
		}
	}
}

// nested is the JSON of a value at a dotted path.
func nested(path, value string) string {
	keys := strings.Split(path, ".")
	for i := len(keys) - 1; i >= 0; i-- {
		value = fmt.Sprintf("{%q: %s}", keys[i], value)
	}
	return value
}
