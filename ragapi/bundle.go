package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// imageBundle is where the image has the certificate authorities of RDS.
const imageBundle = "/etc/ssl/rds/global-bundle.pem"

func bundle(lookup func(string) (string, bool), to string, stderr io.Writer) int {
	if err := copyBundle(lookup, to); err != nil {
		return say(stderr, exitFailed, "ragapi: "+err.Error()+"\n")
	}
	return exitFine
}

// copyBundle writes the database's certificate authorities to a file: for a container next to this one that speaks to
// the database too and has no such file in its image.
func copyBundle(lookup func(string) (string, bool), to string) error {
	given, _ := lookup("DATABASE_CA_FILE") // absent and empty are alike
	from := cmp.Or(given, imageBundle)
	bundle, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(bundle) {
		return fmt.Errorf("certificates: %s has none, want PEM", from)
	}
	return replaceFile(to, bundle)
}

// replaceFile leaves either the old file or the whole new one, whoever reads it meanwhile.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".ca-bundle-*")
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o444), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("certificates: %w", err), os.Remove(f.Name()))
	}
	return nil
}
