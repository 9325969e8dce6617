package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/ragscale/ragscale/ragapi/address"
)

const (
	maxAnswer     = 256 << 10
	maxKeys       = 100
	leastRSABits  = 2048
	metadataBelow = "/.well-known/openid-configuration"
)

// source is where the issuer publishes its keys.
type source struct {
	issuer, jwks string
	client       *http.Client
}

func newSource(s Settings) (*source, error) {
	transport, isTransport := http.DefaultTransport.(*http.Transport)
	if !isTransport {
		return nil, errors.New("the default HTTP transport is not net/http's")
	}
	transport = transport.Clone()
	transport.MaxResponseHeaderBytes = maxAnswer
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificates for the issuer: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates for the issuer: %s has none", s.CAFile)
		}
	}
	// A redirect could lead anywhere, also from https to http.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &source{issuer: s.Issuer, jwks: s.JWKSURL, client: &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// keys fetches the keys that tokens may be signed with.
func (s *source) keys(ctx context.Context) ([]jose.JSONWebKey, error) {
	from, err := s.address(ctx)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := s.get(ctx, from, &set); err != nil {
		return nil, err
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%s: has %d keys, want %d at most", address.Shown(from), len(set.Keys), maxKeys)
	}
	keys := usable(set.Keys)
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: none of its %d keys is usable", address.Shown(from), len(set.Keys))
	}
	return keys, nil
}

// address is where the keys are, by the settings or by the issuer's metadata.
func (s *source) address(ctx context.Context) (string, error) {
	if s.jwks != "" {
		return s.jwks, nil
	}
	from := strings.TrimSuffix(s.issuer, "/") + metadataBelow
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := s.get(ctx, from, &metadata); err != nil {
		return "", err
	}
	if metadata.Issuer != s.issuer {
		return "", fmt.Errorf("%s: issuer is %q, want %q", address.Shown(from), metadata.Issuer, s.issuer)
	}
	if !Trusted(metadata.JWKSURI) {
		return "", fmt.Errorf("%s: jwks_uri is %q, want a URL with https", address.Shown(from), address.Shown(metadata.JWKSURI))
	}
	return metadata.JWKSURI, nil
}

func (s *source) get(ctx context.Context, from string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return address.Cause(err)
	}
	request.Header.Set("Accept", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", address.Shown(from), address.Cause(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: answered %s, want 200", address.Shown(from), answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%s: %w", address.Shown(from), err)
	}
	if len(body) > maxAnswer {
		return fmt.Errorf("%s: has more than %d bytes", address.Shown(from), maxAnswer)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: %w", address.Shown(from), err)
	}
	return nil
}

// Trusted reports whether what is fetched from a URL can be believed: over https, or from this machine.
func Trusted(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// usable leaves out what cannot verify a token: keys of other kinds or uses, weak ones, secrets, those without a name.
// One that this library does not know must not keep the others from being used.
func usable(set []json.RawMessage) []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, raw := range set {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(raw); err != nil {
			continue
		}
		if key.KeyID != "" && (key.Use == "" || key.Use == "sig") && algorithmOf(key.Key) != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// algorithmOf is the only one that a key is used with, or "" for a key that is not used.
func algorithmOf(key any) jose.SignatureAlgorithm {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= leastRSABits {
			return jose.RS256
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return jose.ES256
		}
	case ed25519.PublicKey:
		return jose.EdDSA
	}
	return ""
}

// suitable is the key of this name for this algorithm, or nil.
func suitable(keys []jose.JSONWebKey, name, algorithm string) *jose.JSONWebKey {
	for i := range keys {
		key := &keys[i]
		if key.KeyID == name && (key.Algorithm == "" || key.Algorithm == algorithm) && string(algorithmOf(key.Key)) == algorithm {
			return key
		}
	}
	return nil
}
