package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Bounds of the VPC. AWS allows /16 to /28; below /20 a zone's nodes run out of the /28 blocks that prefix delegation
// takes (16 pod addresses each).
const (
	minPrefixBits = 16
	maxPrefixBits = 20
	minZones      = 2 // EKS, load balancers and RDS subnet groups each need two
	maxZones      = 3
)

// Zone is an availability zone and the address ranges of its subnets.
type Zone struct {
	Name                      string
	Public, Private, Isolated netip.Prefix
}

// Plan divides a VPC range among zones. The range falls into quarters: quarter i is zone i's private subnet, since pods
// take nearly all addresses. The last quarter falls into 16 pieces: piece i is zone i's public subnet, piece 4+i its
// isolated one, and 8 to 15 stay free. A zone's ranges depend on its position alone.
//
// A /16 gives each zone 16,384 private, 1,024 public and 1,024 isolated addresses; a /20 gives 1,024, 64 and 64.
func Plan(cidr string, zones []string) ([]Zone, error) {
	vpc, err := netip.ParsePrefix(cidr)
	if err != nil || !vpc.Addr().Is4() || vpc.Bits() < minPrefixBits || vpc.Bits() > maxPrefixBits || vpc != vpc.Masked() {
		return nil, fmt.Errorf("network.cidr is %q, want an IPv4 range from /%d to /%d without host bits", cidr,
			minPrefixBits, maxPrefixBits)
	}
	if len(zones) < minZones || len(zones) > maxZones {
		return nil, fmt.Errorf("network.zones has %d entries, want %d or %d", len(zones), minZones, maxZones)
	}
	plan := make([]Zone, len(zones))
	last := part(vpc, 2, 3)
	for i, zone := range zones {
		plan[i] = Zone{Name: zone, Private: part(vpc, 2, i), Public: part(last, 4, i), Isolated: part(last, 4, 4+i)}
	}
	return plan, nil
}

// part is the i-th of the 2^bits equal parts of an IPv4 range.
func part(whole netip.Prefix, bits, i int) netip.Prefix {
	length := whole.Bits() + bits
	b := whole.Addr().As4()
	n := binary.BigEndian.Uint32(b[:]) + uint32(i)<<(32-length)
	binary.BigEndian.PutUint32(b[:], n)
	return netip.PrefixFrom(netip.AddrFrom4(b), length)
}
