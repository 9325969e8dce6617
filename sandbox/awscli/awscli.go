// Package awscli stands in for the AWS CLI in pods of its image: it knows `aws s3 cp` between files and S3, in the CLI's
// own words.
//
// Owns: arguments, which file has which key, what is printed. Does not own: credentials, endpoints, certificates and
// retries, which are the SDK's and come from the environment.
package awscli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// Exit codes of the CLI.
// Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html ; read 2026-11-30.
const (
	exitFailed  = 1
	exitUsage   = 252
	exitNoSetup = 253
)

const scheme = "s3://"

// copying is one `aws s3 cp`.
type copying struct {
	client      *s3.Client
	recursive   bool
	errorsOnly  bool
	quiet       bool
	from, to    string
	out, faults io.Writer
}

// Main runs the CLI with the arguments after its name; the result is its exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := &copying{out: stdout, faults: stderr}
	if err := c.parse(args); err != nil {
		fmt.Fprintf(stderr, "\naws: error: %v\n", err)
		return exitUsage
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err == nil && cfg.Region == "" {
		err = errors.New("you must specify a region: AWS_REGION is not set")
	}
	if err != nil {
		fmt.Fprintf(stderr, "\naws: error: %v\n", err)
		return exitNoSetup
	}
	c.client = s3.NewFromConfig(cfg)
	if err := c.run(ctx); err != nil {
		fmt.Fprintf(stderr, "fatal error: %s\n", worded(err))
		return exitFailed
	}
	return 0
}

// parse reads arguments; flags may stand anywhere, as the CLI takes them.
func (c *copying) parse(args []string) error {
	if len(args) < 2 || args[0] != "s3" || args[1] != "cp" {
		return fmt.Errorf("%q is not known here: the sandbox's stand-in for the AWS CLI knows s3 cp alone", strings.Join(args, " "))
	}
	flags := flag.NewFlagSet("aws s3 cp", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&c.recursive, "recursive", false, "")
	flags.BoolVar(&c.errorsOnly, "only-show-errors", false, "")
	flags.BoolVar(&c.quiet, "quiet", false, "")
	flags.Bool("no-progress", true, "")
	var paths []string
	for rest := args[2:]; len(rest) > 0; {
		if err := flags.Parse(rest); err != nil {
			return fmt.Errorf("s3 cp: %w", err)
		}
		if rest = flags.Args(); len(rest) > 0 {
			paths, rest = append(paths, rest[0]), rest[1:]
		}
	}
	if len(paths) != 2 {
		return fmt.Errorf("s3 cp: %d paths, want a source and a destination", len(paths))
	}
	c.from, c.to = paths[0], paths[1]
	if strings.HasPrefix(c.from, scheme) == strings.HasPrefix(c.to, scheme) || slices.Contains(paths, "-") {
		return errors.New("s3 cp: want a file or folder, and an s3://BUCKET/KEY")
	}
	return nil
}

func (c *copying) run(ctx context.Context) error {
	if strings.HasPrefix(c.to, scheme) {
		return c.upload(ctx)
	}
	return c.download(ctx)
}

// each copies all of a list; what fails is said, and the others go on.
func (c *copying) each(verb string, pairs [][2]string, one func(from, to string) error) error {
	failed := 0
	for _, p := range pairs {
		if err := one(p[0], p[1]); err != nil {
			failed++
			fmt.Fprintf(c.faults, "%s failed: %s to %s %s\n", verb, p[0], p[1], worded(err))
			continue
		}
		if !c.errorsOnly && !c.quiet {
			fmt.Fprintf(c.out, "%s: %s to %s\n", verb, p[0], p[1])
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d were not copied", failed, len(pairs))
	}
	return nil
}

// worded is an error as the CLI says it.
func worded(err error) string {
	var api smithy.APIError
	var call *smithy.OperationError
	if errors.As(err, &api) && errors.As(err, &call) {
		return fmt.Sprintf("An error occurred (%s) when calling the %s operation: %s", api.ErrorCode(), call.Operation(), api.ErrorMessage())
	}
	return err.Error()
}

// location is a bucket and a key of s3://BUCKET/KEY.
func location(path string) (bucket, key *string) {
	b, k, _ := strings.Cut(strings.TrimPrefix(path, scheme), "/")
	return aws.String(b), aws.String(k)
}
