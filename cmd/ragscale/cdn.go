package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

// entryDocuments are what a deploy has to invalidate: they keep their names. Assets have new ones.
var entryDocuments = []string{"/", "/index.html"}

// mostPaths is from where one wildcard is cheaper and sooner done than a list of paths: CloudFront bills each path
// beyond the first 1,000 of a month and counts a wildcard as one.
// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/PayingForInvalidation.html ; as
// remembered.
const mostPaths = 15

func cdnCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "cdn", Short: "The edge of a stack on AWS"}
	root.AddCommand(invalidateCommand(c))
	return root
}

func invalidateCommand(c console) *cobra.Command {
	var stack, distribution string
	cmd := &cobra.Command{
		Use:   "invalidate [PATH...]",
		Short: "Make CloudFront forget paths; without any, the entry documents that a deploy replaces",
		Long: "Asks CloudFront to forget what it keeps of the paths, each of which begins with / and may end in *. Uses " +
			"the AWS credentials\n" +
			"of the environment; the distribution is the stack's output cdnDistributionId, unless it is named.",
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = entryDocuments
			}
			if err := checkPaths(paths); err != nil {
				return err
			}
			if stack == localStack && distribution == "" {
				return errors.New("stack local has no edge that keeps anything, want a stack on AWS: --stack, or --distribution")
			}
			ctx := cmd.Context()
			if distribution == "" {
				id, err := stackOutput(ctx, stack, "cdnDistributionId")
				if err != nil {
					return err
				}
				distribution = id
			}
			cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"))
			if err != nil {
				return fmt.Errorf("AWS credentials: %w", err)
			}
			id, err := invalidate(ctx, cloudfront.NewFromConfig(cfg), distribution, paths)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "invalidation %s of %s begun: %s\n", id, distribution, strings.Join(paths, " "))
			return err
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	cmd.Flags().StringVar(&distribution, "distribution", "", "id of the distribution")
	return cmd
}

// checkPaths returns every fault of the paths.
func checkPaths(paths []string) error {
	var faults []error
	for _, p := range paths {
		switch star := strings.IndexByte(p, '*'); {
		case !strings.HasPrefix(p, "/"):
			faults = append(faults, fmt.Errorf("path is %q, want / first", p))
		case star >= 0 && star != len(p)-1:
			faults = append(faults, fmt.Errorf("path is %q, want * only at its end", p))
		}
	}
	if len(paths) > mostPaths {
		faults = append(faults, fmt.Errorf("paths are %d, want at most %d: one that ends in * covers many",
			len(paths), mostPaths))
	}
	return errors.Join(faults...)
}

// invalidate begins an invalidation and returns its id. Each has a reference of its own: CloudFront takes a repeated
// one for the same request and does nothing.
func invalidate(ctx context.Context, client *cloudfront.Client, distribution string, paths []string) (string, error) {
	out, err := client.CreateInvalidation(ctx, &cloudfront.CreateInvalidationInput{
		DistributionId: aws.String(distribution),
		InvalidationBatch: &types.InvalidationBatch{
			CallerReference: aws.String("ragscale-" + uuid.NewString()),
			Paths:           &types.Paths{Quantity: aws.Int32(int32(len(paths))), Items: paths},
		},
	})
	if err != nil {
		return "", fmt.Errorf("distribution %s: %w", distribution, err)
	}
	return aws.ToString(out.Invalidation.Id), nil
}

// stackOutput reads an output of a stack on AWS.
func stackOutput(ctx context.Context, stack, name string, flags ...string) (string, error) {
	out, err := pulumiCLI(ctx, append([]string{"stack", "output", name, "--stack", stack}, flags...)...)
	if err != nil {
		return "", fmt.Errorf("stack %s: output %s: %w", stack, name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// pulumiCLI asks the user's own Pulumi CLI, which knows where the state is. Its error has what that said.
func pulumiCLI(ctx context.Context, args ...string) ([]byte, error) {
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, "pulumi", args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return out, nil
}
