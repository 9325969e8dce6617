// Package awsapi answers AWS's own APIs from what the sandbox's account holds and what runs in it.
//
// Owns: who may ask (signatures), which service is meant (the credential's scope), the protocols with their forms of
// errors, the calls that describe databases, caches, clusters, load balancers and the caller, how a bucket is configured.
// Does not own: S3's calls, what exists (the account's), what runs, where the endpoint listens.
package awsapi

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
	"github.com/ragscale/ragscale/sandbox/inside/s3"
	"github.com/ragscale/ragscale/sandbox/sigv4"
)

// Config of New.
type Config struct {
	Account Account
	Keys    sigv4.Lookup
	// Targets tells the health of a target group's targets, by its ARN.
	Targets func(arn string) []Target
	S3      *s3.Server
	Log     *slog.Logger
}

// Target is a target of a load balancer. State is healthy, unhealthy, initial or draining.
type Target struct {
	IP    string
	Port  int
	State string
}

// hosts are AWS's names of the endpoints of services, and of buckets.
var hosts = regexp.MustCompile(`^(([a-z0-9][a-z0-9.-]*\.)?s3|aps|aps-workspaces|autoscaling|ec2|eks|elasticache|` +
	`elasticloadbalancing|logs|monitoring|pi|rds|sns|sts)(\.[a-z]{2}(-[a-z]+)+-[0-9])?\.amazonaws\.com$`)

// Hosted says whether AWS has an endpoint of that name which is answered here.
func Hosted(host string) bool { return hosts.MatchString(host) }

// Server is the endpoint. Mount before it serves.
type Server struct {
	cfg      Config
	services map[string]service // by the name that requests are signed for
}

// service answers requests that are signed for it.
type service struct {
	protocol protocol
	rpc      *awsrpc.Service // in place of protocol
	// paths are the prefixes of its paths, for those that have no signature.
	paths  []string
	handle func(w http.ResponseWriter, r *http.Request, caller *sigv4.Signed)
}

// New returns an endpoint that describes cfg.Account.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, services: map[string]service{}}
	for name, q := range map[string]query{
		"sts": stsQuery(), "rds": rdsQuery(), "elasticache": elasticacheQuery(), "elasticloadbalancing": s.elbQuery(),
		"sns": {namespace: "http://sns.amazonaws.com/doc/2010-03-31/"}, "autoscaling": {namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/"},
	} {
		s.services[name] = service{protocol: queryProtocol(q.namespace), handle: s.answerQuery(q)}
	}
	s.services["ec2"] = service{protocol: ec2Protocol{}, handle: s.unknownAction(ec2Protocol{})}
	s.services["eks"] = service{protocol: restJSON{}, handle: s.eks(), paths: []string{"/clusters"}}
	return s
}

// Mount has h answer a REST service, such as "aps", below a path. Requests reach it with their signature checked; so is
// the body while it is read.
func (s *Server) Mount(name, path string, h http.Handler) {
	s.services[name] = service{protocol: restJSON{}, paths: []string{path}, handle: func(w http.ResponseWriter, r *http.Request, _ *sigv4.Signed) {
		h.ServeHTTP(w, r)
	}}
}

// MountRPC has an RPC service answer what is signed for a name, such as "monitoring".
func (s *Server) MountRPC(name string, rpc *awsrpc.Service) {
	s.services[name] = service{rpc: rpc, paths: []string{"/service/" + rpc.Shape + "/"}, handle: func(w http.ResponseWriter, r *http.Request, caller *sigv4.Signed) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, awsrpc.MostBody))
		if err != nil { // the body is not what was signed, or too large
			s.fail(w, rpcProtocol{rpc, r}, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rpc.Serve(w, r, caller.Region, accountOf(caller.ARN))
	}}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", rand.Text())
	caller, err := sigv4.Verify(r, s.cfg.Keys, time.Now())
	var fault *sigv4.Fault
	switch {
	case err != nil && s.forS3(r) && errors.As(err, &fault) && fault.Kind == sigv4.Missing:
		s.cfg.S3.Serve(w, r, nil) // a bucket may be open to strangers
		return
	case err != nil && s.forS3(r):
		s.cfg.S3.Refuse(w, r, err)
		return
	case err != nil:
		p := s.protocolOf(r)
		p.refuse(w, p.signature(err))
		return
	}
	if caller.Service == "s3" {
		s.cfg.S3.Serve(w, r, caller)
		return
	}
	found, ok := s.services[caller.Service]
	if !ok {
		p := guess(r)
		p.refuse(w, unknown(p, fmt.Sprintf("the sandbox answers no calls of %s, only of %s", caller.Service, s.names())))
		return
	}
	found.handle(w, r, caller)
}

func (s *Server) names() string {
	return strings.Join(slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(s.services)), "s3"))), ", ")
}

// forS3 says whether a request is S3's: by what it is signed for, by its host, or since it is nobody else's.
func (s *Server) forS3(r *http.Request) bool {
	if scope := signedFor(r); scope != "" {
		return strings.Contains(scope, "/s3/aws4_request")
	}
	if strings.Contains("."+r.Host, ".s3.") {
		return true
	}
	for _, known := range s.services {
		if slices.ContainsFunc(known.paths, func(p string) bool { return strings.HasPrefix(r.URL.Path, p) }) {
			return false
		}
	}
	return !hosts.MatchString(r.Host) && guess(r) == protocol(restJSON{})
}

// signedFor is what a request says that it is signed for, "" for one without a signature.
func signedFor(r *http.Request) string {
	return r.Header.Get("Authorization") + r.URL.Query().Get("X-Amz-Credential")
}

// protocolOf is the protocol of a request that cannot be trusted: as its signature says, else as its path does.
func (s *Server) protocolOf(r *http.Request) protocol {
	for name, known := range s.services {
		if strings.Contains(signedFor(r), "/"+name+"/aws4_request") {
			return known.speaks(r)
		}
	}
	for _, known := range s.services {
		if slices.ContainsFunc(known.paths, func(p string) bool { return strings.HasPrefix(r.URL.Path, p) }) {
			return known.speaks(r)
		}
	}
	return guess(r)
}

// speaks is the protocol in which the service understands a request.
func (s service) speaks(r *http.Request) protocol {
	if s.rpc != nil {
		return rpcProtocol{s.rpc, r}
	}
	return s.protocol
}

func unknown(p protocol, message string) *apiError {
	code, status := p.unknownCall()
	return &apiError{code, message, status}
}

// unknownAction refuses every call of a service.
func (s *Server) unknownAction(p protocol) func(http.ResponseWriter, *http.Request, *sigv4.Signed) {
	return func(w http.ResponseWriter, r *http.Request, caller *sigv4.Signed) {
		p.refuse(w, unknown(p, fmt.Sprintf("the sandbox answers no calls of %s: %s", caller.Service, r.PostFormValue("Action"))))
	}
}

// fail answers err, which is the service's own or a defect.
func (s *Server) fail(w http.ResponseWriter, p protocol, err error) {
	var known *apiError
	var signed *sigv4.Fault
	switch {
	case errors.As(err, &known):
	case errors.As(err, &signed):
		known = p.signature(err)
	default:
		s.cfg.Log.Error("the AWS endpoint", "error", err)
		known = &apiError{"InternalFailure", "the sandbox: " + err.Error(), http.StatusInternalServerError}
	}
	p.refuse(w, known)
}
