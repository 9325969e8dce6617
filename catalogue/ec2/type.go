// Package ec2 holds EC2's instance types, and what a Kubernetes node of a type can allocate.
//
// Owns: vCPU, memory, network and architecture of each, look-up by name. Does not own: prices (catalogue/price), which
// of them a stack uses.
package ec2

import (
	"slices"

	"github.com/ragscale/ragscale/catalogue"
)

// Processor architectures, by their names in Kubernetes (label kubernetes.io/arch).
// Source: https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-arch ; as remembered
// 2026-11-23.
const (
	ARM64 = "arm64"
	AMD64 = "amd64"
)

// InstanceType is one EC2 instance type.
type InstanceType struct {
	Name         string // "m7g.large"
	Family       string // "m7g"
	Architecture string // ARM64 or AMD64
	VCPU         int
	MemoryBytes  int64 // as advertised; the operating system sees less, see Allocatable
	NetworkMbps  int   // baseline bandwidth, Mbit/s; bursts are higher
	MaxPods      int   // with prefix delegation, see maxPods
	Burstable    bool  // CPU credits: sustained load above the family's baseline is throttled or billed extra
}

// family is what the sizes of one EC2 instance family share.
type family struct {
	name         string
	architecture string
	gibPerVCPU   int64
	burstable    bool
	sizes        []size
}

// size is one size of a family.
type size struct {
	name        string
	vcpu        int
	memoryGiB   int64 // 0 = vcpu × the family's GiB per vCPU
	networkMbps int
}

// Baseline bandwidth by generation.
// Source: https://github.com/aws/karpenter-provider-aws, pkg/providers/instancetype/zz_generated.bandwidth.go, which is
// generated from AWS's instance type pages; read 2026-11-23.
var (
	graviton2 = []size{{"large", 2, 0, 750}, {"xlarge", 4, 0, 1250}, {"2xlarge", 8, 0, 2500}, {"4xlarge", 16, 0, 5000},
		{"8xlarge", 32, 0, 12000}}
	graviton3 = []size{{"large", 2, 0, 937}, {"xlarge", 4, 0, 1876}, {"2xlarge", 8, 0, 3750}, {"4xlarge", 16, 0, 7500},
		{"8xlarge", 32, 0, 15000}}
	graviton4 = []size{{"large", 2, 0, 937}, {"xlarge", 4, 0, 1875}, {"2xlarge", 8, 0, 3750}, {"4xlarge", 16, 0, 7500},
		{"8xlarge", 32, 0, 15000}}
	intelXeon = []size{{"large", 2, 0, 781}, {"xlarge", 4, 0, 1562}, {"2xlarge", 8, 0, 3125}, {"4xlarge", 16, 0, 6250},
		{"8xlarge", 32, 0, 12500}}
	burstable = []size{{"small", 2, 2, 128}, {"medium", 2, 4, 256}, {"large", 2, 8, 512}, {"xlarge", 4, 16, 1024},
		{"2xlarge", 8, 32, 2048}}
)

// families is the EC2 table: vCPU and memory follow from the family's ratio (c: 2, m: 4, r: 8 GiB per vCPU), except for
// the burstable sizes, which state their memory.
// Source of the m families: https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html ; read 2026-11-23. The others
// are as remembered; to settle: `aws ec2 describe-instance-types --instance-types r7g.large`.
var families = []family{
	{"t3", AMD64, 0, true, burstable},
	{"t4g", ARM64, 0, true, burstable},
	{"m6g", ARM64, 4, false, graviton2},
	{"m6i", AMD64, 4, false, intelXeon},
	{"m7g", ARM64, 4, false, graviton3},
	{"m7i", AMD64, 4, false, intelXeon},
	{"m8g", ARM64, 4, false, graviton4},
	{"c6g", ARM64, 2, false, graviton2},
	{"c6i", AMD64, 2, false, intelXeon},
	{"c7g", ARM64, 2, false, graviton3},
	{"c7i", AMD64, 2, false, intelXeon},
	{"c8g", ARM64, 2, false, graviton4},
	{"r6g", ARM64, 8, false, graviton2},
	{"r6i", AMD64, 8, false, intelXeon},
	{"r7g", ARM64, 8, false, graviton3},
	{"r7i", AMD64, 8, false, intelXeon},
	{"r8g", ARM64, 8, false, graviton4},
}

var instanceTypes = buildInstanceTypes()

func buildInstanceTypes() map[string]InstanceType {
	types := map[string]InstanceType{}
	for _, f := range families {
		for _, s := range f.sizes {
			memory := s.memoryGiB
			if memory == 0 {
				memory = int64(s.vcpu) * f.gibPerVCPU
			}
			name := f.name + "." + s.name
			types[name] = InstanceType{
				Name: name, Family: f.name, Architecture: f.architecture, VCPU: s.vcpu, MemoryBytes: memory * catalogue.GiB,
				NetworkMbps: s.networkMbps, MaxPods: maxPods(s.vcpu), Burstable: f.burstable,
			}
		}
	}
	return types
}

// Lookup returns the instance type of that name, such as "m7g.large". An unknown name is an error that lists near ones.
func Lookup(name string) (InstanceType, error) {
	return catalogue.Lookup(instanceTypes, "EC2 instance type", name)
}

// Names lists the known instance types, sorted.
func Names() []string { return catalogue.Names(instanceTypes) }

// SameShape reports whether all the types have the same vCPU and memory, as the cluster autoscaler needs of the types
// of one node group: it plans with the first and may be given any.
// Source: https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
// (using mixed instances policies); read 2026-11-23.
func SameShape(types []InstanceType) bool {
	return !slices.ContainsFunc(types, func(t InstanceType) bool {
		return t.VCPU != types[0].VCPU || t.MemoryBytes != types[0].MemoryBytes
	})
}
