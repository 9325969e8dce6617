package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/stacks/catalogue"
)

func TestEveryInstanceTypeHasPositiveFigures(t *testing.T) {
	for _, name := range catalogue.EC2Names() {
		it, err := catalogue.EC2(name)
		if err != nil {
			t.Fatal(err)
		}
		if it.Name != name || it.VCPU <= 0 || it.MemoryBytes <= 0 || it.NetworkMbps <= 0 || it.MaxPods <= 0 {
			t.Errorf("%s: %+v", name, it)
		}
		if it.Architecture != catalogue.ARM64 && it.Architecture != catalogue.AMD64 {
			t.Errorf("%s: architecture %q", name, it.Architecture)
		}
	}
}

func TestGravitonFamiliesAreARM(t *testing.T) {
	for _, name := range catalogue.EC2Names() {
		it, err := catalogue.EC2(name)
		if err != nil {
			t.Fatal(err)
		}
		if arm := strings.HasSuffix(it.Family, "g"); arm != (it.Architecture == catalogue.ARM64) {
			t.Errorf("%s is %s", name, it.Architecture)
		}
	}
}

func TestABiggerSizeOfAFamilyOffersMore(t *testing.T) {
	sizes := []string{"small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge"}
	for _, family := range []string{"t3", "t4g", "m7g", "c7g", "r7g", "m7i"} {
		var last catalogue.InstanceType
		for _, size := range sizes {
			it, err := catalogue.EC2(family + "." + size)
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
	for _, name := range catalogue.EC2Names() {
		it, err := catalogue.EC2(name)
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
		it, err := catalogue.EC2(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := it.Allocatable().CPUMilli; got != want {
			t.Errorf("%s allocates %d, want %d", name, got, want)
		}
	}
}

func TestDatabaseClassHasTheHardwareOfItsEC2Sibling(t *testing.T) {
	siblings := 0
	for _, name := range catalogue.RDSNames() {
		class, err := catalogue.RDS(name)
		if err != nil {
			t.Fatal(err)
		}
		if class.VCPU <= 0 || class.MemoryBytes <= 0 || class.ParameterMemory() >= class.MemoryBytes {
			t.Errorf("%s: %+v", name, class)
		}
		if class.EC2Sibling() == "" {
			continue
		}
		siblings++
		it, err := catalogue.EC2(class.EC2Sibling())
		if err != nil {
			t.Fatal(err)
		}
		if it.MemoryBytes != class.MemoryBytes || it.VCPU != class.VCPU || it.Architecture != class.Architecture {
			t.Errorf("%s: %+v, its sibling %+v", name, class, it)
		}
	}
	if siblings == 0 {
		t.Error("no class has a sibling")
	}
}

func TestCacheNodeHoldsLessThanItsEC2Sibling(t *testing.T) {
	for _, name := range catalogue.CacheNames() {
		node, err := catalogue.Cache(name)
		if err != nil {
			t.Fatal(err)
		}
		it, err := catalogue.EC2(strings.TrimPrefix(name, "cache."))
		if err != nil {
			continue // cache.t4g.micro has no sibling here
		}
		if node.MaxMemory <= it.MemoryBytes/2 || node.MaxMemory >= it.MemoryBytes || node.VCPU != it.VCPU || node.NetworkMbps != it.NetworkMbps {
			t.Errorf("%+v against %+v", node, it)
		}
	}
}

func TestUnknownNameListsItsFamily(t *testing.T) {
	_, err := catalogue.RDS("db.t4g.large2")
	want := `"db.t4g.large2" is no RDS instance class in the catalogue, want one of db.t4g.2xlarge, db.t4g.large, db.t4g.medium, db.t4g.micro, db.t4g.small, db.t4g.xlarge`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestUnknownFamilyListsOneExampleOfEach(t *testing.T) {
	for _, name := range []string{"", "z9.large", "nonsense", "a.b.c"} {
		_, err := catalogue.EC2(name)
		if err == nil || !strings.Contains(err.Error(), "m7g.") || !strings.Contains(err.Error(), "t4g.") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNamesAreSorted(t *testing.T) {
	for _, names := range [][]string{catalogue.EC2Names(), catalogue.RDSNames(), catalogue.CacheNames()} {
		if len(names) == 0 || !slices.IsSorted(names) {
			t.Errorf("%v", names)
		}
	}
}

func TestSameShapeSeesADifference(t *testing.T) {
	shape := func(names ...string) bool {
		var types []catalogue.InstanceType
		for _, n := range names {
			it, err := catalogue.EC2(n)
			if err != nil {
				t.Fatal(err)
			}
			types = append(types, it)
		}
		return catalogue.SameShape(types)
	}
	if !shape("m7g.xlarge", "m6g.xlarge", "m8g.xlarge") || shape("m7g.xlarge", "r7g.xlarge") || !shape() {
		t.Error("same shape is wrong")
	}
}
