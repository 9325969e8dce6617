package postgres

import (
	"slices"
	"strings"
)

// reserved are the key words that PostgreSQL calls reserved. Those of the last two lines may name a function or a type,
// and a role, but no database without quotes.
// Source: `SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')` of PostgreSQL 17.12, which a test asks
// again; read 2026-11-30.
var reserved = strings.Fields(`
all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc distinct
do else end except false fetch for foreign from grant group having in initially intersect into lateral leading limit
localtime localtimestamp not null offset on only or order placing primary references returning select session_user some
symmetric system_user table then to trailing true union unique user using variadic when where window with
authorization binary collation concurrently cross current_schema freeze full ilike inner is isnull join left like
natural notnull outer overlaps right similar tablesample verbose`)

// roles are names that no role can have.
// Source: https://www.postgresql.org/docs/17/sql-createrole.html and src/backend/utils/adt/acl.c (check_rolespec_name,
// IsReservedName); read 2026-11-23.
var roles = []string{"none", "public"}

// IsReserved tells whether PostgreSQL keeps a name for itself: key words, names of roles that are none, and "pg_".
func IsReserved(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(reserved, name) || slices.Contains(roles, name) || strings.HasPrefix(name, "pg_")
}
