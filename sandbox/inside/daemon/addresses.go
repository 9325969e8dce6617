package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"sync"
)

// addressBook gives things addresses of a prefix and remembers them over a restart. The lowest free address is
// given, so the same declarations in the same order get the same addresses.
type addressBook struct {
	path   string
	prefix netip.Prefix
	first  netip.Addr

	mu    sync.Mutex
	given map[string]netip.Addr
}

func openAddressBook(path string, prefix netip.Prefix, first netip.Addr) (*addressBook, error) {
	b := &addressBook{path: path, prefix: prefix, first: first, given: map[string]netip.Addr{}}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &b.given); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// take returns the address of key, giving it one if it has none.
func (b *addressBook) take(key string) (netip.Addr, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, ok := b.given[key]; ok {
		return a, nil
	}
	taken := map[netip.Addr]bool{}
	for _, a := range b.given {
		taken[a] = true
	}
	a := b.first
	for taken[a] {
		a = a.Next()
	}
	if !b.prefix.Contains(a) {
		return netip.Addr{}, fmt.Errorf("no address of %s is free for %s", b.prefix, key)
	}
	b.given[key] = a
	return a, b.save()
}

// release frees the address of key.
func (b *addressBook) release(key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.given, key)
	return b.save()
}

func (b *addressBook) save() error {
	raw, err := json.MarshalIndent(b.given, "", "  ")
	if err != nil {
		return err
	}
	return keep(b.path, raw)
}
