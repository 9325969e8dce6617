package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
	"github.com/ragscale/ragscale/sandbox/inside/s3"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/sigv4"
)

// openAWS answers AWS's APIs until ctx ends: on the host's loopback address, and inside under AWS's own names.
func (d *daemon) openAWS(ctx context.Context) error {
	log := d.log.With("part", "AWS endpoint")
	buckets, err := s3.New(s3.Config{Dir: filepath.Join(d.layout.State(), "s3"), Settings: awsapi.BucketSettings(d.account), Log: log})
	if err != nil {
		return fmt.Errorf("S3: %w", err)
	}
	d.s3 = buckets
	d.aws = awsapi.New(awsapi.Config{Account: d.account, Keys: d.keyOf, Targets: d.targetsOf, S3: buckets, Log: log})
	d.aws.Mount("aps", "/workspaces/", d.metrics)
	if err := d.openCloudWatch(ctx); err != nil {
		return fmt.Errorf("CloudWatch: %w", err)
	}
	authority, err := pki.Open(d.layout.PKI(), pki.CA)
	if err != nil {
		return err
	}
	if err := d.openPodIdentity(ctx); err != nil {
		return fmt.Errorf("pod identity: %w", err)
	}
	certificates := &awsCertificates{issue: authority.Issue, host: d.layout.HostIP(), made: map[string]*tls.Certificate{}}
	if _, err := certificates.named(""); err != nil {
		return err
	}
	inside, err := net.Listen("tcp4", layout.AWS.String())
	if err != nil {
		return err
	}
	listeners := []net.Listener{inside}
	if o := d.offers[layout.PortAWS]; o != nil {
		if outside, ok := o.claim(); ok {
			listeners = append(listeners, outside)
		}
	}
	d.net.Names().Match(awsapi.Hosted, layout.AWS.Addr())
	srv := &http.Server{Handler: d.aws, TLSConfig: &tls.Config{GetCertificate: certificates.get}, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	for _, l := range listeners {
		go func() {
			if err := srv.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
				d.log.Error("the AWS endpoint ended", "address", l.Addr(), "error", err)
			}
		}()
	}
	return nil
}

// keyOf finds the sandbox's own access key, or one that a pod got.
func (d *daemon) keyOf(id string) (sigv4.Key, bool) {
	if key, ok := d.keys.Lookup(id); ok {
		return key, true
	}
	return d.pods.agent.Lookup(id)
}

func (d *daemon) putBucket(_ context.Context, name string, spec control.Bucket) (any, error) {
	return nil, d.s3.Declare(name, s3.Bucket{Region: spec.Region, Force: spec.ForceDestroy})
}

func (d *daemon) removeBucket(_ context.Context, name string) error {
	err := d.s3.Remove(name)
	if errors.Is(err, s3.ErrNotEmpty) {
		return control.Conflict("%v", err)
	}
	return err
}

// targetsOf are a target group's targets, with their health.
func (d *daemon) targetsOf(arn string) []awsapi.Target {
	var out []awsapi.Target
	for _, t := range d.net.Targets(arn) {
		out = append(out, awsapi.Target{IP: t.Addr.Addr().String(), Port: int(t.Addr.Port()), State: t.State})
	}
	return out
}

// awsCertificates are those that the endpoint shows, by the name that it is called by.
type awsCertificates struct {
	issue func(leaf pki.Leaf) (pki.Pair, error)
	host  string

	mu   sync.Mutex
	made map[string]*tls.Certificate
}

func (c *awsCertificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if name := strings.ToLower(hello.ServerName); awsapi.Hosted(name) {
		_, parent, _ := strings.Cut(name, ".")
		return c.named("*." + parent) // one for all buckets of a region, one for all services
	}
	return c.named("")
}

// named is the certificate for a name; "" is the one for the host's address.
func (c *awsCertificates) named(name string) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cert := c.made[name]; cert != nil {
		return cert, nil
	}
	leaf := pki.Leaf{Name: "aws", CommonName: "AWS", SANs: []string{c.host, layout.AWS.Addr().String(), "localhost"}}
	if name != "" {
		leaf = pki.Leaf{Name: "aws-" + strings.TrimPrefix(name, "*."), CommonName: name, SANs: []string{name}}
	}
	pair, err := c.issue(leaf)
	if err != nil {
		return nil, err
	}
	cert, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		return nil, err
	}
	c.made[name] = &cert
	return &cert, nil
}
