package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxKeys is the most that one answer lists.
const maxKeys = 1000

// page is a part of a list of keys.
type page struct {
	keys     []string
	prefixes []string
	more     bool
	last     string // key or prefix at which the next page goes on
}

// cut makes a page of what follows after.
func cut(keys []string, prefix, delimiter, after string, most int) (p page) {
	for _, key := range keys {
		name, common := key, ""
		if i := strings.Index(key[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			common = key[:len(prefix)+i+len(delimiter)]
			name = common
		}
		if name <= after || name == p.last {
			continue
		}
		if len(p.keys)+len(p.prefixes) == most {
			p.more = most > 0
			return p
		}
		if p.last = name; common != "" {
			p.prefixes = append(p.prefixes, common)
		} else {
			p.keys = append(p.keys, key)
		}
	}
	return p
}

// most is how many the caller wants.
func (q *request) most(name string) (int, error) {
	text := q.query.Get(name)
	if text == "" {
		return maxKeys, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, invalid("Argument %s must be an integer between 0 and 2147483647", name)
	}
	return min(n, maxKeys), nil
}

// encoder writes names as the caller asked.
func (q *request) encoder() (func(string) string, error) {
	switch q.query.Get("encoding-type") {
	case "":
		return func(s string) string { return s }, nil
	case "url":
		return func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }, nil
	}
	return nil, invalid("Invalid Encoding Method specified in Request")
}

type listed struct {
	Key          string
	VersionID    string `xml:"VersionId,omitempty"`
	IsLatest     *bool  `xml:",omitempty"`
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         *int64 `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
}

type commonPrefix struct{ Prefix string }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func quoted(etag string) string { return `"` + etag + `"` }

func (o *object) listed(name string) listed {
	return listed{Key: name, LastModified: stamp(o.Modified), ETag: quoted(o.ETag), Size: &o.Size, StorageClass: "STANDARD"}
}

// list answers ListObjectsV2, and ListObjects where list-type is not 2.
func (s *Server) list(q *request) error {
	second := q.query.Get("list-type") == "2"
	after := q.query.Get("marker")
	if second {
		after = q.query.Get("start-after")
		if token := q.query.Get("continuation-token"); token != "" {
			raw, err := base64.RawURLEncoding.DecodeString(token)
			if err != nil {
				return invalid("The continuation token provided is incorrect")
			}
			after = string(raw)
		}
	}
	most, err := q.most("max-keys")
	if err != nil {
		return err
	}
	name, err := q.encoder()
	if err != nil {
		return err
	}
	prefix, delimiter := q.query.Get("prefix"), q.query.Get("delimiter")
	keys, versions := s.present(q.bucket, prefix)
	p := cut(keys, prefix, delimiter, after, most)
	out := objectList{
		Name: q.bucket, Prefix: name(prefix), Delimiter: name(delimiter), MaxKeys: most, IsTruncated: p.more,
		EncodingType: q.query.Get("encoding-type"),
	}
	for _, key := range p.keys {
		out.Contents = append(out.Contents, newest(versions[key]).listed(name(key)))
	}
	for _, prefix := range p.prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{name(prefix)})
	}
	out.follow(q, p, second, name)
	answer(q.w, http.StatusOK, out)
	return nil
}

type objectList struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys               int
	IsTruncated           bool
	Contents              []listed
	CommonPrefixes        []commonPrefix
	KeyCount              *int   `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	Marker                string `xml:",omitempty"`
	NextMarker            string `xml:",omitempty"`
}

// follow says where the next page begins.
func (l *objectList) follow(q *request, p page, second bool, name func(string) string) {
	if !second {
		l.Marker = name(q.query.Get("marker"))
		if p.more {
			l.NextMarker = name(p.last)
		}
		return
	}
	count := len(p.keys) + len(p.prefixes)
	l.KeyCount, l.StartAfter, l.ContinuationToken = &count, name(q.query.Get("start-after")), q.query.Get("continuation-token")
	if p.more {
		l.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(p.last))
	}
}

// present lists the keys whose newest version is no delete marker.
func (s *Server) present(bucket, prefix string) ([]string, map[string][]*object) {
	all, versions := s.store.listing(bucket, prefix)
	keys := all[:0]
	for _, key := range all {
		if newest(versions[key]) != nil {
			keys = append(keys, key)
		}
	}
	return keys, versions
}

// listVersions answers ListObjectVersions. A page holds all versions of its keys.
func (s *Server) listVersions(q *request) error {
	most, err := q.most("max-keys")
	if err != nil {
		return err
	}
	name, err := q.encoder()
	if err != nil {
		return err
	}
	prefix, delimiter := q.query.Get("prefix"), q.query.Get("delimiter")
	keys, versions := s.store.listing(q.bucket, prefix)
	p := cut(keys, prefix, delimiter, q.query.Get("key-marker"), most)
	out := struct {
		XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
		Name           string
		Prefix         string
		Delimiter      string `xml:",omitempty"`
		EncodingType   string `xml:",omitempty"`
		KeyMarker      string
		NextKeyMarker  string `xml:",omitempty"`
		MaxKeys        int
		IsTruncated    bool
		Version        []listed
		DeleteMarker   []listed
		CommonPrefixes []commonPrefix
	}{
		Name: q.bucket, Prefix: name(prefix), Delimiter: name(delimiter), EncodingType: q.query.Get("encoding-type"),
		KeyMarker: name(q.query.Get("key-marker")), MaxKeys: most, IsTruncated: p.more,
	}
	if p.more {
		out.NextKeyMarker = name(p.last)
	}
	for _, key := range p.keys {
		for i, o := range versions[key] {
			latest := i == len(versions[key])-1
			entry := o.listed(name(key))
			entry.VersionID, entry.IsLatest = o.Version, &latest
			if o.marker() {
				entry.ETag, entry.Size, entry.StorageClass = "", nil, ""
				out.DeleteMarker = append(out.DeleteMarker, entry)
				continue
			}
			out.Version = append(out.Version, entry)
		}
	}
	for _, prefix := range p.prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{name(prefix)})
	}
	answer(q.w, http.StatusOK, out)
	return nil
}
