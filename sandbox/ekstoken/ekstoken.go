// Package ekstoken makes and checks EKS bearer tokens without AWS.
//
// Owns: the token (a presigned STS GetCallerIdentity request with the cluster's name as a signed header) and the
// sandbox's own IAM credentials. Does not own: what the principal may do.
//
// The token's form is that of https://github.com/kubernetes-sigs/aws-iam-authenticator (README, section "API Authorization
// from Outside a Cluster"; read 2026-11-23): "k8s-aws-v1." and the URL in unpadded base64url. `aws eks get-token` makes
// the same.
package ekstoken

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/ragscale/ragscale/sandbox/sigv4"
)

const (
	prefix        = "k8s-aws-v1."
	clusterHeader = "x-k8s-aws-id"
	dateLayout    = "20060102T150405Z"
	// EKS accepts a token for 15 minutes whatever X-Amz-Expires says; a client shows one minute less.
	lifetime      = 15 * time.Minute
	shownLifetime = lifetime - time.Minute
	clockSkew     = 5 * time.Minute
)

var (
	stsHost   = regexp.MustCompile(`^sts(\.[a-z0-9-]+)?\.amazonaws\.com$`)
	emptyHash = func() string { h := sha256.Sum256(nil); return hex.EncodeToString(h[:]) }()
)

// Credentials are an IAM user's access key.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
}

// Sign makes a token for cluster as of now and says when a client should stop using it.
func Sign(creds Credentials, region, cluster string, now time.Time) (token string, expires time.Time, err error) {
	host := "sts." + region + ".amazonaws.com"
	query := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}, "X-Amz-Expires": {"60"}}
	signed, err := presign(creds, host, region, cluster, query, now)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("EKS token for cluster %s: %w", cluster, err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString([]byte(signed)), now.Add(shownLifetime), nil
}

// Verify checks that token was made for cluster, at most 15 minutes before now, with the secret of a key that lookup
// knows, and returns that key's ARN. Errors never repeat the token.
func Verify(token, cluster string, lookup sigv4.Lookup, now time.Time) (arn string, err error) {
	request, err := parse(token)
	if err != nil {
		return "", err
	}
	query := request.Query()
	date, err := time.Parse(dateLayout, query.Get("X-Amz-Date"))
	if err != nil {
		return "", errors.New("EKS token: X-Amz-Date is no date")
	}
	if now.Sub(date) > lifetime || date.Sub(now) > clockSkew {
		return "", fmt.Errorf("EKS token: signed at %s, accepted for %s", date.Format(time.RFC3339), lifetime)
	}
	if !slices.Contains(strings.Split(query.Get("X-Amz-SignedHeaders"), ";"), clusterHeader) {
		return "", errors.New("EKS token: it names no cluster")
	}
	req := &http.Request{Method: http.MethodGet, URL: request, Host: request.Host, Header: http.Header{}}
	req.Header.Set(clusterHeader, cluster)
	signed, err := sigv4.VerifyAtAnyTime(req, lookup)
	if err != nil {
		return "", fmt.Errorf("EKS token for cluster %s: %w", cluster, err)
	}
	if signed.Service != "sts" {
		return "", errors.New("EKS token: its credential scope is not one of STS")
	}
	return signed.ARN, nil
}

func parse(token string) (*url.URL, error) {
	encoded, ok := strings.CutPrefix(token, prefix)
	if !ok {
		return nil, fmt.Errorf("no EKS token: it does not begin with %s", prefix)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return nil, errors.New("EKS token: not base64url")
	}
	u, err := url.Parse(string(raw))
	if err != nil {
		return nil, errors.New("EKS token: holds no URL")
	}
	plain := u.Scheme == "https" && stsHost.MatchString(u.Host) && (u.Path == "" || u.Path == "/")
	if !plain || u.Query().Get("Action") != "GetCallerIdentity" {
		return nil, errors.New("EKS token: holds no STS GetCallerIdentity request")
	}
	return u, nil
}

func presign(creds Credentials, host, region, cluster string, query url.Values, at time.Time) (string, error) {
	u := url.URL{Scheme: "https", Host: host, Path: "/", RawQuery: query.Encode()}
	req, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set(clusterHeader, cluster)
	key := aws.Credentials{AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey}
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), key, req, emptyHash, "sts", region, at.UTC())
	return signed, err
}
