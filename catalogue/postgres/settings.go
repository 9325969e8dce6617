// Package postgres holds what RDS for PostgreSQL lets a parameter group set, and what PostgreSQL keeps for itself.
//
// Owns: the table of parameters (settings.txt), the words that PostgreSQL reserves. Does not own: which of them a stack
// sets, and to what.
package postgres

import (
	_ "embed"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/parameter"
)

//go:embed settings.txt
var table string

var settings = withFormulas(parameter.MustTable(table))

// withFormulas lets every whole number be one that RDS computes.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ParamValuesRef.html ; as remembered 2026-11-23.
func withFormulas(table map[string]parameter.Setting) map[string]parameter.Setting {
	for name, s := range table {
		s.Formula = s.Kind == parameter.Integer
		table[name] = s
	}
	return table
}

// Lookup returns the setting of RDS for PostgreSQL of that name. An unknown name is an error that lists near ones.
func Lookup(name string) (parameter.Setting, error) {
	return catalogue.Lookup(settings, "PostgreSQL parameter", name)
}

// Names lists the known settings, sorted.
func Names() []string { return catalogue.Names(settings) }

// IsStatic tells whether a changed value waits for a restart. RDS refuses to apply it at once.
func IsStatic(name string) bool { return settings[name].Static }

// Floors lists the settings that a replica may not have below its primary, sorted: replay stops there.
func Floors() []string {
	var floors []string
	for _, name := range Names() {
		if settings[name].Standby == parameter.AtLeastOf {
			floors = append(floors, name)
		}
	}
	return floors
}
