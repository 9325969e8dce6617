package catalogue

import "slices"

// regions of all partitions. A new one comes every few months: the SDK's next release has it.
// Source: partitions.json of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2@v1.47.0/internal/endpoints/awsrulesfn ;
// read 2026-11-30.
var regions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
	"ap-south-2",
	"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6",
	"ap-southeast-7",
	"ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1",
	"eu-central-1", "eu-central-2", "eu-isoe-west-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2",
	"eu-west-3",
	"eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
	"us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1",
	"us-isob-west-1",
	"us-isof-east-1", "us-isof-south-1", "us-west-1", "us-west-2",
}

// Regions are AWS's, sorted.
func Regions() []string { return slices.Clone(regions) }

// IsRegion tells whether AWS has a region of that name.
func IsRegion(name string) bool { return slices.Contains(regions, name) }
