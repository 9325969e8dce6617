package redis

import (
	_ "embed"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/parameter"
)

//go:embed settings.txt
var table string

var settings = parameter.MustTable(table)

// Lookup returns the setting of ElastiCache's parameter group family redis7 of that name. An unknown name is an error
// that lists near ones.
func Lookup(name string) (parameter.Setting, error) {
	return catalogue.Lookup(settings, "Redis parameter", name)
}

// Names lists the known settings, sorted.
func Names() []string { return catalogue.Names(settings) }

// EvictionPolicies are what Redis may do when its memory is full.
func EvictionPolicies() []string { return settings["maxmemory-policy"].Values }
