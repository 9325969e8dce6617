// Package pki makes the sandbox's certificates.
//
// Owns: certificate authorities, leaf certificates, the service account key and the kubeconfigs under .sandbox/pki.
// Does not own: who uses them. Everything is kept and made anew only when it is near its end or no longer says
// what is asked of it, so a restarted sandbox keeps its identity.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	// renewBefore is how long a kept certificate must still be good for: longer than a sandbox runs unattended.
	renewBefore = 30 * 24 * time.Hour
)

// Authority signs certificates into one folder.
type Authority struct {
	dir  string
	name string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Leaf describes a certificate. It serves as client and as server.
type Leaf struct {
	Name          string // of the files: Name.crt and Name.key
	CommonName    string
	Organizations []string
	SANs          []string // IP addresses and DNS names
}

// Pair names the files of a certificate and its key (0600), both PEM.
type Pair struct {
	Cert, Key string
}

// Open loads the authority name from folder dir, or makes it there.
func Open(dir, name string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	a := &Authority{dir: dir, name: name}
	cert, key, err := load(a.pair(name))
	if err == nil && cert.IsCA && time.Until(cert.NotAfter) > renewBefore {
		a.cert, a.key = cert, key
		return a, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return a, a.create()
}

// CertFile is the path of the authority's own certificate.
func (a *Authority) CertFile() string { return a.pair(a.name).Cert }

func (a *Authority) create() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := newSerial()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "ragscale sandbox " + a.name},
		NotBefore:             time.Now().Add(-time.Hour), // clocks differ
		NotAfter:              time.Now().Add(authorityLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.key = key
	return store(a.pair(a.name), der, key)
}

// Issue returns the certificate that leaf describes, kept or new.
func (a *Authority) Issue(leaf Leaf) (Pair, error) {
	pair := a.pair(leaf.Name)
	if cert, _, err := load(pair); err == nil && a.serves(cert, leaf) {
		return pair, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	template, err := leaf.template()
	if err != nil {
		return Pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return Pair{}, err
	}
	return pair, store(pair, der, key)
}

func (l Leaf) template() (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: l.CommonName, Organization: l.Organizations},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, san := range l.SANs {
		if ip := net.ParseIP(san); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, san)
		}
	}
	return t, nil
}

// serves says whether a kept certificate is what leaf asks for, signed by this authority, with time to go.
func (a *Authority) serves(cert *x509.Certificate, leaf Leaf) bool {
	var sans []string
	for _, ip := range cert.IPAddresses {
		sans = append(sans, ip.String())
	}
	sans = append(sans, cert.DNSNames...)
	return cert.CheckSignatureFrom(a.cert) == nil &&
		time.Until(cert.NotAfter) > renewBefore &&
		cert.Subject.CommonName == leaf.CommonName &&
		sameSet(cert.Subject.Organization, leaf.Organizations) &&
		sameSet(sans, leaf.SANs)
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func (a *Authority) pair(name string) Pair {
	return Pair{Cert: filepath.Join(a.dir, name+".crt"), Key: filepath.Join(a.dir, name+".key")}
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // RFC 5280 allows 20 octets
}

func load(p Pair) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certDER, err := readPEM(p.Cert, "CERTIFICATE")
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := readPEM(p.Key, "EC PRIVATE KEY")
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", p.Cert, err)
	}
	key, err := x509.ParseECPrivateKey(keyDER)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", p.Key, err)
	}
	return cert, key, nil
}

func readPEM(path, kind string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s holds no %s: delete it and it is made anew", path, kind)
	}
	return block.Bytes, nil
}

func store(p Pair, certDER []byte, key *ecdsa.PrivateKey) error {
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(p.Key, "EC PRIVATE KEY", keyDER, 0o600); err != nil {
		return err
	}
	return writePEM(p.Cert, "CERTIFICATE", certDER, 0o644)
}

// writePEM replaces path as a whole: a killed sandbox leaves no half of a key.
func writePEM(path, kind string, der []byte, mode fs.FileMode) error {
	return atomicfile.Write(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
