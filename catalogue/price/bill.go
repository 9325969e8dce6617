// Package price holds list prices, and adds up what a stack's resources cost in a month.
//
// Owns: prices by service, type and region; the arithmetic from priced items to a bill, its text. Does not own: what a
// stack is made of (whoever lists the items).
//
// It counts what is billed by the time it exists. What is billed by use is left out, and the bill says so.
package price

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// HoursPerMonth is AWS' own average, 8,760 / 12. Source: https://calculator.aws ; read 2026-11-24.
const HoursPerMonth = 730

// base is the region whose list prices stand here: a choice of our own.
const base = "us-east-1"

// LeftOut is what no item stands for, in words of our own.
const LeftOut = "requests, data transfer and processing, log and metric volume, backups beyond the databases' size, " +
	"IOPS beyond the baseline, spot and other discounts, taxes"

// Item is something that is billed: at least Min of it all the time, and at most Max.
type Item struct {
	Name    string  `json:"name"` // "nodes api"
	Service Service `json:"service"`
	Type    string  `json:"type,omitempty"` // "m7g.xlarge", for services that have types
	Min     float64 `json:"min"`            // instances, or GiB
	Max     float64 `json:"max"`
}

// Line is an item with its price.
type Line struct {
	Item
	UnitUSD float64 `json:"unitUSD"`
	Per     string  `json:"per"` // "hour", "month", "GiB-month"; "" if there is no price
	MinUSD  float64 `json:"minUSD"`
	MaxUSD  float64 `json:"maxUSD"` // a month
}

// Bill is a month's estimate.
type Bill struct {
	Region    string   `json:"region"`
	Lines     []Line   `json:"lines"`
	MinUSD    float64  `json:"minUSD"` // a month, of the lines that have a price
	MaxUSD    float64  `json:"maxUSD"`
	NotPriced []string `json:"notPriced"` // services and types without a price, sorted
	LeftOut   string   `json:"leftOut"`
	PricedAs  string   `json:"pricedAs"` // the region whose prices were taken
}

// Estimate prices items in a region. A region without figures is priced as us-east-1.
func Estimate(region string, items []Item) Bill { return (*List)(nil).Estimate(region, items) }

// Estimate is Estimate with the list's prices, where it has one.
func (l *List) Estimate(region string, items []Item) Bill {
	bill := Bill{Region: region, PricedAs: region, NotPriced: []string{}, LeftOut: LeftOut}
	if _, known := Markup(region); !known {
		bill.PricedAs = base
	}
	for _, item := range items {
		line, ok := l.priced(region, item)
		if !ok {
			bill.NotPriced = append(bill.NotPriced, item.kind())
		}
		bill.MinUSD += line.MinUSD
		bill.MaxUSD += line.MaxUSD
		bill.Lines = append(bill.Lines, line)
	}
	slices.Sort(bill.NotPriced)
	bill.NotPriced = slices.Compact(bill.NotPriced)
	return bill
}

func (l *List) priced(region string, item Item) (line Line, ok bool) {
	unit, ok := l.In(region, item.Service, item.Type)
	if !ok {
		return Line{Item: item}, false
	}
	month := unit.USD
	if unit.Per == "hour" {
		month *= HoursPerMonth
	}
	return Line{Item: item, UnitUSD: unit.USD, Per: unit.Per, MinUSD: item.Min * month, MaxUSD: item.Max * month}, true
}

// Items are those of the bill's lines.
func (b Bill) Items() (all []Item) {
	for _, l := range b.Lines {
		all = append(all, l.Item)
	}
	return all
}

func (i Item) kind() string {
	if i.Type == "" {
		return string(i.Service)
	}
	return string(i.Service) + " " + i.Type
}

// Write prints the bill as a table, and under it what it does not hold.
func (b Bill) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ITEM\tWHAT\tCOUNT\tUNIT PRICE USD\tUSD A MONTH")
	for _, l := range b.Lines {
		unit := "not priced"
		if l.Per != "" {
			unit = fmt.Sprintf("%.4f per %s", l.UnitUSD, l.Per)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", l.Name, l.kind(), span("%.0f", l.Min, l.Max), unit,
			span("%.2f", l.MinUSD, l.MaxUSD))
	}
	fmt.Fprintf(table, "total\t\t\t\t%s\n", span("%.2f", b.MinUSD, b.MaxUSD))
	if err := table.Flush(); err != nil {
		return err
	}
	for _, note := range b.notes() {
		if _, err := fmt.Fprintln(w, note); err != nil {
			return err
		}
	}
	return nil
}

// span is a range, or one figure where both ends are the same.
func span(format string, least, most float64) string {
	low, high := fmt.Sprintf(format, least), fmt.Sprintf(format, most)
	if low == high {
		return low
	}
	return low + " to " + high
}

func (b Bill) notes() []string {
	notes := []string{
		fmt.Sprintf("On-demand list prices, %d hours a month; from the fewest nodes and GiB to the most that autoscaling "+
			"may reach.", HoursPerMonth),
		"Left out: " + b.LeftOut + ".",
	}
	if factor, _ := Markup(b.PricedAs); b.PricedAs != b.Region {
		notes = append(notes, fmt.Sprintf("The prices are those of %s: there are none of %s here, which may be dearer.",
			base, b.Region))
	} else if b.Region != base {
		notes = append(notes, fmt.Sprintf("What differs by region costs %v times what it does in %s.", factor, base))
	}
	for _, kind := range b.NotPriced {
		notes = append(notes, "Not priced: "+kind+".")
	}
	return notes
}
