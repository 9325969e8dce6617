package dbreport

import "context"

// listed tables, indexes and transactions are what a reader takes in.
const listed = 10

// Table is how large a table is, how much of it is dead, and how it is read. A partition is a table.
type Table struct {
	Name            string   `json:"name"`
	Bytes           int64    `json:"bytes"` // without indexes
	Live            int64    `json:"live"`  // rows
	Dead            int64    `json:"dead"`
	DeadPercent     float64  `json:"deadPercent"`
	SequentialScans int64    `json:"sequentialScans"`
	IndexScans      int64    `json:"indexScans"`
	VacuumedSeconds *float64 `json:"vacuumedSeconds,omitempty"` // ago; nil: never
}

// Index is what an index costs and how often it is asked.
type Index struct {
	Name   string `json:"name"`
	Table  string `json:"table"`
	Bytes  int64  `json:"bytes"`
	Scans  int64  `json:"scans"` // on this server; a replica counts its own
	Unique bool   `json:"unique"`
}

// largest lists the tables and indexes that a change of habits moves most.
func (i *inspection) largest(ctx context.Context) (err error) {
	i.report.Tables, err = rows[Table](ctx, i, `
		SELECT relid::regclass::text AS name, pg_table_size(relid) AS bytes, n_live_tup AS live, n_dead_tup AS dead,
		       coalesce(100.0 * n_dead_tup / nullif(n_live_tup + n_dead_tup, 0), 0)::float8 AS dead_percent,
		       coalesce(seq_scan, 0) AS sequential_scans, coalesce(idx_scan, 0) AS index_scans,
		       extract(epoch FROM now() - greatest(last_vacuum, last_autovacuum))::float8 AS vacuumed_seconds
		FROM pg_stat_user_tables ORDER BY bytes DESC, name LIMIT $1`, listed)
	if err != nil {
		return err
	}
	i.report.Indexes, err = rows[Index](ctx, i, `
		SELECT indexrelid::regclass::text AS name, relid::regclass::text AS table, pg_relation_size(indexrelid) AS bytes,
		       idx_scan AS scans, indisunique AS unique
		FROM pg_stat_user_indexes JOIN pg_index USING (indexrelid) ORDER BY bytes DESC, name LIMIT $1`, listed)
	return err
}
