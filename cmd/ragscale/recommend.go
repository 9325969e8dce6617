package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/perf/recommend"
	"github.com/ragscale/ragscale/policies/rules"
	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/stacks"
)

// recommendFlags say what becomes of the answer.
type recommendFlags struct {
	stack, folder, patch string
	apply                bool
	number               int
	asJSON               bool
}

func recommendCommand(c console) *cobra.Command {
	var f recommendFlags
	cmd := &cobra.Command{
		Use:   "recommend [RUN]",
		Short: "Say which keys of the stack's file to change after a run, as a patch, and what is predicted of it",
		Long: "From the diagnosis of a run, the newest one without RUN: changes that the stack's rules, the policies and the budget allow,\n" +
			"ordered by predicted effect for a dollar a month, and what is to be done by hand. To change nothing is one of them. Predictions\n" +
			"are bounds of the demand laws and unverified; where a trial can try one, its command is named.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.recommend(cmd.Context(), strings.Join(args, ""), f)
		},
	}
	loadStoreFlags(cmd, &f.stack, &f.folder)
	cmd.Flags().StringVar(&f.patch, "patch", "", "file that gets the patch of the first recommendation, or of --number")
	cmd.Flags().BoolVar(&f.apply, "apply", false, "change the stack's file as the first recommendation says, or --number")
	cmd.Flags().IntVar(&f.number, "number", 1, "the recommendation that --patch and --apply are about")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "as JSON")
	return cmd
}

func (c console) recommend(ctx context.Context, name string, f recommendFlags) error {
	p, err := openProject()
	if err != nil {
		return err
	}
	file := p.stackFile(f.stack)
	if link, err := filepath.EvalSymlinks(file); err == nil {
		file = link // what is replaced is the file, not a link to it
	}
	d, run, err := c.diagnosed(ctx, f.stack, f.folder, name)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	answer, err := recommend.For(recommend.Input{
		Diagnosis: d.Diagnosis, Run: run, File: file, Name: p.within(file), Text: text, Check: checkOf(f.stack),
	})
	if err != nil {
		return err
	}
	if f.asJSON {
		err = json.NewEncoder(c.out).Encode(answer)
	} else {
		err = answer.Write(c.out)
	}
	if err != nil {
		return err
	}
	if err := c.keep(answer, f); err != nil {
		return err // nothing was written: that comes before the verdict
	}
	return diagnosisVerdict(d.Diagnosis, run)
}

// keep writes the patch, or changes the stack's file.
func (c console) keep(a *recommend.Answer, f recommendFlags) error {
	if f.patch == "" && !f.apply {
		return nil
	}
	if len(a.Recommendations) == 0 {
		return errors.New("no key is recommended: there is nothing for --patch or --apply")
	}
	if f.number < 1 || f.number > len(a.Recommendations) {
		return fmt.Errorf("--number is %d, want one of %d recommendations", f.number, len(a.Recommendations))
	}
	if f.patch != "" {
		patch := a.Recommendations[f.number-1].Patch
		if patch == "" {
			return errors.New("--patch: the recommendation changes nothing")
		}
		if err := atomicfile.Write(f.patch, []byte(patch), 0o644); err != nil {
			return err
		}
		c.note("the patch is in %s: `git apply %s` in the checkout", f.patch, f.patch)
	}
	if !f.apply {
		return nil
	}
	err := a.Apply(f.number-1, replaceKept)
	if err == nil {
		c.note("%s is changed: `ragscale up` or `pulumi up` makes it so, and `ragscale load run` measures it", a.File)
	}
	return err
}

// replaceKept replaces a file that may be written to, and keeps its mode.
func replaceKept(name string, text []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o200 == 0 {
		return fmt.Errorf("%s is read-only, want a file that may be changed, or --patch", name)
	}
	return atomicfile.Write(name, text, info.Mode().Perm())
}

// within is a file's name as a patch for the project's folder has it.
func (p project) within(file string) string {
	if dir, err := filepath.EvalSymlinks(p.dir); err == nil {
		if name, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(name) {
			return filepath.ToSlash(name)
		}
	}
	return filepath.Base(file)
}

// checkOf prices what a stack declares with other values, and refuses what a mandatory policy finds fault with that it
// does not find today.
func checkOf(stack string) recommend.Check {
	var today map[string]bool // findings; the first configuration that is asked about is today's
	return func(values map[string]string) (recommend.Cost, error) {
		cfg, err := stacks.Parse(stack, values)
		if err != nil {
			return recommend.Cost{}, err
		}
		planned, err := platform.Plan(stack, values)
		if err != nil {
			return recommend.Cost{}, err
		}
		var s rules.Stack
		for _, r := range planned {
			s.Resources = append(s.Resources, rules.Resource{
				Type: r.Type, Name: r.Name, URN: r.Path, Inputs: resource.FromResourcePropertyMap(r.Inputs), Sources: r.Inherits,
			})
		}
		found := findings(s, rules.For(cfg))
		if today == nil {
			today = found
		}
		bill, _ := rules.BillOf(s, cfg.Region) // nothing is unknown in a plan
		return recommend.Cost{Least: bill.MinUSD, Most: bill.MaxUSD}, errors.Join(newFindings(found, today), overBudget(bill.MinUSD, cfg))
	}
}

// newFindings names findings that are not among today's.
func newFindings(found, today map[string]bool) error {
	var faults []error
	for _, f := range slices.Sorted(maps.Keys(found)) {
		if !today[f] {
			faults = append(faults, errors.New(f))
		}
	}
	return errors.Join(faults...)
}

// overBudget refuses what costs more than the stack may, in every environment: on one machine nothing is paid.
func overBudget(usd float64, cfg *stacks.Config) error {
	if budget := cfg.Budget.MonthlyUSD; budget > 0 && usd > budget && cfg.Environment != stacks.Local {
		return fmt.Errorf("%.0f USD a month is above ragscale:budget.monthlyUSD, %.0f", usd, budget)
	}
	return nil
}

// findings are what policies that are mandatory in the environment say of a stack.
func findings(s rules.Stack, t rules.Thresholds) map[string]bool {
	all := map[string]bool{}
	for _, rule := range rules.All() {
		if rule.Levels.In(t.Environment) != rules.Mandatory {
			continue
		}
		var report rules.Report
		if rule.CheckStack != nil {
			rule.CheckStack(s, t, &report)
		} else {
			for _, r := range s.Resources {
				if len(rule.Types) == 0 || slices.Contains(rule.Types, r.Type) {
					rule.Check(r, t, &report)
				}
			}
		}
		for _, f := range report.Findings {
			all[fmt.Sprintf("policy %s: %s %s", rule.Name, f.Name, f)] = true
		}
	}
	return all
}
