package telemetry

// Kinds of resources: a namespace, and the names of the dimensions of its metrics.
const (
	ofBalancer = "AWS/ApplicationELB LoadBalancer"
	ofTargets  = "AWS/ApplicationELB LoadBalancer,TargetGroup"
	ofDatabase = "AWS/RDS DBInstanceIdentifier"
	ofCache    = "AWS/ElastiCache CacheClusterId"
	ofEdge     = "AWS/CloudFront DistributionId,Region"
	ofNodes    = "ContainerInsights ClusterName"
)

// metricPanel is a panel, as CloudWatch is asked for it.
type metricPanel struct {
	name, title, unit string
	of                string // the kind of its resources
	lines             []metricLine
	// sparse says what it means that there are no values, where that is no fault.
	sparse string
}

// metricLine is a metric's statistic. Its series is called by its resource and its name, where they have any.
type metricLine struct {
	name, metric, stat string
	scale              scale
	// counted metrics are published where something was counted: where the resource's requests are known, none is 0.
	counted bool
}

// scale is how CloudWatch's figure becomes the panel's.
type scale struct {
	times float64 // 0 stands for 1
	per   float64 // of sums: the seconds that they are given for; 0 leaves them as they are
}

var (
	millisOf  = scale{times: 1000}            // of seconds
	shareOf   = scale{times: 0.01}            // of percent
	mebiOf    = scale{times: 1.0 / (1 << 20)} // of bytes
	perSecond = scale{per: 1}
	perMinute = scale{per: 60}
)

// requestCount is the metric that tells whether a load balancer was measured.
const requestCount = "RequestCount"

// measured are the panels of CloudWatch. Names, statistics and units are AWS's:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-EKS.html
// as remembered 2026-11-30.
var measured = []metricPanel{
	{name: "balancer-requests", title: "Requests at the load balancer", unit: "/s", of: ofBalancer, lines: []metricLine{
		{"requests", requestCount, "Sum", perSecond, false}}},
	{name: "balancer-time", title: "Time of the targets' answers, at the load balancer", unit: "ms", of: ofBalancer,
		lines: []metricLine{
			{"p50", "TargetResponseTime", "p50", millisOf, false},
			{"p95", "TargetResponseTime", "p95", millisOf, false},
			{"p99", "TargetResponseTime", "p99", millisOf, false}}},
	{name: "balancer-faults", title: "Faults at the load balancer", unit: "/s", of: ofBalancer, lines: []metricLine{
		{"5xx of targets", "HTTPCode_Target_5XX_Count", "Sum", perSecond, true},
		{"502", "HTTPCode_ELB_502_Count", "Sum", perSecond, true},
		{"503", "HTTPCode_ELB_503_Count", "Sum", perSecond, true},
		{"504", "HTTPCode_ELB_504_Count", "Sum", perSecond, true},
		{"no connection to a target", "TargetConnectionErrorCount", "Sum", perSecond, true}}},
	// The sum of a minute is that of the load balancer's nodes.
	{name: "balancer-connections", title: "Connections of the load balancer, to clients and to targets", of: ofBalancer,
		lines: []metricLine{{"active", "ActiveConnectionCount", "Sum", perMinute, false}}},
	{name: "balancer-targets", title: "Targets of the load balancer", of: ofTargets, lines: []metricLine{
		{"healthy, the least", "HealthyHostCount", "Minimum", scale{}, false},
		{"unhealthy, the most", "UnHealthyHostCount", "Maximum", scale{}, false}}},

	{name: "database-cpu", title: "CPU of the database's instances", unit: "%", of: ofDatabase, lines: []metricLine{
		{"", "CPUUtilization", "Average", shareOf, false}}},
	{name: "database-connections", title: "Connections to the database's instances", of: ofDatabase, lines: []metricLine{
		{"", "DatabaseConnections", "Maximum", scale{}, false}}},
	{name: "database-memory", title: "Free memory of the database's instances", unit: "MiB", of: ofDatabase,
		lines: []metricLine{{"", "FreeableMemory", "Minimum", mebiOf, false}}},
	{name: "database-storage", title: "Free storage of the database's instances", unit: "MiB", of: ofDatabase,
		lines: []metricLine{{"", "FreeStorageSpace", "Minimum", mebiOf, false}}},
	{name: "database-operations", title: "Reads and writes of the database's volumes", unit: "/s", of: ofDatabase,
		lines: []metricLine{
			{"reads", "ReadIOPS", "Average", scale{}, false}, {"writes", "WriteIOPS", "Average", scale{}, false}}},
	{name: "database-latency", title: "Time of a read and a write of the database's volumes", unit: "ms", of: ofDatabase,
		lines: []metricLine{
			{"reads", "ReadLatency", "Average", millisOf, false}, {"writes", "WriteLatency", "Average", millisOf, false}}},
	{name: "database-queue", title: "Reads and writes that wait for the database's volumes", of: ofDatabase,
		lines: []metricLine{{"", "DiskQueueDepth", "Average", scale{}, false}}},
	{name: "database-lag", title: "How far the database's replicas are behind", unit: "s", of: ofDatabase,
		lines:  []metricLine{{"", "ReplicaLag", "Maximum", scale{}, false}},
		sparse: "there is no replica, or none told"},
	{name: "database-credits", title: "CPU credits left of the database's instances", of: ofDatabase,
		lines:  []metricLine{{"", "CPUCreditBalance", "Minimum", scale{}, false}},
		sparse: "only burstable classes (db.t) have them"},
	{name: "database-bursts", title: "What is left of the bursts of the database's volumes", unit: "%", of: ofDatabase,
		lines: []metricLine{
			{"operations", "EBSIOBalance%", "Minimum", shareOf, false}, {"bytes", "EBSByteBalance%", "Minimum", shareOf, false}},
		sparse: "only classes that burst have them"},

	{name: "cache-hits", title: "Hits of the cache's nodes, of all lookups", unit: "%", of: ofCache, lines: []metricLine{
		{"", "CacheHitRate", "Average", shareOf, false}}},
	{name: "cache-cpu", title: "CPU of the cache's engine", unit: "%", of: ofCache, lines: []metricLine{
		{"", "EngineCPUUtilization", "Average", shareOf, false}}},
	{name: "cache-memory", title: "Memory of the cache's nodes that is used", unit: "%", of: ofCache, lines: []metricLine{
		{"", "DatabaseMemoryUsagePercentage", "Maximum", shareOf, false}}},
	{name: "cache-evictions", title: "Keys that the cache threw out", unit: "/s", of: ofCache, lines: []metricLine{
		{"", "Evictions", "Sum", perSecond, false}}},
	{name: "cache-connections", title: "Connections to the cache's nodes", of: ofCache, lines: []metricLine{
		{"", "CurrConnections", "Maximum", scale{}, false}}},
	{name: "cache-lag", title: "How far the cache's replicas are behind", unit: "s", of: ofCache,
		lines:  []metricLine{{"", "ReplicationLag", "Maximum", scale{}, false}},
		sparse: "there is no replica, or none told"},

	{name: "edge-hits", title: "Answered at the edge, of all requests there", unit: "%", of: ofEdge, lines: []metricLine{
		{"hits", "CacheHitRate", "Average", shareOf, false}},
		sparse: "nobody asked the edge, or the distribution has no monitoring subscription"},
	{name: "edge-requests", title: "Requests at the edge", unit: "/s", of: ofEdge, lines: []metricLine{
		{"requests", "Requests", "Sum", perSecond, false}}, sparse: "nobody asked the edge"},
	{name: "edge-errors", title: "Errors at the edge, of all requests there", unit: "%", of: ofEdge, lines: []metricLine{
		{"4xx", "4xxErrorRate", "Average", shareOf, false}, {"5xx", "5xxErrorRate", "Average", shareOf, false}},
		sparse: "nobody asked the edge"},

	{name: "node-cpu", title: "CPU of the nodes", unit: "%", of: ofNodes, lines: []metricLine{
		{"mean", "node_cpu_utilization", "Average", shareOf, false},
		{"most", "node_cpu_utilization", "Maximum", shareOf, false}}},
	{name: "node-memory", title: "Memory of the nodes that is used", unit: "%", of: ofNodes, lines: []metricLine{
		{"mean", "node_memory_utilization", "Average", shareOf, false},
		{"most", "node_memory_utilization", "Maximum", shareOf, false}}},
}
