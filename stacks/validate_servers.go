package stacks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/stacks/settings"
)

// checkServers checks the primary and the replicas: that the class carries the connections, and the parameter group.
func (c *Config) checkServers(f *settings.Faults) {
	checkSaid(prefix+"database.parameters", c.Database.Parameters, postgres.Lookup,
		classOf(c.Database.InstanceClass).Instance(), f)
	if f.Within(prefix + "database.parameters") {
		return // the rules below calculate with them
	}
	pools := c.Pools()
	c.checkServer("instanceClass", c.primary(), pools.Primary, f)
	if c.Database.Replicas > 0 {
		key := "replicaClass"
		if c.Database.ReplicaClass == "" {
			key = "instanceClass"
		}
		c.checkServer(key, c.standby(), pools.Replica, f)
	}
	c.checkLibraries(f)
}

// checkSaid checks the parameters that a stack sets itself against the catalogue.
func checkSaid(path string, said map[string]string, lookup func(string) (parameter.Setting, error),
	on parameter.Instance, f *settings.Faults) {
	for _, name := range slices.Sorted(maps.Keys(said)) {
		setting, err := lookup(name)
		if err != nil {
			continue // reported where it is decoded
		}
		if setting.Standby == parameter.AtLeastOf && parameter.IsFormula(said[name]) {
			f.Add(settings.At(path, name), settings.Show(said[name]),
				"a number: a formula gives less on a smaller replica, whose replay stops")
			continue
		}
		if err := setting.Check(said[name], on); err != nil {
			is, want, _ := strings.Cut(err.Error(), ", want ")
			f.Add(settings.At(path, name), is, want)
		}
	}
}

func (c *Config) checkServer(key string, s server, budget ConnectionBudget, f *settings.Faults) {
	_, said := c.Database.Parameters["max_connections"]
	parameter := settings.At(prefix+"database.parameters", "max_connections")
	small := divideMemory(s.class, s.connections).WorkMem < leastWorkMem && c.Database.Parameters["work_mem"] == ""
	switch {
	case said && s.connections < budget.Total():
		f.Add(parameter, settings.Show(s.connections), fmt.Sprintf("at least %d (%s)", budget.Total(), budget))
	case said && small:
		f.Add(parameter, fmt.Sprintf("is %d, too many for %s", s.connections, s.class.Name), carrying(s.class, s.connections))
	case small:
		f.Add(prefix+"database."+key, fmt.Sprintf("is %s, too small for %d connections (%s)", s.class.Name, s.connections,
			c.reason(s, budget)), carrying(s.class, s.connections))
	default:
		c.checkMemory(s, f)
	}
}

// reason says where a server's max_connections comes from.
func (c *Config) reason(s server, budget ConnectionBudget) string {
	if s.standby && s.connections > budget.Total() {
		return "as many as the primary"
	}
	return budget.String()
}

// String lists the parts of the budget.
func (b ConnectionBudget) String() string {
	text := fmt.Sprintf("PgBouncer %d", b.Pooled)
	if b.Worker > 0 {
		text += fmt.Sprintf(", worker %d, migrations %d", b.Worker, b.Migration)
	}
	return text + fmt.Sprintf(", reserve %d", b.Admin)
}

// memoryParameters are those that a server's memory follows from.
var memoryParameters = []string{
	"shared_buffers", "work_mem", "maintenance_work_mem", "autovacuum_work_mem", "autovacuum_max_workers",
	"max_connections", "max_parallel_workers",
}

// checkMemory holds what the parameter group allows at once within three quarters of the class's memory. A derived
// group does by construction, so that what the stack says itself is at fault.
func (c *Config) checkMemory(s server, f *settings.Faults) {
	use, most := memoryUseOf(c.parametersOf(s), s.class), memoryShare*float64(s.class.ParameterMemory())
	if use.total() <= most {
		return
	}
	path := prefix + "database.parameters"
	said := slices.DeleteFunc(slices.Clone(memoryParameters),
		func(name string) bool { _, isSaid := c.Database.Parameters[name]; return !isSaid })
	if len(said) == 1 {
		path = settings.At(path, said[0])
	}
	f.Add(path, fmt.Sprintf("takes the memory of %s to %.0f MiB (%s)", s.class.Name,
		use.total()/float64(catalogue.MiB), use),
		fmt.Sprintf("at most %.0f MiB, three quarters of it", most/float64(catalogue.MiB)))
}

// checkLibraries wants the library of every extension's parameter to be loaded: RDS refuses the parameter else.
func (c *Config) checkLibraries(f *settings.Faults) {
	group := c.DatabaseParameters()
	var loaded []string
	for _, p := range group {
		if p.Name == "shared_preload_libraries" {
			loaded = strings.FieldsFunc(p.Value, func(r rune) bool { return r == ',' || r == ' ' })
		}
	}
	for _, p := range group {
		setting, err := postgres.Lookup(p.Name)
		if err == nil && setting.Library != "" && !slices.Contains(loaded, setting.Library) {
			f.Add(settings.At(prefix+"database.parameters", "shared_preload_libraries"), "lacks "+setting.Library,
				"it in the list, for "+p.Name)
		}
	}
}

// carrying names the smallest classes that carry the connections: of the same family, or of any.
func carrying(class rds.Class, connections int) string {
	family := class.Name[:strings.LastIndex(class.Name, ".")+1]
	smallest := func(prefix string) (name string) {
		var least int64
		for _, candidate := range rds.Names() {
			c := classOf(candidate)
			if !strings.HasPrefix(candidate, prefix) || divideMemory(c, connections).WorkMem < leastWorkMem {
				continue
			}
			if name == "" || c.MemoryBytes < least {
				name, least = candidate, c.MemoryBytes
			}
		}
		return name
	}
	for _, scope := range []string{family, "db."} {
		if name := smallest(scope); name != "" {
			return "at least " + name + ", or fewer pods or less throughput"
		}
	}
	return "fewer pods or less throughput: no class carries them"
}
