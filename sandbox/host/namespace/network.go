//go:build linux

package namespace

import (
	"net/netip"
	"os"

	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/link"
)

// sysctls of the namespace's own network stack.
var sysctls = []struct{ file, value string }{
	{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"}, // pods bind port 80 as any user
	{"/proc/sys/net/ipv4/ip_forward", "1"},                 // pods reach cluster IPs through the bridge
}

// bringUpNetwork makes the address plan of package layout true.
func bringUpNetwork() error {
	if err := link.SetUp("lo"); err != nil {
		return err
	}
	if err := link.AddBridge(layout.BridgeName, layout.Bridge); err != nil {
		return err
	}
	for _, prefix := range []netip.Prefix{layout.ServiceCIDR, layout.CloudCIDR, netip.PrefixFrom(layout.PodIdentity.Addr(), 32)} {
		if err := link.Own(prefix); err != nil {
			return err
		}
	}
	for _, s := range sysctls {
		if err := os.WriteFile(s.file, []byte(s.value), 0); err != nil {
			return err
		}
	}
	return nil
}
