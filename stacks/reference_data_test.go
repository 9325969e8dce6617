package stacks

import (
	"fmt"
	"slices"
	"strings"
)

// poolTable shows the pool chain of each environment, as ragscale plan pools prints it.
func poolTable() string {
	var page strings.Builder
	page.WriteString("\n## Derived: the pool chain\n\nFrom a request to a database connection, at full scale; `ragscale plan pools --stack <stack>` prints that of a stack.\n")
	for _, env := range environments {
		fmt.Fprintf(&page, "\n%s:\n\n```\n%s\n```\n", env, strings.Join(defaults(env).Pools().Lines(), "\n"))
	}
	return page.String()
}

// parameterTables shows the derived parameter groups with the defaults of each environment.
func parameterTables() string {
	return parameterTable("the primary's parameter group", "", (*Config).DatabaseParameters) +
		parameterTable("the replicas' parameter group", "As the primary's, but for these.", replicaDifference) +
		parameterTable("the cache's parameter group", "", (*Config).CacheParameters)
}

// replicaDifference is what a replica's group has that the primary's has not, or has otherwise.
func replicaDifference(c *Config) []Parameter {
	primary := c.DatabaseParameters()
	same := func(p Parameter) bool {
		return slices.ContainsFunc(primary, func(q Parameter) bool { return q.Name == p.Name && q.Value == p.Value })
	}
	return slices.DeleteFunc(c.ReplicaParameters(), same)
}

func parameterTable(title, text string, group func(*Config) []Parameter) string {
	var page strings.Builder
	fmt.Fprintf(&page, "\n## Derived: %s\n\n", title)
	if text != "" {
		text += " "
	}
	page.WriteString(text + "With the defaults of each environment.\n\n| parameter | production | development | local | applied | why |\n|---|---|---|---|---|---|\n")
	var names []string
	byName := map[string]map[Environment]Parameter{}
	for _, env := range environments {
		for _, p := range group(defaults(env)) {
			if byName[p.Name] == nil {
				names = append(names, p.Name)
				byName[p.Name] = map[Environment]Parameter{}
			}
			byName[p.Name][env] = p
		}
	}
	for _, name := range names {
		var values []string
		var one Parameter
		for _, env := range environments {
			if p, set := byName[name][env]; set {
				values, one = append(values, p.Value), p
			} else {
				values = append(values, "–")
			}
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", name, strings.Join(values, " | "), one.ApplyMethod, one.Reason)
	}
	return page.String()
}
