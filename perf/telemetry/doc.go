// Package telemetry keeps what a stack told of itself while a run of a load test lasted.
//
// Owns: which series are asked for, over which time and in which step, their form in a run's folder. Does not own:
// credentials and endpoints, runs (perf/load), showing it (perf/report).
//
// These are the panels, by name, with their unit, who measures them, and their series. A name in braces is that of what
// the source tells apart: {instance} of the database is primary or replica-1, {node} of the cache 001 or 002, other
// names are labels of Prometheus or dimensions. The load of a replica has a panel of its own, database-load-replica-1
// and database-statements-replica-1. Of CloudWatch the metric and its statistic stand behind each series. What a stack
// does not have has no panel. Values of % are shares: 1 is all.
//
//	api-latency          ms    Managed Prometheus: p50, p95, p99
//	api-routes           /s    Managed Prometheus: {route}
//	api-route-latency    ms    Managed Prometheus: {route}
//	api-status           /s    Managed Prometheus: {status}
//	api-in-flight        -     Managed Prometheus: in flight
//	replicas             -     Managed Prometheus: {horizontalpodautoscaler} wanted, {deployment} ready
//	nodes                -     Managed Prometheus: {state}, pods that fit none
//	cpu                  cores Managed Prometheus: {tier}
//	memory               MiB   Managed Prometheus: {tier}
//	goroutines           -     Managed Prometheus: {tier}
//	pool-wait            ms    Managed Prometheus: {pool}
//	pgbouncer            -     Managed Prometheus: {database} active, {database} waiting
//	database-sessions    -     Managed Prometheus: {database} active, {database} idle
//	search               ms    Managed Prometheus: {mode}
//	cache                %     Managed Prometheus: {level}
//	cache-latency        ms    Managed Prometheus: {operation}
//	vectors              ms    Managed Prometheus: {operation}
//	jobs                 -     Managed Prometheus: {state}
//	degraded             /s    Managed Prometheus: {missing}
//	busy                 -     Managed Prometheus: requests, pool {pool} waiting, pgbouncer {database} waiting,
//	                           pgbouncer {database} in transaction, cache {operation}, vectors {operation},
//	                           search {mode}, garbage collection
//	rates                /s    Managed Prometheus: requests, pool {pool}, pgbouncer {database}, search {mode},
//	                           vectors {operation}
//	route-time           ms    Managed Prometheus: {method} {route}
//	pod-time             ms    Managed Prometheus: {pod}
//	pod-cpu              cores Managed Prometheus: {pod}
//	pool                 -     Managed Prometheus: {pool} in use, {pool} at most
//	hpa                  -     Managed Prometheus: {horizontalpodautoscaler} at most
//	shed                 /s    Managed Prometheus: {reason}
//	restarts             -     Managed Prometheus: {namespace}/{container}
//	cache-in-use         -     Managed Prometheus: in use
//	vector-jobs          -     Managed Prometheus: {state}
//	balancer-requests    /s    AWS/ApplicationELB: requests (RequestCount Sum)
//	balancer-time        ms    AWS/ApplicationELB: p50 (TargetResponseTime p50), p95 (TargetResponseTime p95),
//	                           p99 (TargetResponseTime p99)
//	balancer-faults      /s    AWS/ApplicationELB: 5xx of targets (HTTPCode_Target_5XX_Count Sum),
//	                           502 (HTTPCode_ELB_502_Count Sum), 503 (HTTPCode_ELB_503_Count Sum),
//	                           504 (HTTPCode_ELB_504_Count Sum),
//	                           no connection to a target (TargetConnectionErrorCount Sum)
//	balancer-connections -     AWS/ApplicationELB: active (ActiveConnectionCount Sum)
//	balancer-targets     -     AWS/ApplicationELB: healthy, the least (HealthyHostCount Minimum),
//	                           unhealthy, the most (UnHealthyHostCount Maximum)
//	database-cpu         %     AWS/RDS: {instance} (CPUUtilization Average)
//	database-connections -     AWS/RDS: {instance} (DatabaseConnections Maximum)
//	database-memory      MiB   AWS/RDS: {instance} (FreeableMemory Minimum)
//	database-storage     MiB   AWS/RDS: {instance} (FreeStorageSpace Minimum)
//	database-operations  /s    AWS/RDS: {instance} reads (ReadIOPS Average),
//	                           {instance} writes (WriteIOPS Average)
//	database-latency     ms    AWS/RDS: {instance} reads (ReadLatency Average),
//	                           {instance} writes (WriteLatency Average)
//	database-queue       -     AWS/RDS: {instance} (DiskQueueDepth Average)
//	database-lag         s     AWS/RDS: {instance} (ReplicaLag Maximum)
//	database-credits     -     AWS/RDS: {instance} (CPUCreditBalance Minimum)
//	database-bursts      %     AWS/RDS: {instance} operations (EBSIOBalance% Minimum),
//	                           {instance} bytes (EBSByteBalance% Minimum)
//	cache-hits           %     AWS/ElastiCache: {node} (CacheHitRate Average)
//	cache-cpu            %     AWS/ElastiCache: {node} (EngineCPUUtilization Average)
//	cache-memory         %     AWS/ElastiCache: {node} (DatabaseMemoryUsagePercentage Maximum)
//	cache-evictions      /s    AWS/ElastiCache: {node} (Evictions Sum)
//	cache-connections    -     AWS/ElastiCache: {node} (CurrConnections Maximum)
//	cache-lag            s     AWS/ElastiCache: {node} (ReplicationLag Maximum)
//	edge-hits            %     AWS/CloudFront: hits (CacheHitRate Average)
//	edge-requests        /s    AWS/CloudFront: requests (Requests Sum)
//	edge-errors          %     AWS/CloudFront: 4xx (4xxErrorRate Average), 5xx (5xxErrorRate Average)
//	node-cpu             %     ContainerInsights: mean (node_cpu_utilization Average),
//	                           most (node_cpu_utilization Maximum)
//	node-memory          %     ContainerInsights: mean (node_memory_utilization Average),
//	                           most (node_memory_utilization Maximum)
//	database-load        -     Performance Insights: {db.wait_event.name}, other
//	database-statements  -     Performance Insights: {db.sql_tokenized.statement}, other
package telemetry
