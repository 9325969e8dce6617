package catalogue

import "slices"

// logDays are the periods for which CloudWatch keeps logs.
// Source: PutRetentionPolicy of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs@v1.74.4 and
// retentionInDays of aws.cloudwatch.LogGroup, pulumi-aws v6.83.4; read 2026-11-23.
var logDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
	3288, 3653}

// LogDays are the periods for which CloudWatch keeps logs, in days. What 0 means differs: to a log group it is for
// ever.
func LogDays() []int { return slices.Clone(logDays) }
