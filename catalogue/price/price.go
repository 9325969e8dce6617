package price

import (
	"strings"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/rds"
)

// Service is something that AWS bills by the time it exists, whether it is used or not.
type Service string

// The services. Those with types (in the comment) have a price for each.
const (
	NodeHours        Service = "EC2 instance"     // "m7g.large"
	DatabaseHours    Service = "RDS instance"     // "db.r7g.large", PostgreSQL, one zone
	CacheHours       Service = "ElastiCache node" // "cache.r7g.large", Redis
	ControlPlane     Service = "EKS control plane"
	NATGateway       Service = "NAT gateway"
	LoadBalancer     Service = "load balancer"
	Endpoint         Service = "interface endpoint"
	PublicAddress    Service = "public IPv4 address"
	MetricsCollector Service = "Managed Prometheus collector"
	DatabaseStorage  Service = "RDS storage"
	VolumeStorage    Service = "EBS storage"
	EncryptionKey    Service = "KMS key"
	StoredSecret     Service = "stored secret"
	AlarmMetric      Service = "alarm metric"
	CompositeAlarm   Service = "composite alarm"
	Dashboard        Service = "dashboard"
)

// Price is an on-demand list price in USD, without tax, free tier and discounts.
type Price struct {
	USD      float64
	Per      string // "hour", "month", "GiB-month"
	regional bool   // differs by region
}

// fixed are the prices in us-east-1 of what has no types.
// Source: public price comparisons of 2026 (NAT gateway, endpoint and RDS storage of 2026-06), read 2026-11-24; key,
// secret, alarms, dashboard and collector as remembered. What settles them:
// https://aws.amazon.com/{eks,vpc,elasticloadbalancing,
// privatelink,rds/postgresql,ebs,kms,secrets-manager,cloudwatch,prometheus}/pricing.
var fixed = map[Service]Price{
	ControlPlane:     {0.10, "hour", false},
	NATGateway:       {0.045, "hour", true},
	LoadBalancer:     {0.0225, "hour", true},
	Endpoint:         {0.01, "hour", true}, // in each zone
	PublicAddress:    {0.005, "hour", false},
	MetricsCollector: {0.04, "hour", false},
	DatabaseStorage:  {0.115, "GiB-month", true}, // gp3
	VolumeStorage:    {0.08, "GiB-month", true},  // gp3
	EncryptionKey:    {1, "month", false},
	StoredSecret:     {0.40, "month", false},
	AlarmMetric:      {0.10, "month", false},
	CompositeAlarm:   {0.50, "month", false},
	Dashboard:        {3, "month", false},
}

// nodeLarge is an hour in us-east-1 of size large by EC2 family. Within a family the price goes with the memory.
// Source: https://github.com/aws/karpenter-provider-aws, pkg/providers/pricing/zz_generated.pricing_aws.go, generated
// from AWS' price list on 2026-01-19; read 2026-11-24.
var nodeLarge = map[string]float64{
	"t3": 0.0832, "t4g": 0.0672,
	"m6g": 0.0770, "m6i": 0.0960, "m7g": 0.0816, "m7i": 0.1008, "m8g": 0.08976,
	"c6g": 0.0680, "c6i": 0.0850, "c7g": 0.0725, "c7i": 0.08925, "c8g": 0.07976,
	"r6g": 0.1008, "r6i": 0.1260, "r7g": 0.1071, "r7i": 0.1323, "r8g": 0.11782,
}

// databaseLarge is the same for RDS for PostgreSQL in one zone. AWS rounds: a size may differ by 1 %.
// Source: tables that others took from AWS' price list for PostgreSQL; r7g is MySQL's price in the Terraform provider's
// tests (https://github.com/hashicorp/terraform-provider-aws, internal/service/rds, 2024-02-02), taken for
// PostgreSQL's; r8g from https://www.usage.ai/blogs/aws/reserved-instances/rds/postgresql/read-replicas ; read
// 2026-11-24. m7i, m8g and r7i were not found, and have no price here. What settles them:
// https://aws.amazon.com/rds/postgresql/pricing.
var databaseLarge = map[string]float64{
	"t3": 0.145, "t4g": 0.129, "m6g": 0.159, "m6i": 0.178, "m7g": 0.168, "r6g": 0.225, "r6i": 0.250, "r7g": 0.239,
	"r8g": 0.239,
}

// cacheHour is an hour in us-east-1 of an ElastiCache node for Redis.
// Source: a table taken from AWS' price list for AmazonElastiCache, 2026-10; read 2026-11-24.
var cacheHour = map[string]float64{
	"cache.t4g.micro": 0.016, "cache.t4g.small": 0.032, "cache.t4g.medium": 0.065,
	"cache.m7g.large": 0.158, "cache.m7g.xlarge": 0.315, "cache.m7g.2xlarge": 0.629, "cache.m7g.4xlarge": 1.257,
	"cache.r7g.large": 0.219, "cache.r7g.xlarge": 0.437, "cache.r7g.2xlarge": 0.873, "cache.r7g.4xlarge": 1.745,
}

// markups are what a region adds to us-east-1, for what differs by region. One figure stands for all services:
// Frankfurt's are 1.12 (cache.t3.small 0.038 to 0.034) to 1.21 (c7g), most of them 1.19 or 1.20 (m5.large 0.115 to
// 0.096, load balancer 0.027 to
// 0.0225, RDS gp3 0.137 to 0.115, EBS gp3 0.0952 to 0.08, endpoint 0.012 to 0.010; NAT gateway 0.052 to 0.045 is 1.16).
// Ireland's m5.large is 0.107. Source: bills and price lists as published by others, 2026; read 2026-11-24.
var markups = map[string]float64{
	"us-east-1": 1, "us-east-2": 1, "us-west-2": 1, "eu-west-1": 1.12, "eu-central-1": 1.20,
}

// In returns the price of a service in a region; typ is "" for those without types. ok = false if there is none here.
func In(region string, s Service, typ string) (price Price, ok bool) {
	price, ok = listPrice(s, typ)
	if markup, known := markups[region]; known && price.regional {
		price.USD *= markup
	}
	return price, ok
}

// Markup is by how much a region is dearer than us-east-1, in what differs by region. known = false if there is no
// figure: it is priced as us-east-1 then.
func Markup(region string) (factor float64, known bool) {
	factor, known = markups[region]
	return factor, known
}

func listPrice(s Service, typ string) (price Price, ok bool) {
	switch s {
	case NodeHours:
		t, err := ec2.Lookup(typ)
		return byMemory(nodeLarge, typ, t.MemoryBytes, err)
	case DatabaseHours:
		c, err := rds.Lookup(typ)
		return byMemory(databaseLarge, strings.TrimPrefix(typ, "db."), c.MemoryBytes, err)
	case CacheHours:
		usd, ok := cacheHour[typ]
		return Price{usd, "hour", true}, ok
	default:
		price, ok = fixed[s]
		return price, ok
	}
}

// byMemory scales the price of size large to a type's memory.
func byMemory(large map[string]float64, typ string, memory int64, err error) (price Price, ok bool) {
	family, _, _ := strings.Cut(typ, ".")
	usd, known := large[family]
	base, baseErr := ec2.Lookup(family + ".large")
	if err != nil || baseErr != nil || !known {
		return Price{}, false
	}
	return Price{usd * float64(memory) / float64(base.MemoryBytes), "hour", true}, true
}
