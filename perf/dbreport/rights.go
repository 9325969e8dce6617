package dbreport

import "context"

// rights tells what the report does not know. A role sees its own sessions and statements; those of others, and the
// replicas, only as a member of pg_read_all_stats, which RDS's master user is.
func (i *inspection) rights(ctx context.Context) error {
	if i.seesAll {
		return nil
	}
	var role string
	if err := i.tx.QueryRow(ctx, `SELECT quote_ident(current_user)`).Scan(&role); err != nil {
		return err
	}
	i.add(Finding{
		Check: "rights", Severity: Warning, Subject: role,
		Fact:     "sees its own sessions and statements alone, and no replica",
		Evidence: []Figure{},
		Answer:   "make it a member of pg_read_all_stats, as the master user",
		SQL:      "GRANT pg_read_all_stats TO " + role + ";",
	})
	return nil
}
