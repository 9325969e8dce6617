package rds

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/postgres"
)

// Name is the form of a master user's name and of a database's.
// Source: CreateDBInstance (MasterUsername, DBName) of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
var Name = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)

// own are names that RDS for PostgreSQL keeps for itself, beside those that begin with rds_ and what PostgreSQL
// reserves: "Can't be a reserved word for the chosen database engine".
// Source: as Name, which lists none; admin and rdsadmin by https://github.com/aws-cloudformation/cfn-lint/pull/4425 ,
// tried on AWS; read 2026-11-30. The others as remembered 2026-11-30: CreateDBInstance would settle each.
var own = []string{"admin", "postgres_fdw", "rdsadmin", "rdsproxyadmin", "rdsrepladmin", "rdstopmgr", "template0",
	"template1"}

// IsReserved tells whether neither a master user nor a database may have a name.
func IsReserved(name string) bool {
	small := strings.ToLower(name)
	return slices.Contains(own, small) || strings.HasPrefix(small, "rds_") || postgres.IsReserved(name)
}

// Password of a master user.
// Source: CreateDBInstance (MasterUserPassword) of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3
// ; read 2026-11-23.
var Password = catalogue.Password{Service: "RDS", Least: 8, Most: 128, Refused: `/"@ `}

// LeastWindow is how long backup and maintenance windows are at least.
// Source: CreateDBInstance (PreferredBackupWindow, PreferredMaintenanceWindow) of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
const LeastWindow = 30 * time.Minute

// MostBackupDays that automated backups are kept, and replicas of a primary.
// Source: CreateDBInstance and CreateDBInstanceReadReplica of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
const (
	MostBackupDays = 35
	MostReplicas   = 15
)

// MonitoringIntervals of enhanced monitoring, s; 0 is off. LogExports are what can be sent to CloudWatch.
// Source: CreateDBInstance of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
var (
	MonitoringIntervals = []int{0, 1, 5, 10, 15, 30, 60}
	LogExports          = []string{"postgresql", "upgrade", "iam-db-auth-error"}
)

// CACertificates that an instance may have.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html ; read 2026-11-23.
var CACertificates = []string{"rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"}

// Modes of CloudWatch Database Insights, which took Performance Insights' place on 2026-06-30.
// Source: DatabaseInsightsMode of aws.rds.Instance, pulumi-aws v6.83.4; read 2026-11-23.
const (
	InsightsStandard = "standard" // free
	InsightsAdvanced = "advanced" // paid for by vCPU
)

// Days that insights are kept: standard has so many, advanced no fewer.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.Considerations.html ; read
// 2026-11-30.
const (
	StandardInsightsDays = 7
	AdvancedInsightsDays = 465
)

// IsInsightsPeriod tells whether the API has a retention of so many days, whatever the mode.
// Source: PerformanceInsightsRetentionPeriod of aws.rds.Instance, pulumi-aws v6.83.4, and CreateDBInstance; read
// 2026-11-23.
func IsInsightsPeriod(days int) bool {
	const month, months = 31, 23
	return days == StandardInsightsDays || days == 731 || days%month == 0 && days >= month && days <= months*month
}

// DefaultMaxConnections is RDS's own formula.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections ; read
// 2026-11-23.
const DefaultMaxConnections = "LEAST({DBInstanceClassMemory/9531392},5000)"
