// Package rds holds what RDS for PostgreSQL is.
//
// Owns: instance classes, volumes, names, passwords, windows and insights: what RDS takes and what it refuses. Does not
// own: parameters (catalogue/postgres), prices (catalogue/price), which of them a stack uses.
package rds

import (
	"strings"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/parameter"
)

// Class is one RDS instance class that runs PostgreSQL.
type Class struct {
	Name         string // "db.r7g.large"
	Architecture string
	VCPU         int
	MemoryBytes  int64 // as advertised; see ParameterMemory
	NetworkMbps  int   // baseline
	Burstable    bool
}

// dbOnly are classes smaller than any EC2 type listed here. From AWS's table of instance classes, as remembered
// 2026-11-23; to settle: `aws rds describe-orderable-db-instance-options --engine postgres`.
var dbOnly = []Class{
	{Name: "db.t4g.micro", Architecture: ec2.ARM64, VCPU: 2, MemoryBytes: 1 * catalogue.GiB, NetworkMbps: 64,
		Burstable: true},
}

// dbFamilies are the EC2 families that RDS for PostgreSQL offers as db.<family>.<size>, with the same hardware. As
// dbOnly, as remembered 2026-11-23.
var dbFamilies = map[string]bool{
	"t3": true, "t4g": true, "m6g": true, "m6i": true, "m7g": true, "m7i": true, "m8g": true,
	"r6g": true, "r6i": true, "r7g": true, "r7i": true, "r8g": true,
}

var classes = buildClasses()

func buildClasses() map[string]Class {
	all := map[string]Class{}
	for _, c := range dbOnly {
		all[c.Name] = c
	}
	for _, name := range ec2.Names() {
		t, err := ec2.Lookup(name)
		if err != nil || !dbFamilies[t.Family] {
			continue
		}
		all["db."+name] = Class{
			Name: "db." + name, Architecture: t.Architecture, VCPU: t.VCPU, MemoryBytes: t.MemoryBytes,
			NetworkMbps: t.NetworkMbps, Burstable: t.Burstable,
		}
	}
	return all
}

// osReservation is the part of a class's memory that RDS keeps for the operating system and its own agents, per
// thousand. RDS publishes no table of it. Its one example, 8 GiB where max_connections is about 630 and not 683, makes
// it 77; on a class of 1 GiB it is near 300.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections ; read
// 2026-11-23. `SHOW shared_buffers` under the default parameter group, which is a quarter of DBInstanceClassMemory,
// tells the true one of an instance.
const osReservation = 80

// ParameterMemory estimates the bytes that DBInstanceClassMemory stands for in a parameter formula: the class's memory
// after the reservation of the operating system. Source of the definition: as osReservation.
func (c Class) ParameterMemory() int64 { return c.MemoryBytes - c.MemoryBytes*osReservation/1000 }

// EC2Sibling names the EC2 instance type with the same hardware, "" if none is listed here.
func (c Class) EC2Sibling() string {
	name := strings.TrimPrefix(c.Name, "db.")
	if _, err := ec2.Lookup(name); err != nil {
		return ""
	}
	return name
}

// Lookup returns the instance class of that name, such as "db.r7g.large". An unknown name is an error that lists near
// ones.
func Lookup(name string) (Class, error) { return catalogue.Lookup(classes, "RDS instance class", name) }

// Names lists the known instance classes, sorted.
func Names() []string { return catalogue.Names(classes) }

// Instance is what a formula in a parameter group of an instance of this class may refer to, but for storage and port.
func (c Class) Instance() parameter.Instance {
	return parameter.Instance{MemoryBytes: c.ParameterMemory(), VCPU: c.VCPU}
}
