package metrics

import (
	_ "embed"
	"strings"
)

// tableText is every metric that is measured here: its namespace, name, unit, and each set of dimensions that it has.
//
//go:embed table.txt
var tableText string

// shape is a metric without the values of its dimensions: namespace, name and the dimensions' names, sorted.
type shape struct{ namespace, name, dimensions string }

var table = readTable(tableText)

func readTable(text string) map[shape]string {
	out := map[shape]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 4 || words[0] == "#" {
			continue
		}
		for _, dimensions := range words[3:] {
			out[shape{words[0], words[1], dimensions}] = words[2]
		}
	}
	return out
}

// UnitOf is the unit of a metric; false for one that is not measured here.
func UnitOf(id ID) (unit string, measured bool) {
	names := make([]string, len(id.Dimensions))
	for i, d := range id.Dimensions {
		names[i] = d.Name
	}
	unit, measured = table[shape{id.Namespace, id.Name, strings.Join(names, ",")}]
	return unit, measured
}
