package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/infra/platform"
)

// declare looks for what the machine must have before it declares anything: half an hour later, at the first Kubernetes
// object, is too late.
func declare(ctx *pulumi.Context) error {
	if err := awsCLI(exec.LookPath, output); err != nil {
		return err
	}
	return platform.Declare(ctx)
}

func output(path string, args ...string) ([]byte, error) {
	return exec.Command(path, args...).CombinedOutput() //nolint:gosec // the aws that PATH has
}

// awsCLI wants version 2 of the AWS CLI on PATH: the kubeconfig has it fetch a token for every call to the cluster.
func awsCLI(lookPath func(string) (string, error), output func(string, ...string) ([]byte, error)) error {
	const want = "want AWS CLI 2, which fetches the Kubernetes provider's tokens: " +
		"https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
	path, err := lookPath("aws")
	if err != nil {
		return errors.New("aws is not on PATH, " + want)
	}
	said, err := output(path, "--version")
	if err != nil {
		return fmt.Errorf("%s --version: %w, %s", path, err, want)
	}
	if version := strings.TrimSpace(string(said)); !strings.HasPrefix(version, "aws-cli/2.") {
		return fmt.Errorf("%s is %q, %s", path, version, want)
	}
	return nil
}
