// Package slo names a stack's thresholds, from the objective that they follow from to whoever compares with them.
//
// Owns: the types of thresholds, by tier along the request path, and of those of load tests. Does not own: their values
// (stacks derives them), what is measured and how long it has to be wrong (the alarms and alerts of
// components/observability).
//
// A threshold is declared here once, and keeps its name and type on its way to alarm, rule and load test. It imports
// nothing of the project.
package slo

import "reflect"

// Threshold is the value from which on something is wrong.
type Threshold struct {
	Tier, Name string // "Database", "FreeMemoryBytes": where it stands in Thresholds; Named fills them
	Value      float64
	Unit       string // "s", "bytes"; with "below" where less is wrong
	Objective  string // key below slo that the value follows from; "" if the reason alone decides
	Reason     string // how it follows, or why this value
}

// ID is tier and name.
func (t Threshold) ID() string { return t.Tier + "." + t.Name }

// Thresholds are all thresholds of a stack, by tier along the request path.
type Thresholds struct {
	Edge      Edge
	API       API
	Scaling   Scaling
	Nodes     Nodes
	PgBouncer PgBouncer
	Database  Database
	Cache     Cache
}

// Edge thresholds watch the distribution.
type Edge struct{ ErrorPercent, HitPercent Threshold }

// API thresholds watch what users feel. ErrorRatio is the error budget, which burn-rate alerts multiply.
type API struct {
	ResponseSeconds, ComplexSearchSeconds, UploadSecondsPerMB, ErrorRatio, ThroughputRPS Threshold
}

// Scaling thresholds watch the autoscalers. The first four are in the HorizontalPodAutoscaler, where the alerts read
// them.
type Scaling struct {
	MinReplicas, MaxReplicas, CPUPercent, MemoryPercent, AtMaximumMinutes, UnschedulableMinutes Threshold
}

// Nodes thresholds watch the nodes.
type Nodes struct{ CPUPercent, MemoryPercent, StoragePercent Threshold }

// PgBouncer thresholds watch the pooler.
type PgBouncer struct{ WaitingClients Threshold }

// Database thresholds watch primary and replicas.
type Database struct {
	CPUPercent, FreeMemoryBytes, ReplicaFreeMemoryBytes, FreeStorageBytes, Connections, LatencySeconds,
	ReplicaLagSeconds Threshold
}

// Cache thresholds watch the cache.
type Cache struct{ CPUPercent, MemoryPercent, HitPercent, EvictionsPerMinute Threshold }

// Named gives each threshold the name of its place.
func (t Thresholds) Named() Thresholds {
	t.each(func(at *Threshold, tier, name string) { at.Tier, at.Name = tier, name })
	return t
}

// Rows lists the thresholds in order, named.
func (t Thresholds) Rows() []Threshold {
	var rows []Threshold
	named := t.Named()
	named.each(func(at *Threshold, _, _ string) { rows = append(rows, *at) })
	return rows
}

func (t *Thresholds) each(visit func(at *Threshold, tier, name string)) {
	tiers := reflect.ValueOf(t).Elem()
	for i := range tiers.NumField() {
		tier := tiers.Field(i)
		for j := range tier.NumField() {
			if at, isThreshold := tier.Field(j).Addr().Interface().(*Threshold); isThreshold {
				visit(at, tiers.Type().Field(i).Name, tier.Type().Field(j).Name)
			}
		}
	}
}

// LoadTest is what a run of a load test must keep. k6 measures durations in ms; the names are those that its scripts
// read.
type LoadTest struct {
	ResponseMillis      int     `json:"responseMillis"`      // 95th percentile of every request but complex searches
	ComplexSearchMillis int     `json:"complexSearchMillis"` // 95th percentile of complex searches
	UploadSecondsPerMB  float64 `json:"uploadSecondsPerMB"`  // 95th percentile, from acceptance until a search finds it
	FailedRatio         float64 `json:"failedRatio"`         // requests that failed or were answered wrongly, of all
	// iterations that the generators could not begin: with any, the load was not the one stated
	DroppedIterations int `json:"droppedIterations"`
	// of the documents that are relevant to a query, those that are to be among its first ten hits, at least
	RecallRatio float64 `json:"recallRatio"`
	// complex searches that were answered without vectors, of all that vectors add to
	DegradedRatio float64 `json:"degradedRatio"`
	// 90th percentile, from an upload's acceptance until a search that was asked before finds it
	FreshnessSeconds float64 `json:"freshnessSeconds"`
}
