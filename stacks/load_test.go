package stacks_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/stacks"
)

// noResources answers a program that declares nothing.
type noResources struct{}

func (noResources) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", nil, fmt.Errorf("%s is not expected", args.Name)
}

func (noResources) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("%s is not expected", args.Token)
}

const password = "correct-horse-battery"

// load runs stacks.Load in a program of stack dev with the given configuration, as the language host would.
func load(t *testing.T, config map[string]string, secret []string, then func(*stacks.Config, stacks.Secrets)) error {
	t.Helper()
	encode := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	t.Setenv(pulumi.EnvConfig, encode(config))
	t.Setenv(pulumi.EnvConfigSecretKeys, encode(secret))
	return pulumi.RunErr(func(ctx *pulumi.Context) error {
		c, secrets, err := stacks.Load(ctx)
		if err == nil && then != nil {
			then(c, secrets)
		}
		return err
	}, pulumi.WithMocks("ragscale", "dev", noResources{}))
}

func TestLoadReadsTheRunningStack(t *testing.T) {
	config := map[string]string{"aws:region": "eu-west-1", "ragscale:slo": `{"cpuPercent": 60}`, "ragscale:databasePassword": password}
	var got *stacks.Config
	err := load(t, config, []string{"ragscale:databasePassword"}, func(c *stacks.Config, _ stacks.Secrets) { got = c })
	if err != nil {
		t.Fatal(err)
	}
	if got.Stack != "dev" || got.Region != "eu-west-1" || got.SLO.CPUPercent != 60 {
		t.Errorf("%+v", got)
	}
}

func TestPasswordIsASecretOutput(t *testing.T) {
	config := map[string]string{"aws:region": "eu-west-1", "ragscale:databasePassword": password}
	seen := make(chan string, 1)
	err := load(t, config, []string{"ragscale:databasePassword"}, func(_ *stacks.Config, s stacks.Secrets) {
		if !pulumi.IsSecret(s.DatabasePassword) {
			t.Error("the password is a plain output")
		}
		s.DatabasePassword.ApplyT(func(text string) string { seen <- text; return text })
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != password {
		t.Errorf("got %q", got)
	}
}

func TestLoadReportsEveryFaultAtOnce(t *testing.T) {
	err := load(t, map[string]string{"aws:region": "eu-west-1", "ragscale:sloo": "{}", "ragscale:slo": `{"cpuPercent": 0}`}, nil, nil)
	for _, want := range []string{
		"ragscale:sloo is no known key (did you mean slo?)",
		"ragscale:slo.cpuPercent is 0, want a number from 1 to 99",
		"ragscale:databasePassword is not set, want a secret: pulumi config set --secret ragscale:databasePassword",
	} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("lacks %q:\n%v", want, err)
		}
	}
	var fault stacks.Fault
	if !errors.As(err, &fault) || fault.Path == "" {
		t.Errorf("no Fault in %v", err)
	}
}

func TestNoErrorShowsThePassword(t *testing.T) {
	tests := map[string]struct {
		password string
		secret   []string
		want     string
	}{
		"in plain text": {password, nil, "ragscale:databasePassword is not encrypted"},
		"too short":     {"horse", []string{"ragscale:databasePassword"}, "ragscale:databasePassword does not suit RDS"},
		"with a slash":  {"correct/horse", []string{"ragscale:databasePassword"}, "ragscale:databasePassword does not suit RDS"},
		"with a space":  {"correct horse", []string{"ragscale:databasePassword"}, "ragscale:databasePassword does not suit RDS"},
	}
	for name, tt := range tests {
		err := load(t, map[string]string{"aws:region": "eu-west-1", "ragscale:databasePassword": tt.password}, tt.secret, nil)
		if got := fmt.Sprint(err); !strings.Contains(got, tt.want) || strings.Contains(got, tt.password) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretWhereNoneBelongsIsAFaultThatDoesNotShowIt(t *testing.T) {
	config := map[string]string{"aws:region": "eu-west-1", "ragscale:databasePassword": password, "ragscale:costCentre": "classified"}
	err := load(t, config, []string{"ragscale:databasePassword", "ragscale:costCentre"}, nil)
	if got := fmt.Sprint(err); !strings.Contains(got, "ragscale:costCentre is a secret") || strings.Contains(got, "classified") {
		t.Errorf("%v", err)
	}
}
