package stacks

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/stacks/settings"
)

// perfPrefix is the namespace of what runs of load tests are held to. Nothing that is made for a stack depends on it.
const perfPrefix = "perf:"

// Perf are the keys of that namespace.
type Perf struct {
	// What runs of load tests may come to, by scenario and figure, beside the objectives. Figures are those that
	// ragscale load compare prints.
	Budgets map[string]FigureBudgets `json:"budgets" rule:"keys=scenario maxItems=7"`
}

// FigureBudgets are the budgets of a scenario's runs, by figure.
type FigureBudgets struct {
	// Median response time: limit in ms, worsePercent than the baseline.
	ResponseP50 map[string]float64 `json:"responseP50,omitempty" rule:"keys=budgetTerm min=0 max=1e6 minItems=1"`
	// 95th percentile of the response time, ms.
	ResponseP95 map[string]float64 `json:"responseP95,omitempty" rule:"keys=budgetTerm min=0 max=1e6 minItems=1"`
	// Median response time of complex searches, ms.
	ComplexSearchP50 map[string]float64 `json:"complexSearchP50,omitempty" rule:"keys=budgetTerm min=0 max=1e6 minItems=1"`
	// 95th percentile of the response time of complex searches, ms.
	ComplexSearchP95 map[string]float64 `json:"complexSearchP95,omitempty" rule:"keys=budgetTerm min=0 max=1e6 minItems=1"`
	// Median processing time of uploads, s per MB.
	UploadP50 map[string]float64 `json:"uploadP50,omitempty" rule:"keys=budgetTerm min=0 max=1e6 minItems=1"`
	// 95th percentile of the processing time of uploads, s per MB.
	UploadP95 map[string]float64 `json:"uploadP95,omitempty" rule:"keys=budgetTerm min=0 max=1e6 minItems=1"`
	// Requests with no right answer, as a share from 0 to 1.
	Faults map[string]float64 `json:"faults,omitempty" rule:"keys=budgetTerm min=0 max=1e6 minItems=1"`
	// Right answers per second: its limit is the least.
	Throughput map[string]float64 `json:"throughput,omitempty" rule:"keys=budgetTerm min=0 max=1e6 minItems=1"`
}

// Terms of a figure's budget.
const (
	limitTerm = "limit"        // the most, of throughput the least
	worseTerm = "worsePercent" // than the baseline
)

// LoadBudget is what a figure may come to: a limit in its unit, how many percent worse than the baseline, or both.
type LoadBudget struct {
	Figure       string // responseP95
	Limit        *float64
	WorsePercent *float64
}

// LoadBudgets lists those of a scenario in the order of the configuration.
func (c *Config) LoadBudgets(scenario string) []LoadBudget {
	var all []LoadBudget
	of := reflect.ValueOf(c.Perf.Budgets[scenario])
	for _, f := range vocabulary.Fields(of.Type()) {
		terms := of.FieldByIndex(f.Index)
		b := LoadBudget{Figure: f.Key, Limit: term(terms, limitTerm), WorsePercent: term(terms, worseTerm)}
		if b.Limit != nil || b.WorsePercent != nil {
			all = append(all, b)
		}
	}
	return all
}

func term(terms reflect.Value, name string) *float64 {
	v := terms.MapIndex(reflect.ValueOf(name))
	if !v.IsValid() {
		return nil
	}
	value := v.Float()
	return &value
}

// BudgetFigures are the figures that may have a budget.
func BudgetFigures() []string {
	return settings.Keys(vocabulary.Fields(reflect.TypeFor[FigureBudgets]()))
}

// checkBudgets wants limits that a figure can have, and a median's that is no larger than the 95th percentile's.
func (c *Config) checkBudgets(f *settings.Faults) {
	for _, scenario := range slices.Sorted(maps.Keys(c.Perf.Budgets)) {
		path := settings.At(perfPrefix+"budgets", scenario)
		limits := map[string]float64{}
		for _, b := range c.LoadBudgets(scenario) {
			if b.Limit != nil {
				limits[b.Figure] = *b.Limit
			}
		}
		if share, said := limits["faults"]; said && share > 1 {
			f.Add(path+".faults.limit", settings.Show(share), "a share from 0 to 1")
		}
		for figure, limit := range limits {
			median, isMedian := strings.CutSuffix(figure, "P50")
			if p95, said := limits[median+"P95"]; isMedian && said && limit > p95 {
				f.Add(path+"."+figure+".limit", settings.Show(limit), fmt.Sprintf("at most that of %sP95, %v", median, p95))
			}
		}
	}
}

// topFields are the keys of a stack's file, with their namespace and their place in Config.
func topFields() []settings.Field {
	var all []settings.Field
	for _, f := range vocabulary.Fields(reflect.TypeFor[Config]()) {
		f.Key = prefix + f.Key
		all = append(all, f)
	}
	perf, _ := reflect.TypeFor[Config]().FieldByName("Perf")
	for _, f := range vocabulary.Fields(perf.Type) {
		f.Key, f.Index = perfPrefix+f.Key, slices.Concat(perf.Index, f.Index)
		all = append(all, f)
	}
	return all
}

// namespaceOf splits a key of ours; it is false for those of other namespaces.
func namespaceOf(name string) (namespace, key string, ours bool) {
	for _, namespace := range []string{prefix, perfPrefix} {
		if key, ours := strings.CutPrefix(name, namespace); ours {
			return namespace, key, true
		}
	}
	return "", "", false
}
