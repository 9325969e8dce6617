package ec2_test

import (
	"strings"
	"testing"

	"github.com/ragscale/ragscale/catalogue/ec2"
)

func TestEveryInstanceTypeHasPositiveFigures(t *testing.T) {
	for _, name := range ec2.Names() {
		it, err := ec2.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if it.Name != name || it.VCPU <= 0 || it.MemoryBytes <= 0 || it.NetworkMbps <= 0 || it.MaxPods <= 0 {
			t.Errorf("%s: %+v", name, it)
		}
		if it.Architecture != ec2.ARM64 && it.Architecture != ec2.AMD64 {
			t.Errorf("%s: architecture %q", name, it.Architecture)
		}
	}
}

func TestGravitonFamiliesAreARM(t *testing.T) {
	for _, name := range ec2.Names() {
		it, err := ec2.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if arm := strings.HasSuffix(it.Family, "g"); arm != (it.Architecture == ec2.ARM64) {
			t.Errorf("%s is %s", name, it.Architecture)
		}
	}
}

func TestABiggerSizeOfAFamilyOffersMore(t *testing.T) {
	sizes := []string{"small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge"}
	for _, family := range []string{"t3", "t4g", "m7g", "c7g", "r7g", "m7i"} {
		var last ec2.InstanceType
		for _, size := range sizes {
			it, err := ec2.Lookup(family + "." + size)
			if err != nil {
				continue
			}
			if it.MemoryBytes <= last.MemoryBytes || it.VCPU < last.VCPU || it.NetworkMbps <= last.NetworkMbps {
				t.Errorf("%s offers no more than %s", it.Name, last.Name)
			}
			last = it
		}
	}
}

func TestAllocatableIsPositiveAndLessThanCapacity(t *testing.T) {
	for _, name := range ec2.Names() {
		it, err := ec2.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		a := it.Allocatable()
		if a.CPUMilli <= 0 || a.CPUMilli >= int64(it.VCPU)*1000 || a.MemoryBytes <= 0 || a.MemoryBytes >= it.MemoryBytes || a.Pods <= 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// The published example of an EKS node: 2 vCPU keep 70 thousandths, 4 keep 80, 8 keep 90.
func TestKubeReservedCPUFollowsTheSteps(t *testing.T) {
	for name, want := range map[string]int64{"m7g.large": 1930, "m7g.xlarge": 3920, "m7g.2xlarge": 7910, "m7g.4xlarge": 15890} {
		it, err := ec2.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := it.Allocatable().CPUMilli; got != want {
			t.Errorf("%s allocates %d, want %d", name, got, want)
		}
	}
}

func TestUnknownFamilyListsOneExampleOfEach(t *testing.T) {
	for _, name := range []string{"", "z9.large", "nonsense", "a.b.c"} {
		_, err := ec2.Lookup(name)
		if err == nil || !strings.Contains(err.Error(), "m7g.") || !strings.Contains(err.Error(), "t4g.") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSameShapeSeesADifference(t *testing.T) {
	shape := func(names ...string) bool {
		var types []ec2.InstanceType
		for _, n := range names {
			it, err := ec2.Lookup(n)
			if err != nil {
				t.Fatal(err)
			}
			types = append(types, it)
		}
		return ec2.SameShape(types)
	}
	if !shape("m7g.xlarge", "m6g.xlarge", "m8g.xlarge") || shape("m7g.xlarge", "r7g.xlarge") || !shape() {
		t.Error("same shape is wrong")
	}
}
