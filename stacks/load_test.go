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

var bothSecrets = []string{"ragscale:databasePassword", "ragscale:cachePassword"}

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
	t.Setenv(pulumi.EnvConfig, encode(withAuth(config)))
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
	config := map[string]string{"aws:region": "eu-west-1", "ragscale:slo": `{"cpuPercent": 75}`, "ragscale:databasePassword": password, "ragscale:cachePassword": password}
	var got *stacks.Config
	err := load(t, config, bothSecrets, func(c *stacks.Config, _ stacks.Secrets) { got = c })
	if err != nil {
		t.Fatal(err)
	}
	if got.Stack != "dev" || got.Region != "eu-west-1" || got.SLO.CPUPercent != 75 {
		t.Errorf("%+v", got)
	}
}

func TestPasswordsAreSecretOutputs(t *testing.T) {
	config := map[string]string{"aws:region": "eu-west-1", "ragscale:databasePassword": password, "ragscale:cachePassword": password + "2"}
	seen := make(chan string, 2)
	err := load(t, config, bothSecrets, func(_ *stacks.Config, s stacks.Secrets) {
		if !pulumi.IsSecret(s.DatabasePassword) || !pulumi.IsSecret(s.CachePassword) {
			t.Error("a password is a plain output")
		}
		pulumi.All(s.DatabasePassword, s.CachePassword).ApplyT(func(v []any) string {
			seen <- fmt.Sprint(v...)
			return ""
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != password+" "+password+"2" && got != password+password+"2" {
		t.Errorf("got %q", got)
	}
}

func TestLoadReportsEveryFaultAtOnce(t *testing.T) {
	err := load(t, map[string]string{"aws:region": "eu-west-1", "ragscale:sloo": "{}", "ragscale:slo": `{"cpuPercent": 0}`}, nil, nil)
	for _, want := range []string{
		"ragscale:sloo is no known key (did you mean slo?)",
		"ragscale:slo.cpuPercent is 0, want a number from 1 to 99",
		"ragscale:databasePassword is not set, want a secret: pulumi config set --secret ragscale:databasePassword",
		"ragscale:cachePassword is not set, want a secret: pulumi config set --secret ragscale:cachePassword",
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
	database, cache := "ragscale:databasePassword", "ragscale:cachePassword"
	tests := map[string]struct {
		key, password string
		secret        []string
		want          string
	}{
		"in plain text":           {database, password, nil, database + " is not encrypted"},
		"too short":               {database, "horse", bothSecrets, database + " does not suit RDS, want 8 to 128 printable ASCII"},
		"with a slash":            {database, "correct/horse", bothSecrets, database + " does not suit RDS"},
		"with a space":            {database, "correct horse", bothSecrets, database + " does not suit RDS"},
		"cache's in plain text":   {cache, password, nil, cache + " is not encrypted"},
		"cache's is too short":    {cache, "horse-battery15", bothSecrets, cache + " does not suit ElastiCache, want 16 to 128 printable ASCII"},
		"cache's has a quotation": {cache, `correct-"horse"-battery`, bothSecrets, cache + " does not suit ElastiCache"},
	}
	for name, tt := range tests {
		err := load(t, map[string]string{"aws:region": "eu-west-1", tt.key: tt.password}, tt.secret, nil)
		if got := fmt.Sprint(err); !strings.Contains(got, tt.want) || strings.Contains(got, tt.password) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretWhereNoneBelongsIsAFaultThatDoesNotShowIt(t *testing.T) {
	config := map[string]string{"aws:region": "eu-west-1", "ragscale:databasePassword": password, "ragscale:costCentre": "classified"}
	err := load(t, config, append([]string{"ragscale:costCentre"}, bothSecrets...), nil)
	if got := fmt.Sprint(err); !strings.Contains(got, "ragscale:costCentre is a secret") || strings.Contains(got, "classified") {
		t.Errorf("%v", err)
	}
}
