package image

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// AuthoritiesURL has the certificate authorities of RDS in every commercial region.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
const AuthoritiesURL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"

const (
	fetchWithin = 30 * time.Second
	mostBundle  = 4 << 20 // bytes; it has some 170 KB
)

// Authorities returns RDS' certificate authorities: from a file, or without one from url. A database of region can be
// verified by them.
func Authorities(ctx context.Context, file, url, region string) ([]byte, error) {
	bundle, err := readBundle(ctx, file, url)
	if err != nil {
		return nil, fmt.Errorf("RDS' certificates: %w", err)
	}
	if err := checkAuthorities(bundle, region, time.Now()); err != nil {
		return nil, fmt.Errorf("RDS' certificates: %s: %w", cmp.Or(file, url), err)
	}
	return bundle, nil
}

func readBundle(ctx context.Context, file, url string) ([]byte, error) {
	if file != "" {
		return os.ReadFile(file)
	}
	bundle, err := fetch(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("%w: want a way to it, or --rds-bundle with a file of the same content", err)
	}
	return bundle, nil
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, mostBundle+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("GET %s: %w", url, err)
	case len(body) > mostBundle:
		return nil, fmt.Errorf("GET %s: more than %d bytes", url, mostBundle)
	}
	return body, nil
}

// checkAuthorities returns every fault of a bundle. AWS keeps some that have expired in its own: those are none.
func checkAuthorities(bundle []byte, region string, now time.Time) error {
	var faults []error
	usable := false
	for rest := bytes.TrimSpace(bundle); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			faults = append(faults, errors.New("has text that is no certificate, want whole certificates in PEM"))
			break
		}
		authority, err := parseAuthority(block)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		usable = usable || verifies(authority, region, now)
	}
	if len(faults) == 0 && !usable {
		faults = append(faults, fmt.Errorf("has no valid root of %s, want a present copy of %s", region, AuthoritiesURL))
	}
	return errors.Join(faults...)
}

// parseAuthority takes what AWS publishes for RDS alone: whoever signs for the database reads and answers every
// statement.
func parseAuthority(block *pem.Block) (*x509.Certificate, error) {
	if block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("has a %s, want certificates alone", block.Type)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("has a certificate that cannot be read: %w", err)
	}
	if !c.IsCA || !slices.Contains(c.Subject.Organization, "Amazon Web Services, Inc.") ||
		!slices.Contains(c.Subject.OrganizationalUnit, "Amazon RDS") {
		return nil, fmt.Errorf("has %s, want authorities of Amazon RDS alone", c.Subject)
	}
	return c, nil
}

// verifies tells whether an authority is a root for databases of a region, by its name such as
// "Amazon RDS eu-central-1 Root CA RSA2048 G1".
func verifies(c *x509.Certificate, region string, now time.Time) bool {
	return slices.Contains(strings.Fields(c.Subject.CommonName), region) &&
		now.After(c.NotBefore) && now.Before(c.NotAfter) && c.CheckSignatureFrom(c) == nil
}
