package dbreport

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// statementsExplained for one table, the costliest first.
const statementsExplained = 20

type scannedTable struct {
	Relid                      uint32
	Name, Schema, Relation     string
	Columns                    []string
	Scans, RowsRead, IndexUses int64
	Live, Bytes                int64
}

// candidate is an index that a statement on a table would like.
type candidate struct {
	definition string
	query      string
	judged     bool    // by hypopg
	before     float64 // cost of the statement's best plan, in the planner's unit
	after      float64 // with the index
	bytes      int64   // the index's size, estimated
}

// missingIndexes finds large tables that are read whole as a habit. The statements that do it give a candidate, and
// hypopg tells whether the planner would take it. A partition may be read whole on purpose: its range is its index.
func (i *inspection) missingIndexes(ctx context.Context) error {
	tables, err := rows[scannedTable](ctx, i, `
		SELECT t.relid, t.relid::regclass::text AS name, t.schemaname::text AS schema, t.relname::text AS relation,
		       (SELECT array_agg(a.attname::text) FROM pg_attribute a
		        WHERE a.attrelid = t.relid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
		       t.seq_scan AS scans, t.seq_tup_read AS rows_read, coalesce(t.idx_scan, 0) AS index_uses, t.n_live_tup AS live,
		       pg_table_size(t.relid) AS bytes
		FROM pg_stat_user_tables t
		JOIN pg_class c ON c.oid = t.relid
		WHERE t.seq_scan >= $1 AND t.n_live_tup >= $2 AND t.seq_tup_read / t.seq_scan >= $2 AND NOT c.relispartition
		ORDER BY t.seq_tup_read DESC`, i.limits.LeastScans, i.limits.LeastRows)
	if err != nil || len(tables) == 0 {
		return err
	}
	hypopg := ""
	if i.statements != "" && i.major >= 16 { // GENERIC_PLAN, which plans a statement without its values, came with 16
		if hypopg, err = i.extension(ctx, "hypopg"); err != nil {
			return err
		}
	}
	for _, t := range tables {
		best, err := i.candidate(ctx, t, hypopg)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		i.add(t.scanned(best, i.limits))
	}
	return nil
}

func (t scannedTable) scanned(c *candidate, limits Limits) Finding {
	f := Finding{
		Check: "missing index", Severity: Info, Subject: t.Name,
		Fact: fmt.Sprintf("is read whole as a habit: %d times", t.Scans),
		Evidence: []Figure{
			{"sequential scans", float64(t.Scans), "scans"}, {"index scans", float64(t.IndexUses), "scans"},
			{"read by each", float64(t.RowsRead) / float64(t.Scans), "rows"},
			{"in the table", float64(t.Live), "rows"}, {"size", float64(t.Bytes), "B"},
		},
		Answer: "find the statement that reads it, and give it an index or a limit",
	}
	if c == nil {
		return f
	}
	f.SQL = c.definition + ";"
	f.Answer = "an index for " + shorten(c.query) + "; let hypopg or a copy of the data judge it first"
	if !c.judged {
		f.Severity = Warning
		return f
	}
	f.Evidence = append(f.Evidence, Figure{"cost now", c.before, "planner units"},
		Figure{"cost with the index", c.after, "planner units"}, Figure{"size of the index", float64(c.bytes), "B"})
	if c.before >= limits.CandidateCostImprovement*c.after {
		f.Severity = Warning
		f.Answer = "an index for " + shorten(c.query) + "; the planner would use it"
		return f
	}
	f.SQL = ""
	f.Answer = "an index for its costliest statement would not pay: " + shorten(c.query)
	return f
}

// candidate is the index for the costliest statement that scans the table for some of its columns; nil if none is
// known.
func (i *inspection) candidate(ctx context.Context, t scannedTable, hypopg string) (*candidate, error) {
	if i.statements == "" || i.major < 16 {
		return nil, nil
	}
	// One statement each, which holds no separator outside a literal, of which there are none.
	found, err := rows[struct{ Query string }](ctx, i, `
		SELECT min(query) AS query FROM `+i.statements+`
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND toplevel
		  AND query ~* '^\s*(select|with|update|delete)\M' AND strpos(query, ';') = 0 AND strpos(query, $1) > 0
		GROUP BY queryid ORDER BY sum(total_exec_time) DESC LIMIT $2`, t.Relation, statementsExplained)
	if err != nil {
		return nil, err
	}
	for _, s := range found {
		plan, err := i.explain(ctx, s.Query)
		if err != nil {
			return nil, err
		}
		columns := plan.wanted(t)
		if len(columns) == 0 {
			continue
		}
		c := &candidate{query: s.Query, before: plan.Cost,
			definition: fmt.Sprintf("CREATE INDEX CONCURRENTLY ON %s (%s)", t.Name, strings.Join(columns, ", "))}
		return c, i.judge(ctx, c, hypopg)
	}
	return nil, nil
}

// judge asks the planner what the statement would cost if the index were there.
func (i *inspection) judge(ctx context.Context, c *candidate, hypopg string) error {
	if hypopg == "" {
		return nil
	}
	var id uint32
	made, err := i.attempt(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT indexrelid FROM `+hypopg+`.hypopg_create_index($1)`,
			strings.Replace(c.definition, " CONCURRENTLY", "", 1)).Scan(&id)
	})
	if err != nil || !made {
		return err
	}
	if err := i.tx.QueryRow(ctx, `SELECT `+hypopg+`.hypopg_relation_size($1)`, id).Scan(&c.bytes); err != nil {
		return err
	}
	plan, err := i.explain(ctx, c.query)
	if err != nil {
		return err
	}
	c.judged, c.after = true, plan.Cost
	_, err = i.tx.Exec(ctx, `SELECT `+hypopg+`.hypopg_drop_index($1)`, id)
	return err
}

// node is a node of a plan as EXPLAIN tells it.
type node struct {
	Type     string  `json:"Node Type"`
	Schema   string  `json:"Schema"`
	Relation string  `json:"Relation Name"`
	Filter   string  `json:"Filter"`
	Cost     float64 `json:"Total Cost"`
	Plans    []node  `json:"Plans"`
}

// explain plans a statement without its values. The zero node is a statement that the server does not plan: what it was
// about may be gone.
func (i *inspection) explain(ctx context.Context, query string) (node, error) {
	var out []byte
	planned, err := i.attempt(ctx, func(tx pgx.Tx) error {
		// The simple protocol: in the extended one $1 would be a parameter of EXPLAIN's, and wanted.
		results, err := tx.Conn().PgConn().Exec(ctx, `EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) `+query).ReadAll()
		if err == nil && len(results) == 1 && len(results[0].Rows) == 1 {
			out = results[0].Rows[0][0]
		}
		return err
	})
	if err != nil || !planned || out == nil {
		return node{}, err
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal(out, &plans); err != nil {
		return node{}, fmt.Errorf("plan of %s: %w", shorten(query), err)
	}
	if len(plans) == 0 { // a rule made nothing of it
		return node{}, nil
	}
	return plans[0].Plan, nil
}

// wanted returns the columns by which the plan picks rows in a scan of the whole table: those compared for equality
// first, then one that is compared otherwise.
func (n node) wanted(t scannedTable) []string {
	if n.Type == "Seq Scan" && n.Schema == t.Schema && n.Relation == t.Relation {
		if columns := filtered(n.Filter, t.Columns); len(columns) > 0 {
			return columns
		}
	}
	for _, below := range n.Plans {
		if columns := below.wanted(t); len(columns) > 0 {
			return columns
		}
	}
	return nil
}

// comparison is a column, maybe of an alias and cast, before an operator that a btree index serves. An expression on
// the column ends in a parenthesis and does not match, nor does a name that needs quotes.
var comparison = regexp.MustCompile(`([a-z_][a-z0-9_]*)(?:\)::[a-z ]+)? (=|<=|>=|<|>) `)

func filtered(filter string, columns []string) []string {
	if strings.Contains(filter, " OR ") { // one index does not answer
		return nil
	}
	var equal, between []string
	for _, m := range comparison.FindAllStringSubmatch(filter, -1) {
		if !slices.Contains(columns, m[1]) {
			continue
		}
		if m[2] == "=" {
			equal = append(equal, m[1])
		} else {
			between = append(between, m[1])
		}
	}
	slices.SortFunc(equal, cmp.Compare[string])
	equal = slices.Compact(equal)
	for _, column := range between {
		if !slices.Contains(equal, column) {
			return append(equal, column)
		}
	}
	return equal
}
