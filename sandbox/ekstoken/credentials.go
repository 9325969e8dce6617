package ekstoken

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/sigv4"
)

// CreatorARN is the IAM user the sandbox's own credentials stand for: the creator of its cluster.
const CreatorARN = "arn:aws:iam::123456789012:user/sandbox"

// Lookup finds c's own access key, which is the creator's.
func (c Credentials) Lookup(accessKeyID string) (sigv4.Key, bool) {
	return sigv4.Key{Secret: c.SecretAccessKey, ARN: CreatorARN}, accessKeyID == c.AccessKeyID
}

// CredentialsFile is where l keeps its credentials, in the form of ~/.aws/credentials.
func CredentialsFile(l layout.Layout) string { return filepath.Join(l.PKI(), "aws-credentials") }

// Create reads the credentials of l, or makes them.
func Create(l layout.Layout) (Credentials, error) {
	creds, err := Load(l)
	if !errors.Is(err, fs.ErrNotExist) {
		return creds, err
	}
	creds = Credentials{AccessKeyID: "AKIA" + rand.Text()[:16], SecretAccessKey: (rand.Text() + rand.Text())[:40]}
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", creds.AccessKeyID, creds.SecretAccessKey)
	path := CredentialsFile(l)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Credentials{}, err
	}
	return creds, atomicfile.Write(path, []byte(text), 0o600)
}

// Load reads the credentials of l. There are none (fs.ErrNotExist) before the sandbox has run once.
func Load(l layout.Layout) (Credentials, error) {
	raw, err := os.ReadFile(CredentialsFile(l))
	if err != nil {
		return Credentials{}, err
	}
	var creds Credentials
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch strings.TrimSpace(key) {
		case "aws_access_key_id":
			creds.AccessKeyID = strings.TrimSpace(value)
		case "aws_secret_access_key":
			creds.SecretAccessKey = strings.TrimSpace(value)
		}
	}
	if creds.AccessKeyID == "" || creds.SecretAccessKey == "" {
		return Credentials{}, fmt.Errorf("%s holds no access key: delete it and start the sandbox anew", CredentialsFile(l))
	}
	return creds, nil
}
