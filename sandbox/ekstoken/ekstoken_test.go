package ekstoken

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/sigv4"
)

var (
	key = Credentials{AccessKeyID: "AKIAEXAMPLEEXAMPLE00", SecretAccessKey: "a-secret"}
	now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func known(secret string) sigv4.Lookup {
	return Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: secret}.Lookup
}

func sign(t *testing.T) string {
	t.Helper()
	token, _, err := Sign(key, "eu-central-1", "main", now)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// altered decodes the token, replaces text in its URL and encodes it again.
func altered(t *testing.T, token, from, to string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, prefix))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), from) {
		t.Fatalf("%s is not in %s", from, raw)
	}
	return prefix + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(raw), from, to, 1)))
}

func TestATokenNamesItsPrincipal(t *testing.T) {
	arn, err := Verify(sign(t), "main", known(key.SecretAccessKey), now.Add(14*time.Minute))
	if err != nil || arn != CreatorARN {
		t.Errorf("got %q, %v", arn, err)
	}
}

func TestPaddingIsAccepted(t *testing.T) {
	if _, err := Verify(sign(t)+"==", "main", known(key.SecretAccessKey), now); err != nil {
		t.Error(err)
	}
}

func TestATokenIsRefused(t *testing.T) {
	token := sign(t)
	for _, c := range []struct {
		name, token, cluster, secret, want string
		at                                 time.Time
	}{
		{"wrong secret", token, "main", "another", "EKS token for cluster main: the signature is not that of access key AKIAEXAMPLEEXAMPLE00 for this request", now},
		{"wrong cluster", token, "other", "a-secret", "EKS token for cluster other: the signature is not that of access key AKIAEXAMPLEEXAMPLE00 for this request", now},
		{"expired", token, "main", "a-secret", "EKS token: signed at 2026-11-23T12:00:00Z, accepted for 15m0s", now.Add(16 * time.Minute)},
		{"from the future", token, "main", "a-secret", "EKS token: signed at 2026-11-23T12:00:00Z, accepted for 15m0s", now.Add(-6 * time.Minute)},
		{"tampered date", altered(t, token, "T120000Z", "T120001Z"), "main", "a-secret", "EKS token for cluster main: the signature is not that of access key AKIAEXAMPLEEXAMPLE00 for this request", now},
		{"tampered signature", altered(t, token, "X-Amz-Signature=", "X-Amz-Signature=0"), "main", "a-secret", "EKS token for cluster main: the signature is not that of access key AKIAEXAMPLEEXAMPLE00 for this request", now},
		{"another action", altered(t, token, "GetCallerIdentity", "GetSessionToken"), "main", "a-secret", "EKS token: holds no STS GetCallerIdentity request", now},
		{"another host", altered(t, token, "sts.eu-central-1.amazonaws.com", "sts.example.com"), "main", "a-secret", "EKS token: holds no STS GetCallerIdentity request", now},
		{"unknown key", altered(t, token, "AKIAEXAMPLEEXAMPLE00", "AKIAEXAMPLEEXAMPLE99"), "main", "a-secret", "EKS token for cluster main: access key AKIAEXAMPLEEXAMPLE99 is unknown here", now},
		{"of no cluster", altered(t, token, "host%3Bx-k8s-aws-id", "host"), "main", "a-secret", "EKS token: it names no cluster", now},
		{"not a token", "hunter2", "main", "a-secret", "no EKS token: it does not begin with k8s-aws-v1.", now},
		{"not base64", prefix + "%%%", "main", "a-secret", "EKS token: not base64url", now},
		{"empty", prefix, "main", "a-secret", "EKS token: holds no STS GetCallerIdentity request", now},
	} {
		t.Run(c.name, func(t *testing.T) {
			arn, err := Verify(c.token, c.cluster, known(c.secret), c.at)
			if err == nil || err.Error() != c.want || arn != "" {
				t.Errorf("got %q, %v\nwant %s", arn, err, c.want)
			}
		})
	}
}

func TestCredentialsStayTheSame(t *testing.T) {
	l := layout.Layout{Dir: t.TempDir()}
	first, err := Create(l)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Create(l)
	if err != nil || first != second {
		t.Errorf("got %v then %v, %v", first, second, err)
	}
}

func FuzzVerifyNeverPanics(f *testing.F) {
	f.Add(prefix + "aHR0cHM6Ly9zdHMuYW1hem9uYXdzLmNvbS8")
	f.Fuzz(func(t *testing.T, token string) {
		if arn, err := Verify(token, "main", known("a-secret"), now); err == nil {
			t.Errorf("%q was accepted as %s", token, arn)
		}
	})
}
