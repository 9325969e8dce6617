package insights

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
)

// groups are the dimension groups, with their dimensions, of a PostgreSQL on RDS as far as they are told here. What needs
// the engine's own ids (db_id) is not.
// Source: DimensionGroup of https://docs.aws.amazon.com/performance-insights/latest/APIReference/API_DimensionGroup.html ,
// as remembered 2026-11-30.
var groups = map[string][]string{
	"db":                 {"db.name"},
	"db.application":     {"db.application.name"},
	"db.host":            {"db.host.name"},
	"db.session_type":    {"db.session_type.name"},
	"db.sql":             {"db.sql.id", "db.sql.statement", "db.sql.tokenized_id"},
	"db.sql_tokenized":   {"db.sql_tokenized.id", "db.sql_tokenized.statement"},
	"db.user":            {"db.user.name"},
	"db.wait_event":      {"db.wait_event.name", "db.wait_event.type"},
	"db.wait_event_type": {"db.wait_event_type.name"},
}

// of are the values of dimensions.
var of = map[string]func(session) string{
	"db.name":                    func(s session) string { return s.database },
	"db.application.name":        func(s session) string { return s.application },
	"db.host.name":               func(s session) string { return s.host },
	"db.session_type.name":       func(s session) string { return s.kind },
	"db.user.name":               func(s session) string { return s.user },
	"db.sql.id":                  func(s session) string { return identity(s.statement) },
	"db.sql.statement":           func(s session) string { return s.statement },
	"db.sql.tokenized_id":        func(s session) string { return identity(tokenized(s.statement)) },
	"db.sql_tokenized.id":        func(s session) string { return identity(tokenized(s.statement)) },
	"db.sql_tokenized.statement": func(s session) string { return tokenized(s.statement) },
	"db.wait_event.type":         session.event,
	"db.wait_event_type.name":    session.event,
	"db.wait_event.name": func(s session) string {
		if s.waitType == "" {
			return "CPU"
		}
		return s.waitType + ":" + s.wait
	},
}

func (s session) event() string {
	if s.waitType == "" {
		return "CPU"
	}
	return s.waitType
}

func identity(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:20])
}

// literals are what tells statements of one form apart: texts, numbers, parameters.
var literals = regexp.MustCompile(`'(?:[^']|'')*'|\$\d+|\b\d+(?:\.\d+)?\b`)

func tokenized(statement string) string { return literals.ReplaceAllString(statement, "?") }

// values are those of some dimensions.
func (s session) values(dimensions []string) map[string]string {
	out := map[string]string{}
	for _, d := range dimensions {
		if v := of[d](s); v != "" {
			out[d] = v
		}
	}
	return out
}

// matches says whether a session has the values of a filter: of dimensions.
func (s session) matches(filter map[string]string) bool {
	for d, want := range filter {
		if of[d](s) != want {
			return false
		}
	}
	return true
}

// asked are the dimensions of a group, or those of it that are named.
func (g dimensionGroup) asked() ([]string, error) {
	all, known := groups[g.Group]
	if !known {
		return nil, invalid("The group %q is not told here, want one of %v", g.Group, sorted(groups))
	}
	for _, d := range g.Dimensions {
		if !slices.Contains(all, d) {
			return nil, invalid("The dimension %q is none of the group %s, want %v", d, g.Group, all)
		}
	}
	if g.Limit != nil && (*g.Limit < 1 || *g.Limit > 25) {
		return nil, invalid("Limit is %d, want 1 to 25", *g.Limit)
	}
	if len(g.Dimensions) > 0 {
		return g.Dimensions, nil
	}
	return all, nil
}

func checkFilter(filter map[string]string) error {
	for d := range filter {
		if of[d] == nil {
			return invalid("The filter's dimension %q is not told here, want one of %v", d, sorted(of))
		}
	}
	return nil
}
