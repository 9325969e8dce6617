package price

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// ReadOn is when the prices that stand here were read.
var ReadOn = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// freshFor is how long a price is taken for today's: a choice of our own.
const freshFor = 180 * 24 * time.Hour

// Stale says so of prices of a day that are older than 180 days; "" of those that are not.
func Stale(of, now time.Time) string {
	if now.Sub(of) <= freshFor {
		return ""
	}
	return fmt.Sprintf("the prices are of %s, %.0f days old, want some of the last 180: --prices FILE",
		of.Format(time.DateOnly), now.Sub(of).Hours()/24)
}

// List are prices of a file, which stand before those that stand here. The zero List has none.
type List struct {
	Published time.Time // the oldest of its files
	prices    map[listed]float64
}

// listed is what a price is of.
type listed struct {
	region  string
	service Service
	typ     string
}

// offer is AWS' own form of a price list: a file of the bulk API, such as that of
// https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonEC2/current/eu-central-1/index.json .
// Source: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-files.html ; as
// remembered, 2026-11-30.
type offer struct {
	OfferCode       string
	PublicationDate time.Time
	Products        map[string]struct {
		ProductFamily string
		Attributes    map[string]string
	}
	Terms struct {
		OnDemand map[string]map[string]struct {
			PriceDimensions map[string]struct {
				Unit         string
				PricePerUnit map[string]string
			}
		}
	}
}

// mostBytes bounds a file: that of EC2 in one region has some 400 MB.
const mostBytes = 1 << 30

// mostFaults of a file that are named: a choice of our own.
const mostFaults = 20

// services are those of a list's products, with what tells the variety that is priced here from the others: AWS' own
// names of attributes, as remembered 2026-11-30.
var services = map[string]struct {
	service Service
	family  string
	only    map[string]string
}{
	"AmazonEC2": {NodeHours, "Compute Instance", map[string]string{"operatingSystem": "Linux", "tenancy": "Shared",
		"preInstalledSw": "NA", "capacitystatus": "Used"}},
	"AmazonRDS": {DatabaseHours, "Database Instance", map[string]string{"databaseEngine": "PostgreSQL",
		"deploymentOption": "Single-AZ"}},
	"AmazonElastiCache": {CacheHours, "Cache Instance", map[string]string{"cacheEngine": "Redis"}},
}

// Add reads a file in AWS' own form: of EC2, RDS or ElastiCache. Instances of other systems, engines and tenancies are
// left out. Of several prices of one instance the least counts. Its error names what is no such file, or has no price.
func (l *List) Add(name string, from io.Reader) error {
	var o offer
	decoder := json.NewDecoder(io.LimitReader(from, mostBytes))
	if err := decoder.Decode(&o); err != nil {
		return fmt.Errorf("%s: %w; want a price list of AWS' bulk API, as JSON", name, err)
	}
	kind, known := services[o.OfferCode]
	if !known || o.PublicationDate.IsZero() {
		return fmt.Errorf("%s: offerCode is %q, published %s, want AmazonEC2, AmazonRDS or AmazonElastiCache with its date",
			name, o.OfferCode, o.PublicationDate.Format(time.DateOnly))
	}
	if l.Published.IsZero() || o.PublicationDate.Before(l.Published) {
		l.Published = o.PublicationDate
	}
	var faults []error
	fits, seen := 0, map[listed]float64{}
	for _, sku := range slices.Sorted(maps.Keys(o.Products)) { // in order: the same file gives the same list and faults
		p := o.Products[sku]
		if p.ProductFamily != kind.family || !has(p.Attributes, kind.only) {
			continue
		}
		fits++
		of := listed{p.Attributes["regionCode"], kind.service, p.Attributes["instanceType"]}
		if err := l.put(of, o, sku, seen); err != nil {
			faults = append(faults, fmt.Errorf("%s: %s %s: %w", name, sku, of.typ, err))
		}
	}
	if fits == 0 {
		faults = append(faults, fmt.Errorf("%s: no product is a %s with %v, want one or more", name, kind.family, kind.only))
	}
	return joined(name, faults)
}

// joined are the faults of a file, the first twenty.
func joined(name string, faults []error) error {
	if more := len(faults) - mostFaults; more > 0 {
		faults = append(faults[:mostFaults], fmt.Errorf("%s: and %d more", name, more))
	}
	return errors.Join(faults...)
}

func (l *List) put(of listed, o offer, sku string, seen map[listed]float64) error {
	usd, err := o.hourly(sku)
	if err != nil {
		return err
	}
	if l.prices == nil {
		l.prices = map[listed]float64{}
	}
	if before, twice := seen[of]; twice { // others have something on top, such as support of an old version
		usd = min(usd, before)
	}
	l.prices[of], seen[of] = usd, usd
	return nil
}

func has(all, only map[string]string) bool {
	for key, want := range only {
		if all[key] != want {
			return false
		}
	}
	return all["regionCode"] != "" && all["instanceType"] != ""
}

// hourly is the price of an hour on demand.
func (o offer) hourly(sku string) (float64, error) {
	for _, term := range o.Terms.OnDemand[sku] {
		for _, d := range term.PriceDimensions {
			usd, err := strconv.ParseFloat(d.PricePerUnit["USD"], 64)
			if err != nil || d.Unit != "Hrs" || !(usd > 0) || math.IsInf(usd, 0) {
				return 0, fmt.Errorf("price is %q USD per %q, want one above 0 per Hrs", d.PricePerUnit["USD"], d.Unit)
			}
			return usd, nil
		}
	}
	return 0, errors.New("no price on demand, want one")
}

// In returns a price of the list, else that of In.
func (l *List) In(region string, s Service, typ string) (price Price, ok bool) {
	if l != nil {
		if usd, listed := l.prices[listed{region, s, typ}]; listed {
			return Price{USD: usd, Per: "hour"}, true
		}
	}
	return In(region, s, typ)
}

// Day is when the prices of a list are of: for none, of those that stand here.
func (l *List) Day() time.Time {
	if l == nil || l.Published.IsZero() {
		return ReadOn
	}
	return l.Published
}
