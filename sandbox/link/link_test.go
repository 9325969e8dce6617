//go:build linux

package link

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// own marks this binary started again in namespaces of its own.
const own = "RAGSCALE_TEST_LINK"

// alone runs the test again as root of a network of its own; true: this is that run.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(own) != "" {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), own+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Skipf("this machine lets no one make user namespaces: %v", err)
	}
	if err != nil {
		t.Errorf("%s", out)
	}
	return false
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answers tells whether who dials from the namespace reaches an address that is listened to outside.
func answers(t *testing.T, ns *os.File, address string) error {
	t.Helper()
	l, err := net.Listen("tcp", address)
	must(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "here")
			c.Close()
		}
	}()
	return In(ns, func() error {
		c, err := net.DialTimeout("tcp", l.Addr().String(), 20*time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		said, err := io.ReadAll(c)
		if err == nil && string(said) != "here" {
			err = fmt.Errorf("it says %q", said)
		}
		return err
	})
}

func TestANamespaceReachesWhatItsMachineOwns(t *testing.T) {
	if !alone(t) {
		return
	}
	bridge := netip.MustParsePrefix("10.77.0.1/16")
	must(t, SetUp("lo"))
	must(t, AddBridge("br0", bridge))
	must(t, Own(netip.MustParsePrefix("10.96.0.0/16")))
	for range 2 { // what is there already is fine
		must(t, AddAddress("br0", netip.MustParsePrefix("10.77.0.10/32")))
	}
	ns, err := NewNamespace()
	must(t, err)
	defer ns.Close()
	must(t, Attach(ns, "v1", "br0", netip.MustParsePrefix("10.77.1.0/16"), bridge.Addr()))
	for _, address := range []string{"10.77.0.1:0", "10.77.0.10:0", "10.96.7.8:0"} {
		if err := answers(t, ns, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	must(t, In(ns, func() error {
		eth, err := net.InterfaceByName("eth0")
		if err == nil && eth.HardwareAddr.String() != "02:42:0a:4d:01:00" {
			err = fmt.Errorf("hardware address %s, want one of the IP address's bytes", eth.HardwareAddr)
		}
		return err
	}))
}

func TestWhatIsTakenAwayTwiceIsGone(t *testing.T) {
	if !alone(t) {
		return
	}
	must(t, AddBridge("br0", netip.MustParsePrefix("10.77.0.1/16")))
	must(t, AddAddress("br0", netip.MustParsePrefix("10.77.0.10/32")))
	ns, err := NewNamespace()
	must(t, err)
	defer ns.Close()
	must(t, Attach(ns, "v1", "br0", netip.MustParsePrefix("10.77.1.0/16"), netip.MustParseAddr("10.77.0.1")))
	for range 2 {
		must(t, RemoveAddress("br0", netip.MustParsePrefix("10.77.0.10/32")))
		must(t, Delete("v1"))
	}
	if _, err := net.InterfaceByName("v1"); err == nil {
		t.Error("the interface is still there")
	}
	if err := Attach(ns, "v1", "none", netip.MustParsePrefix("10.77.1.0/16"), netip.MustParseAddr("10.77.0.1")); err == nil {
		t.Error("plugged into a bridge that is not there")
	}
}
