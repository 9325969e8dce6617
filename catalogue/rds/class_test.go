package rds_test

import (
	"slices"
	"testing"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/rds"
)

func TestDatabaseClassHasTheHardwareOfItsEC2Sibling(t *testing.T) {
	siblings := 0
	for _, name := range rds.Names() {
		class, err := rds.Lookup(name)
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
		it, err := ec2.Lookup(class.EC2Sibling())
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

func TestUnknownNameListsItsFamily(t *testing.T) {
	_, err := rds.Lookup("db.t4g.large2")
	want := `"db.t4g.large2" is no RDS instance class in the catalogue, want one of db.t4g.2xlarge, db.t4g.large, db.t4g.medium, db.t4g.micro, db.t4g.small, db.t4g.xlarge`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestNamesAreSorted(t *testing.T) {
	for _, names := range [][]string{ec2.Names(), rds.Names()} {
		if len(names) == 0 || !slices.IsSorted(names) {
			t.Errorf("%v", names)
		}
	}
}
