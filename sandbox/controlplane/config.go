package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// config says where a control plane keeps its data and where it listens.
type config struct {
	DataDir     string     `json:"dataDir"`     // etcd's data
	PKIDir      string     `json:"pkiDir"`      // certificates and kubeconfigs, by the names in flags.go
	Address     netip.Addr `json:"address"`     // of the API server
	Port        int        `json:"port"`        // of the API server
	ServiceCIDR string     `json:"serviceCidr"` // cluster IPs
	EtcdPort    int        `json:"etcdPort"`    // on 127.0.0.1; the next one is etcd's peer port
	Audience    string     `json:"audience"`    // issuer of service account tokens, a URL
}

func readConfig(path string) (config, error) {
	var c config
	if path == "" {
		return c, errors.New("--config is missing, want a JSON file")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.validate(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// validate reports every fault at once.
func (c config) validate() error {
	var faults []error
	for name, dir := range map[string]string{"dataDir": c.DataDir, "pkiDir": c.PKIDir} {
		if !filepath.IsAbs(dir) {
			faults = append(faults, fmt.Errorf("%s is %q, want an absolute path", name, dir))
		}
	}
	if !c.Address.Is4() {
		faults = append(faults, fmt.Errorf("address is %q, want an IPv4 address", c.Address))
	}
	for name, port := range map[string]int{"port": c.Port, "etcdPort": c.EtcdPort} {
		if port < 1 || port > 65534 {
			faults = append(faults, fmt.Errorf("%s is %d, want 1 to 65534", name, port))
		}
	}
	if _, err := netip.ParsePrefix(c.ServiceCIDR); err != nil {
		faults = append(faults, fmt.Errorf("serviceCidr: %w", err))
	}
	if c.Audience == "" {
		faults = append(faults, errors.New("audience is empty, want the issuer's URL"))
	}
	return errors.Join(faults...)
}

func (c config) cert(name string) string       { return filepath.Join(c.PKIDir, name+".crt") }
func (c config) key(name string) string        { return filepath.Join(c.PKIDir, name+".key") }
func (c config) kubeconfig(name string) string { return filepath.Join(c.PKIDir, name+".kubeconfig") }

func (c config) etcdURL(offset int) string {
	return fmt.Sprintf("http://127.0.0.1:%d", c.EtcdPort+offset)
}

func (c config) readyURL() string {
	return fmt.Sprintf("https://%s/readyz", netip.AddrPortFrom(c.Address, uint16(c.Port)))
}
