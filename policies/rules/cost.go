package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/price"
)

var cost = []Rule{
	{
		Name: "monthly-cost", Area: Cost, Levels: production,
		Says: "With its fewest nodes and its storage at creation the stack costs no more a month than its budget, where " +
			"one is stated.",
		Fix: "Choose smaller types or fewer nodes; ragscale plan cost shows each item. Or raise " +
			"ragscale:budget.monthlyUSD.",
		Origin:     "ragscale:budget.monthlyUSD; on-demand list prices (catalogue/price), " + price.LeftOut + " left out",
		CheckStack: monthlyCost,
	},
}

func monthlyCost(s Stack, t Thresholds, p *Report) {
	if t.BudgetUSD <= 0 {
		return
	}
	bill, decided := BillOf(s, t.Region)
	want := fmt.Sprintf("at most %.0f (ragscale:budget.monthlyUSD)", t.BudgetUSD)
	switch {
	case bill.MinUSD > t.BudgetUSD:
		p.about(Resource{}, "monthly cost in USD", showBill(bill), want)
	case decided && len(bill.NotPriced) > 0:
		p.about(Resource{}, "monthly cost in USD", showBill(bill), want+" with a price for everything, or an exemption")
	}
}

func showBill(b price.Bill) string {
	text := fmt.Sprintf("%.0f, and %.0f with everything at its maximum", b.MinUSD, b.MaxUSD)
	if len(b.NotPriced) > 0 {
		text += ", not priced: " + strings.Join(b.NotPriced, ", ")
	}
	return text
}

// BillOf is what a stack costs in a region. decided = false while the type or number of something is not known: it is
// not on the bill then.
func BillOf(s Stack, region string) (bill price.Bill, decided bool) {
	list := itemList{stack: s, decided: true}
	for _, r := range s.Resources {
		if add, billed := billedTypes[r.Type]; billed {
			add(&list, r)
		}
	}
	slices.SortStableFunc(list.items, func(a, b price.Item) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Type, b.Type))
	})
	return price.Estimate(region, merged(list.items)), list.decided
}

// merged adds up items of the same name, service and type that follow one another.
func merged(items []price.Item) []price.Item {
	var all []price.Item
	for _, item := range items {
		if last := len(all) - 1; last >= 0 && all[last].Name == item.Name && all[last].Service == item.Service &&
			all[last].Type == item.Type {
			all[last].Min += item.Min
			all[last].Max += item.Max
			continue
		}
		all = append(all, item)
	}
	return all
}

// billedTypes are the types that are billed by time, each with what it adds.
var billedTypes = map[string]func(*itemList, Resource){
	eksCluster:                           single("cluster", price.ControlPlane),
	nodeGroup:                            (*itemList).nodes,
	natGateway:                           single("network", price.NATGateway),
	"aws:ec2/eip:Eip":                    single("network", price.PublicAddress),
	vpcEndpoint:                          (*itemList).endpoint,
	loadBalancer:                         (*itemList).balancer,
	rdsInstance:                          (*itemList).database,
	replicationGroup:                     (*itemList).cache,
	volumeClaim:                          (*itemList).volume,
	kmsKey:                               single("keys", price.EncryptionKey),
	secret:                               single("secrets", price.StoredSecret),
	metricAlarm:                          (*itemList).alarm,
	compositeAlarm:                       single("alarms", price.CompositeAlarm),
	"aws:cloudwatch/dashboard:Dashboard": single("dashboard", price.Dashboard),
	"aws:amp/scraper:Scraper":            single("metrics", price.MetricsCollector),
}

const vpcEndpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"

// itemList is the priced items of a stack while they are collected.
type itemList struct {
	stack   Stack
	items   []price.Item
	decided bool
}

func (l *itemList) add(name string, s price.Service, typ string, least, most float64) {
	l.items = append(l.items, price.Item{Name: name, Service: s, Type: typ, Min: least, Max: most})
}

func single(name string, s price.Service) func(*itemList, Resource) {
	return func(l *itemList, _ Resource) { l.add(name, s, "", 1, 1) }
}

// known is a number that the bill needs; without it the bill is not decided.
func (l *itemList) known(n Property) (number float64, ok bool) {
	number, ok = n.Number()
	l.decided = l.decided && ok
	return number, ok
}

func (l *itemList) typ(n Property) (name string, ok bool) {
	l.decided = l.decided && n.Text() != ""
	return n.Text(), n.Text() != ""
}

// nodes prices a group by its first type, on demand, and the root volume of its launch template, 20 GiB unless said.
func (l *itemList) nodes(r Resource) {
	least, leastKnown := l.known(r.At("scalingConfig", "minSize"))
	most, mostKnown := l.known(r.At("scalingConfig", "maxSize"))
	types := r.At("instanceTypes").Each()
	if !leastKnown || !mostKnown || len(types) == 0 {
		l.decided = false
		return
	}
	name := "nodes " + r.At("labels", poolLabel).Text()
	if typ, ok := l.typ(types[0]); ok {
		l.add(name, price.NodeHours, typ, least, most)
	}
	size := 20.0
	for _, template := range l.stack.OfType(launchTemplate) {
		if disks := template.At("blockDeviceMappings").Each(); r.mayComeFrom("launchTemplate", template) && len(disks) > 0 {
			size, _ = l.known(disks[0].At("ebs", "volumeSize"))
			break
		}
	}
	l.add(name, price.VolumeStorage, "", least*size, most*size)
}

// endpoint is billed in each of its subnets' zones; a gateway endpoint is free.
func (l *itemList) endpoint(r Resource) {
	subnets := r.At("subnetIds")
	if r.At("vpcEndpointType").Unknown() || subnets.Unknown() {
		l.decided = false
	} else if r.At("vpcEndpointType").Text() == "Interface" {
		l.add("network", price.Endpoint, "", float64(len(subnets.Each())), float64(len(subnets.Each())))
	}
}

// balancer has a public address in each subnet, unless it is internal.
func (l *itemList) balancer(r Resource) {
	l.add("api", price.LoadBalancer, "", 1, 1)
	if r.At("internal").Unknown() || r.At("subnets").Unknown() {
		l.decided = false
	} else if zones := float64(len(r.At("subnets").Each())); !r.At("internal").True() {
		l.add("api", price.PublicAddress, "", zones, zones)
	}
}

// database is twice there with a standby. A replica that does not say otherwise has its source's class and storage.
func (l *itemList) database(r Resource) {
	name, copies := "database", 1.0
	if replicates(r) {
		name = "database replica"
	}
	if r.At("multiAz").Unknown() {
		l.decided = false
	}
	if r.At("multiAz").True() {
		copies = 2
	}
	if class, ok := l.typ(l.ownOrSources(r, "instanceClass")); ok {
		l.add(name, price.DatabaseHours, class, copies, copies)
	}
	now, known := l.known(l.ownOrSources(r, "allocatedStorage"))
	if !known {
		return
	}
	most, grows := r.At("maxAllocatedStorage").Number()
	if !grows || most < now {
		most = now
	}
	l.add(name, price.DatabaseStorage, "", now*copies, most*copies)
}

// ownOrSources is an instance's input; of a replica without it, that of its source.
func (l *itemList) ownOrSources(r Resource, input string) Property {
	for _, primary := range l.stack.OfType(rdsInstance) {
		if r.At(input).Absent() && replicates(r) && !replicates(primary) && r.mayComeFrom("replicateSourceDb", primary) {
			return primary.At(input)
		}
	}
	return r.At(input)
}

// cache counts nodes, or node groups with their replicas.
func (l *itemList) cache(r Resource) {
	nodes, counted := r.At("numCacheClusters").Number()
	if !counted {
		groups, known := l.known(r.At("numNodeGroups"))
		replicas, both := l.known(r.At("replicasPerNodeGroup"))
		if !known || !both {
			return
		}
		nodes = groups * (1 + replicas)
	}
	if typ, ok := l.typ(r.At("nodeType")); ok {
		l.add("cache", price.CacheHours, typ, nodes, nodes)
	}
}

func (l *itemList) volume(r Resource) {
	bytes, ok := quantity(r.At("spec", "resources", "requests", "storage"))
	if !ok {
		l.decided = false
		return
	}
	gib := bytes / float64(catalogue.GiB)
	l.add("volumes", price.VolumeStorage, "", gib, gib)
}

// alarm is billed for each metric that it looks at.
func (l *itemList) alarm(r Resource) {
	metrics := 0.0
	for _, q := range r.At("metricQueries").Each() {
		if !q.At("metric").Absent() {
			metrics++
		}
	}
	l.add("alarms", price.AlarmMetric, "", max(1, metrics), max(1, metrics))
}
