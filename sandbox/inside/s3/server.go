package s3

import (
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/ragscale/ragscale/sandbox/sigv4"
)

// Config of New.
type Config struct {
	Dir   string // where objects are
	Limit int64  // bytes that they may take; default 4 GiB
	// Settings tells how a bucket is configured now.
	Settings func(bucket string) (Settings, error)
	Log      *slog.Logger
}

// Settings are what a program declares of a bucket beside its name.
type Settings struct {
	Versioning string // Enabled, Suspended or ""
	Policy     string // JSON, "" for none
	// Restricted says that its policy lets nobody in whom the account does not know.
	Restricted bool
}

// Bucket is one that is declared.
type Bucket struct {
	Region string
	Force  bool // it may be removed with what is in it
}

// Server answers S3's API.
type Server struct {
	store    *store
	settings func(bucket string) (Settings, error)
	log      *slog.Logger
	declared declared
}

// defaultLimit of all objects together.
const defaultLimit = 4 << 30

// New opens what a server in cfg.Dir holds.
func New(cfg Config) (*Server, error) {
	if cfg.Limit == 0 {
		cfg.Limit = defaultLimit
	}
	store, err := openStore(cfg.Dir, cfg.Limit)
	if err != nil {
		return nil, err
	}
	return &Server{store: store, settings: cfg.Settings, log: cfg.Log, declared: declared{all: map[string]Bucket{}}}, nil
}

// request is a call as far as it is understood.
type request struct {
	*http.Request
	w       http.ResponseWriter
	bucket  string
	key     string
	query   url.Values
	caller  *sigv4.Signed // nil for somebody whom nobody knows
	setting Settings
}

// virtual is a host that names a bucket.
var virtual = regexp.MustCompile(`^(.+)\.s3[.-]`)

// Serve answers a call of caller, nil for one without a signature.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, caller *sigv4.Signed) {
	w.Header().Set("X-Amz-Request-Id", rand.Text()[:16])
	q := &request{Request: r, w: w, query: r.URL.Query(), caller: caller}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if m := virtual.FindStringSubmatch(host); m != nil {
		q.bucket, q.key = m[1], path
	} else {
		q.bucket, q.key, _ = strings.Cut(path, "/")
	}
	if err := s.route(q); err != nil {
		s.Refuse(w, r, err)
	}
}

// operation is a call on a bucket or an object, and the action of policies that it is.
type operation struct {
	action string
	run    func(*Server, *request) error
}

func (s *Server) route(q *request) error {
	if q.bucket == "" {
		return s.onService(q)
	}
	op, err := operationOf(q)
	if err != nil {
		return err
	}
	bucket, ok := s.declared.get(q.bucket)
	if !ok && op.action == createBucket {
		return notServed(q)
	}
	if !ok {
		return errNoBucket(q.bucket)
	}
	q.w.Header().Set("X-Amz-Bucket-Region", bucket.Region)
	if q.caller != nil && q.caller.Region != bucket.Region {
		return wrongRegion(q.caller.Region, bucket.Region)
	}
	if q.setting, err = s.settings(q.bucket); err != nil {
		return err
	}
	if err := q.allowed(op.action, q.key); err != nil {
		return err
	}
	return op.run(s, q)
}

func (s *Server) onService(q *request) error {
	switch {
	case q.caller == nil:
		return errDenied
	case q.Method != http.MethodGet:
		return notServed(q)
	}
	return s.listBuckets(q)
}

func notServed(q *request) error {
	message := "the sandbox does not serve " + q.Method + " " + q.URL.RequestURI() +
		": buckets and their configuration are the program's to declare"
	return &apiError{"NotImplemented", message, http.StatusNotImplemented}
}

const createBucket = "s3:CreateBucket"

// bucketCalls are calls on a bucket, by method and the parameter of the query that tells them apart ("" for none).
var bucketCalls = map[string]operation{
	"HEAD ":          {"s3:ListBucket", (*Server).headBucket},
	"GET ":           {"s3:ListBucket", (*Server).list},
	"GET versions":   {"s3:ListBucketVersions", (*Server).listVersions},
	"GET location":   {"s3:GetBucketLocation", (*Server).location},
	"GET versioning": {"s3:GetBucketVersioning", (*Server).versioning},
	"GET policy":     {"s3:GetBucketPolicy", (*Server).policy},
	"GET uploads":    {"s3:ListBucketMultipartUploads", (*Server).listUploads},
	"POST delete":    {"", (*Server).deleteMany}, // each object is judged by itself
	"PUT ":           {createBucket, (*Server).createBucket},
}

// objectCalls are calls on an object, as bucketCalls.
var objectCalls = map[string]operation{
	"GET ":            {"s3:GetObject", (*Server).get},
	"HEAD ":           {"s3:GetObject", (*Server).get},
	"PUT ":            {"s3:PutObject", (*Server).put},
	"DELETE ":         {"s3:DeleteObject", (*Server).remove},
	"POST uploads":    {"s3:PutObject", (*Server).createUpload},
	"PUT uploadId":    {"s3:PutObject", (*Server).putPart},
	"POST uploadId":   {"s3:PutObject", (*Server).completeUpload},
	"DELETE uploadId": {"s3:AbortMultipartUpload", (*Server).abortUpload},
	"GET uploadId":    {"s3:ListMultipartUploadParts", (*Server).listParts},
}

// subresources are parameters that make another call of a request, served here or not.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html ; read 2026-11-30.
var subresources = strings.Fields(`accelerate acl analytics attributes cors delete encryption intelligent-tiering inventory legal-hold
	lifecycle location logging metadataTable metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock
	renameObject replication requestPayment restore retention select session tagging torrent uploadId uploads versioning versions website`)

func operationOf(q *request) (operation, error) {
	calls := bucketCalls
	if q.key != "" {
		calls = objectCalls
	}
	which := ""
	for _, name := range subresources {
		if q.query.Has(name) {
			which = name
		}
	}
	op, ok := calls[q.Method+" "+which]
	if !ok {
		return op, notServed(q)
	}
	if version := q.query.Has("versionId"); version && (op.action == "s3:GetObject" || op.action == "s3:DeleteObject") {
		op.action += "Version"
	}
	return op, nil
}
