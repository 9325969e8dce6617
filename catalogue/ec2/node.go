package ec2

import "github.com/ragscale/ragscale/catalogue"

// Capacity is what a node offers or a set of pods needs.
type Capacity struct {
	CPUMilli    int64 // thousandths of a vCPU
	MemoryBytes int64
	Pods        int
}

// maxPods is the pod limit of a node with prefix delegation: 110 below 30 vCPU, 250 from there. Every type here has
// address room for that (t4g.small: 3 interfaces × 3 prefixes × 16 addresses + 2 = 146).
// Source: https://docs.aws.amazon.com/eks/latest/userguide/cni-increase-ip-addresses-procedure.html ; read 2026-11-23.
func maxPods(vcpu int) int {
	if vcpu < 30 {
		return 110
	}
	return 250
}

// kubeReservedCPUMilli is the CPU EKS's nodes keep for the kubelet and the container runtime: 6 % of the first core,
// 1 % of the second, 0.5 % of the third and fourth, 0.25 % of the rest.
// Source: https://github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go; read 2026-11-23.
func kubeReservedCPUMilli(vcpu int) int64 {
	var reserved int64 // in 1/10000 of a thousandth of a core
	for _, step := range []struct{ from, to, share int64 }{
		{0, 1000, 600}, {1000, 2000, 100}, {2000, 4000, 50}, {4000, 1 << 40, 25},
	} {
		if cores := min(int64(vcpu)*1000, step.to) - step.from; cores > 0 {
			reserved += cores * step.share
		}
	}
	return reserved / 10_000
}

// kubeReservedMemory is the memory EKS's nodes keep for the same: 255 MiB and 11 MiB for each pod they may hold.
// Source: as kubeReservedCPUMilli.
func kubeReservedMemory(pods int) int64 { return (255 + 11*int64(pods)) * catalogue.MiB }

const (
	// hardEviction is the kubelet's memory.available threshold on EKS nodes: below it pods are evicted, so it cannot be
	// allocated. Source: as kubeReservedCPUMilli.
	hardEviction = 100 * catalogue.MiB

	// hypervisorShare is the part of the advertised memory that the guest never sees, per thousand. Karpenter's default
	// estimate: https://github.com/aws/karpenter-provider-aws, charts/karpenter/README.md
	// (settings.vmMemoryOverheadPercent
	// 0.075); read 2026-11-23.
	hypervisorShare = 75
)

// Capacity is what a node of this type reports as its own: the advertised capacity less the hypervisor's share.
func (t InstanceType) Capacity() Capacity {
	return Capacity{
		CPUMilli: int64(t.VCPU) * 1000, MemoryBytes: t.MemoryBytes - t.MemoryBytes*hypervisorShare/1000, Pods: t.MaxPods,
	}
}

// Allocatable is what the scheduler may give to pods on an EKS node of this type: its capacity less kube-reserved and
// the eviction threshold. Daemon sets are not deducted.
func (t InstanceType) Allocatable() Capacity {
	free := t.Capacity()
	free.CPUMilli -= kubeReservedCPUMilli(t.VCPU)
	free.MemoryBytes = max(0, free.MemoryBytes-kubeReservedMemory(t.MaxPods)-hardEviction)
	return free
}
