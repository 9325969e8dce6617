package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/sandbox/ekstoken"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// variable is one of an environment.
type variable struct{ name, value string }

func envCommand(c console) *cobra.Command {
	var stack string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print what the AWS CLI and SDKs need to ask the sandbox: `eval \"$(ragscale env)\"; aws s3 ls`",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			if stack != localStack {
				return fmt.Errorf("stack %s is on AWS: the AWS CLI asks it with your own environment and AWS_REGION=%s", stack, cfg.Region)
			}
			env, err := sandboxEnv(p.layout, cfg.Region)
			if err != nil {
				return err
			}
			return c.printEnv(env, asJSON)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON: an object of variables")
	return cmd
}

// sandboxEnv makes an AWS SDK ask the sandbox of l, with the credentials of its owner.
func sandboxEnv(l layout.Layout, region string) ([]variable, error) {
	creds, err := ekstoken.Load(l)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there are no credentials yet: the first start of the sandbox makes them (`ragscale sandbox start` or `make up`)")
	}
	return []variable{
		{"AWS_ENDPOINT_URL", "https://" + l.HostAddr(layout.PortAWS)},
		{"AWS_CA_BUNDLE", l.CA()},
		{"AWS_REGION", region},
		{"AWS_DEFAULT_REGION", region}, // version 1 of the CLI reads no other
		{"AWS_ACCESS_KEY_ID", creds.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", creds.SecretAccessKey},
		{"AWS_SESSION_TOKEN", ""}, // of another account, it would be sent along
	}, err
}

func (c console) printEnv(env []variable, asJSON bool) error {
	if asJSON {
		all := map[string]string{}
		for _, v := range env {
			all[v.name] = v.value
		}
		return c.json(all)
	}
	for _, v := range env {
		fmt.Fprintf(c.out, "export %s=%s\n", v.name, quoted(v.value))
	}
	return nil
}

// quoted is a word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
