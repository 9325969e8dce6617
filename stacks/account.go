package stacks

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// Account is how a stack's AWS provider signs in and tags, as far as the stack's file says: a second provider, of
// another region, is told by nobody else. What the environment says reaches both.
type Account struct {
	Profile     string
	AccountIDs  []string // the only ones that may be changed; empty allows any
	Role        AssumedRole
	DefaultTags map[string]string
}

// AssumedRole is a role that the provider takes on; the zero value is none.
type AssumedRole struct {
	ARN         string `json:"roleArn"`
	ExternalID  string `json:"externalId"`
	SessionName string `json:"sessionName"`
	Duration    string `json:"duration"` // "1h"
}

// LoadAccount reads aws:profile, aws:allowedAccountIds, aws:assumeRole and aws:defaultTags.
func LoadAccount(ctx *pulumi.Context) (Account, error) {
	own := config.New(ctx, "aws")
	a := Account{Profile: own.Get("profile")}
	var tags struct {
		Tags map[string]string `json:"tags"`
	}
	err := errors.Join(own.GetObject("allowedAccountIds", &a.AccountIDs), own.GetObject("assumeRole", &a.Role),
		own.GetObject("defaultTags", &tags))
	if err != nil {
		return a, fmt.Errorf("aws: %w", err)
	}
	a.DefaultTags = tags.Tags
	return a, nil
}
