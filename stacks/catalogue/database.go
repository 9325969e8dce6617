package catalogue

import "strings"

// DBClass is one RDS instance class that runs PostgreSQL.
type DBClass struct {
	Name         string // "db.r7g.large"
	Architecture string
	VCPU         int
	MemoryBytes  int64 // as advertised; see ParameterMemory
	NetworkMbps  int   // baseline
	Burstable    bool
}

// dbOnly are classes smaller than any EC2 type listed here. From AWS's table of instance classes as remembered; to settle:
// `aws rds describe-orderable-db-instance-options --engine postgres`.
var dbOnly = []DBClass{
	{Name: "db.t4g.micro", Architecture: ARM64, VCPU: 2, MemoryBytes: 1 * GiB, NetworkMbps: 64, Burstable: true},
}

// dbFamilies are the EC2 families that RDS for PostgreSQL offers as db.<family>.<size>, with the same hardware. As dbOnly.
var dbFamilies = map[string]bool{
	"t3": true, "t4g": true, "m6g": true, "m6i": true, "m7g": true, "m7i": true, "m8g": true,
	"r6g": true, "r6i": true, "r7g": true, "r7i": true, "r8g": true,
}

var dbClasses = buildDBClasses()

func buildDBClasses() map[string]DBClass {
	classes := map[string]DBClass{}
	for _, c := range dbOnly {
		classes[c.Name] = c
	}
	for _, t := range instanceTypes {
		if !dbFamilies[t.Family] {
			continue
		}
		name := "db." + t.Name
		classes[name] = DBClass{
			Name: name, Architecture: t.Architecture, VCPU: t.VCPU, MemoryBytes: t.MemoryBytes,
			NetworkMbps: t.NetworkMbps, Burstable: t.Burstable,
		}
	}
	return classes
}

// osReservation is the part of a class's memory that RDS keeps for the operating system and its own agents, per
// thousand. RDS publishes no table of it. Its one example, 8 GiB where max_connections is about 630 and not 683, makes it
// 77; on a class of 1 GiB it is near 300.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections ; read
// 2026-11-23. `SHOW shared_buffers` under the default parameter group, which is a quarter of DBInstanceClassMemory, tells
// the true one of an instance.
const osReservation = 80

// ParameterMemory estimates the bytes that DBInstanceClassMemory stands for in a parameter formula: the class's memory
// after the reservation of the operating system. Source of the definition: as osReservation.
func (c DBClass) ParameterMemory() int64 { return c.MemoryBytes - c.MemoryBytes*osReservation/1000 }

// EC2Sibling names the EC2 instance type with the same hardware, "" if none is listed here.
func (c DBClass) EC2Sibling() string {
	name := strings.TrimPrefix(c.Name, "db.")
	if _, known := instanceTypes[name]; !known {
		return ""
	}
	return name
}

// RDS returns the database class of that name, such as "db.r7g.large". An unknown name is an error that lists near ones.
func RDS(name string) (DBClass, error) { return lookup(dbClasses, "RDS instance class", name) }

// RDSNames lists the known database classes, sorted.
func RDSNames() []string { return names(dbClasses) }
