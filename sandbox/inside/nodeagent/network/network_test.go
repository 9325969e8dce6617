package network

import (
	"net/netip"
	"testing"
)

func TestAddressRestsBeforeItIsUsedAgain(t *testing.T) {
	p := NewPool(netip.MustParsePrefix("10.0.0.0/29"), netip.MustParseAddr("10.0.0.4"))
	a, err := p.Take("")
	if err != nil {
		t.Fatal(err)
	}
	p.Release(a)
	b, err := p.Take("")
	if err != nil || a == b {
		t.Errorf("addresses are %s and %s (%v), want two", a, b, err)
	}
}

func TestAddressesRunOut(t *testing.T) {
	p := NewPool(netip.MustParsePrefix("10.0.0.0/29"), netip.MustParseAddr("10.0.0.4"))
	var err error
	for range 4 {
		_, err = p.Take("10.0.0.5")
	}
	if want := "no address of 10.0.0.0/29 is left: 3 are in use"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
