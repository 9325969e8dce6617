package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/catalogue/price"
	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/policies/rules"
	"github.com/ragscale/ragscale/stacks"
)

// planCostCommand prints a stack's bill, which policy monthly-cost holds against the budget; its JSON is price.Bill.
func planCostCommand(c console) *cobra.Command {
	var asJSON bool
	var files []string
	cmd := stackCommand("cost", "Show what a stack costs a month at list prices, item by item, and its budget",
		func(_ context.Context, p project, stack string) error {
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			prices, err := readPrices(files)
			if err != nil {
				return err
			}
			bill, err := p.bill(stack, cfg.Region)
			if err != nil {
				return err
			}
			bill = prices.Estimate(cfg.Region, bill.Items())
			if old := price.Stale(prices.Day(), time.Now()); old != "" {
				c.note("%s", old)
			}
			if asJSON {
				return c.json(bill)
			}
			if err := bill.Write(c.out); err != nil {
				return err
			}
			if cfg.Environment == stacks.Local {
				_, err = fmt.Fprintln(c.out, "This stack runs on one machine and costs nothing: so much would the same on AWS.")
				return err
			}
			_, err = fmt.Fprintln(c.out, budgetLine(bill, cfg.Budget))
			return err
		})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	pricesFlag(cmd, &files)
	return cmd
}

func pricesFlag(cmd *cobra.Command, files *[]string) {
	cmd.Flags().StringSliceVar(files, "prices", nil, "files of AWS' price list (EC2, RDS or ElastiCache, JSON) that stand before ours")
}

// readPrices reads files of AWS' price list; the error has all faults.
func readPrices(files []string) (*price.List, error) {
	list := &price.List{}
	var faults []error
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		faults = append(faults, list.Add(name, file), file.Close())
	}
	return list, errors.Join(faults...)
}

// bill prices what the stack's program declares.
func (p project) bill(stack, region string) (price.Bill, error) {
	values, err := stacks.ReadFile(p.stackFile(stack))
	if err != nil {
		return price.Bill{}, err
	}
	planned, err := platform.Plan(stack, values)
	if err != nil {
		return price.Bill{}, err
	}
	var s rules.Stack
	for _, r := range planned {
		s.Resources = append(s.Resources, rules.Resource{
			Type: r.Type, Name: r.Name, URN: r.Path, Inputs: resource.FromResourcePropertyMap(r.Inputs), Sources: r.Inherits,
		})
	}
	bill, _ := rules.BillOf(s, region) // nothing is unknown in a plan
	return bill, nil
}

func budgetLine(bill price.Bill, budget stacks.Budget) string {
	switch {
	case budget.MonthlyUSD == 0:
		return "Budget: none is stated (ragscale:budget.monthlyUSD)."
	case bill.MinUSD > budget.MonthlyUSD:
		return fmt.Sprintf("Budget: %.0f USD a month, exceeded by %.0f at the least.", budget.MonthlyUSD,
			bill.MinUSD-budget.MonthlyUSD)
	default:
		return fmt.Sprintf("Budget: %.0f USD a month, of which %.0f are left at the least size.", budget.MonthlyUSD,
			budget.MonthlyUSD-bill.MinUSD)
	}
}
