package awsapi

import "strings"

func stsQuery() query {
	return query{namespace: "https://sts.amazonaws.com/doc/2011-06-15/", actions: map[string]func(call) ([]element, error){
		"GetCallerIdentity": func(c call) ([]element, error) {
			return []element{el("Arn", c.caller.ARN), el("UserId", c.caller.AccessKeyID), el("Account", accountOf(c.caller.ARN))}, nil
		},
	}}
}

// accountOf is the account of an ARN: arn:aws:iam::123456789012:user/sandbox.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
