package dbreport

import (
	"context"
	"fmt"
	"strings"
)

type unusedIndex struct {
	Name, Table   string
	Bytes, Writes int64
}

// unusedIndexes finds what costs every write and no read has asked for. Those that enforce something stay, and those
// that find a foreign key's rows when its target is deleted: rare, and then the difference is a scan per row. An index
// of a partition lives and dies with its table's.
func (i *inspection) unusedIndexes(ctx context.Context) error {
	found, err := rows[unusedIndex](ctx, i, `
		SELECT s.indexrelid::regclass::text AS name, s.relid::regclass::text AS table,
		       pg_relation_size(s.indexrelid) AS bytes,
		       t.n_tup_ins + t.n_tup_upd + t.n_tup_del AS writes
		FROM pg_stat_user_indexes s
		JOIN pg_stat_user_tables t USING (relid)
		JOIN pg_index x USING (indexrelid)
		JOIN pg_class c ON c.oid = s.indexrelid
		WHERE s.idx_scan = 0 AND x.indisvalid AND NOT x.indisunique AND NOT x.indisexclusion AND NOT c.relispartition
		  AND pg_relation_size(s.indexrelid) >= $1
		  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = x.indrelid
		                  AND (x.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
		ORDER BY bytes DESC`, i.limits.LeastIndexBytes)
	if err != nil {
		return err
	}
	for _, x := range found {
		i.add(i.unused(x))
	}
	return nil
}

func (i *inspection) unused(x unusedIndex) Finding {
	s := i.report.Server
	f := Finding{
		Check: "unused index", Severity: Warning, Subject: x.Name,
		Fact: fmt.Sprintf("no scan of it on %s for %s", x.Table, amount(s.StatisticsAgeSeconds, "s")),
		Evidence: []Figure{
			{"scans", 0, "scans"}, {"size", float64(x.Bytes), "B"}, {"written to the table", float64(x.Writes), "rows"},
			{"watched for at least", s.StatisticsAgeSeconds, "s"},
		},
		Answer: "drop it: every write pays for it", SQL: "DROP INDEX CONCURRENTLY " + x.Name + ";",
	}
	switch {
	case s.StatisticsAgeSeconds < i.limits.LeastStatisticsSeconds:
		f.Severity, f.SQL = Info, ""
		f.Answer = fmt.Sprintf("look again when the statistics are %s old", amount(i.limits.LeastStatisticsSeconds, "s"))
	case s.Replicas > 0:
		f.Severity = Info
		f.Answer = "a replica counts its own scans: ask each, and drop it here when none scans it either: DROP INDEX " +
			"CONCURRENTLY " + x.Name
		f.SQL = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelid = '" + strings.ReplaceAll(x.Name, "'", "''") +
			"'::regclass;"
	}
	return f
}

// indexShape is what an index is made of, in the catalogue's own spelling: numbers separated by spaces.
type indexShape struct {
	Name, Table, Method               string
	Columns, Classes, Collations      string
	Options, Expressions, Predicate   string
	KeyColumns, AllColumns            int
	Unique, Enforces, ReplicaIdentity bool
	Bytes                             int64
}

// duplicateIndexes compares the indexes of each table.
func (i *inspection) duplicateIndexes(ctx context.Context) error {
	all, err := rows[indexShape](ctx, i, `
		SELECT x.indexrelid::regclass::text AS name, x.indrelid::regclass::text AS table, a.amname AS method,
		       x.indkey::text AS columns, x.indclass::text AS classes, x.indcollation::text AS collations,
		       x.indoption::text AS options,
		       coalesce(pg_get_expr(x.indexprs, x.indrelid), '') AS expressions,
		       coalesce(pg_get_expr(x.indpred, x.indrelid), '') AS predicate,
		       x.indnkeyatts::int AS key_columns, x.indnatts::int AS all_columns, x.indisunique AS unique,
		       x.indisreplident AS replica_identity,
		       EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid) AS enforces,
		       pg_relation_size(x.indexrelid) AS bytes
		FROM pg_index x
		JOIN pg_class c ON c.oid = x.indexrelid
		JOIN pg_am a ON a.oid = c.relam
		JOIN pg_stat_user_tables t ON t.relid = x.indrelid
		WHERE x.indisvalid AND c.relkind = 'i' AND NOT c.relispartition
		ORDER BY x.indrelid, x.indexrelid`)
	if err != nil {
		return err
	}
	for n, x := range all {
		for m, other := range all {
			// Of two that are the same and enforce nothing the older stays.
			if n != m && x.Table == other.Table && (x.same(other) && (n > m || !other.removable()) || x.beginsLike(other)) &&
				x.removable() {
				i.add(x.duplicate(other))
				break
			}
		}
	}
	return nil
}

func (x indexShape) removable() bool { return !x.Unique && !x.Enforces && !x.ReplicaIdentity }

func (x indexShape) same(o indexShape) bool {
	o.Name, o.Unique, o.Enforces, o.ReplicaIdentity, o.Bytes = x.Name, x.Unique, x.Enforces, x.ReplicaIdentity, x.Bytes
	return x == o
}

// beginsLike reports whether the longer index o answers whatever x does.
func (x indexShape) beginsLike(o indexShape) bool {
	begins := func(short, long string) bool { return strings.HasPrefix(long+" ", short+" ") }
	return x.Method == "btree" && o.Method == "btree" && x.KeyColumns == x.AllColumns && x.KeyColumns < o.KeyColumns &&
		x.Expressions == "" && o.Expressions == "" && x.Predicate == o.Predicate &&
		begins(x.Columns, o.Columns) && begins(x.Classes, o.Classes) && begins(x.Collations, o.Collations) &&
		begins(x.Options, o.Options)
}

func (x indexShape) duplicate(o indexShape) Finding {
	f := Finding{
		Check: "duplicate index", Severity: Warning, Subject: x.Name,
		Fact:     fmt.Sprintf("is the same as %s on %s", o.Name, x.Table),
		Evidence: []Figure{{"size", float64(x.Bytes), "B"}, {"size of " + o.Name, float64(o.Bytes), "B"}},
		Answer:   "drop it: the other answers the same", SQL: "DROP INDEX CONCURRENTLY " + x.Name + ";",
	}
	if !x.same(o) {
		f.Severity = Info
		f.Fact = fmt.Sprintf("has the first columns of %s on %s", o.Name, x.Table)
		f.Answer = "drop it, unless its smaller size pays: the other answers the same"
	}
	return f
}

// invalidIndexes finds what a CREATE INDEX CONCURRENTLY that did not end has left: it costs writes and answers nothing.
func (i *inspection) invalidIndexes(ctx context.Context) error {
	found, err := rows[struct {
		Name, Table string
		Bytes       int64
	}](ctx, i, `
		SELECT x.indexrelid::regclass::text AS name, x.indrelid::regclass::text AS table,
		       pg_relation_size(x.indexrelid) AS bytes
		FROM pg_index x
		JOIN pg_stat_user_tables t ON t.relid = x.indrelid
		WHERE NOT x.indisvalid AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid)`)
	if err != nil {
		return err
	}
	for _, x := range found {
		i.add(Finding{
			Check: "invalid index", Severity: Warning, Subject: x.Name,
			Fact:     "its making on " + x.Table + " did not end: no query uses it, every write pays for it",
			Evidence: []Figure{{"size", float64(x.Bytes), "B"}},
			Answer:   "make it anew", SQL: "REINDEX INDEX CONCURRENTLY " + x.Name + ";",
		})
	}
	return nil
}
