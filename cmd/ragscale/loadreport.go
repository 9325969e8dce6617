package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/stacks"
)

// resultFile is the result of one generator, below the run's folder in the bucket.
const resultFile = "summary.json"

func loadReportCommand(c console) *cobra.Command {
	var stack, folder string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "report RUN",
		Short: "Judge a run that is over by the results of all its generators (exit code 3 when a threshold was missed)",
		Long: "Reads the results of a run, which `ragscale load run` and `kubectl -n " + loadNamespace +
			" get jobs` name, from the stack's bucket with the\n" +
			"AWS credentials of the environment, or from a copy of the run's folder. Counts and rates are those of the whole " +
			"run; of percentiles\n" +
			"the largest of the generators is taken, which the whole does not exceed.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			from := resultsIn(folder)
			if folder == "" {
				if from, err = p.resultsOf(cmd.Context(), cfg, args[0]); err != nil {
					return err
				}
			}
			return c.loadReport(args[0], cfg, from, asJSON)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	cmd.Flags().StringVar(&folder, "folder", "", "a copy of the run's folder, with generator-0 and so on")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// loadReport prints the report of a run and returns errUnhealthy when it missed a threshold.
func (c console) loadReport(run string, cfg *stacks.Config, read func() ([]loadResult, error), asJSON bool) error {
	scenario, err := scenarioOf(cfg, run)
	if err != nil {
		return err
	}
	results, err := read()
	if err != nil {
		return err
	}
	report, err := mergeResults(run, scenario.Generators, results)
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(c.out).Encode(report)
	} else {
		err = report.print(c.out)
	}
	if err == nil && !report.Passed {
		return errUnhealthy
	}
	return err
}

// scenarioOf finds the scenario of a run, whose name begins with it.
func scenarioOf(cfg *stacks.Config, run string) (stacks.LoadScenario, error) {
	var names []string
	for _, s := range cfg.LoadScenarios() {
		if strings.HasPrefix(run, s.Name+"-") {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return stacks.LoadScenario{}, fmt.Errorf("RUN is %q, want a run of one of %s, such as %s-20261124-033000", run,
		strings.Join(names, ", "), names[0])
}

// resultsIn reads the results in a run's folder.
func resultsIn(folder string) func() ([]loadResult, error) {
	return func() ([]loadResult, error) {
		files, err := filepath.Glob(filepath.Join(folder, "generator-*", resultFile))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("%s has no generator-*/%s", folder, resultFile)
		}
		var results []loadResult
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			result, err := parseResult(file, text)
			if err != nil {
				return nil, err
			}
			results = append(results, result)
		}
		return results, nil
	}
}

// resultsOf reads the results of a run in the stack's bucket.
func (p project) resultsOf(ctx context.Context, cfg *stacks.Config, run string) (func() ([]loadResult, error), error) {
	if cfg.Stack == localStack {
		return resultsIn(p.loadFolder(run)), nil
	}
	scenario, err := scenarioOf(cfg, run)
	if err != nil {
		return nil, err
	}
	bucket, err := stackOutput(ctx, cfg.Stack, "loadResultsBucket")
	if err != nil {
		return nil, err
	}
	own, err := config.LoadDefaultConfig(ctx, config.WithRegion(cfg.Region))
	if err != nil {
		return nil, fmt.Errorf("AWS credentials: %w", err)
	}
	return resultsInBucket(ctx, s3.NewFromConfig(own), bucket, fmt.Sprintf("results/%s/%s/", scenario.Name, run)), nil
}

// resultsInBucket reads the results below a prefix of a bucket.
func resultsInBucket(ctx context.Context, client *s3.Client, bucket, prefix string) func() ([]loadResult, error) {
	return func() ([]loadResult, error) {
		var results []loadResult
		pages := s3.NewListObjectsV2Paginator(client,
			&s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String(prefix)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("s3://%s/%s: %w", bucket, prefix, err)
			}
			for _, object := range page.Contents {
				key := aws.ToString(object.Key)
				if !strings.HasSuffix(key, "/"+resultFile) {
					continue
				}
				result, err := readObject(ctx, client, bucket, key)
				if err != nil {
					return nil, err
				}
				results = append(results, result)
			}
		}
		return results, nil
	}
}

func readObject(ctx context.Context, client *s3.Client, bucket, key string) (loadResult, error) {
	name := fmt.Sprintf("s3://%s/%s", bucket, key)
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return loadResult{}, fmt.Errorf("%s: %w", name, err)
	}
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	if err != nil {
		return loadResult{}, fmt.Errorf("%s: %w", name, err)
	}
	return parseResult(name, text)
}
