package s3

import (
	"errors"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const (
	// maxKey is the most bytes that a key may have.
	maxKey = 1024
	// maxObject is the most that one request may bring.
	maxObject = 5 << 30
	// reopen is how often an object that is overwritten meanwhile is looked up again.
	reopen = 10
)

// kept are headers that come with an object and go with it.
var kept = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}

// kept are the object's headers that the request brings.
func (q *request) kept() map[string]string {
	out := map[string]string{}
	for _, name := range kept {
		if v := q.Header.Get(name); v != "" {
			out[name] = v
		}
	}
	codings := strings.Split(out["Content-Encoding"], ",")
	plain := codings[:0]
	for _, coding := range codings {
		if coding = strings.TrimSpace(coding); coding != "aws-chunked" { // of the request, not of the object
			plain = append(plain, coding)
		}
	}
	if out["Content-Encoding"] = strings.Join(plain, ", "); out["Content-Encoding"] == "" {
		delete(out, "Content-Encoding")
	}
	for name := range q.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			out[name] = q.Header.Get(name)
		}
	}
	if out["Content-Type"] == "" {
		out["Content-Type"] = "binary/octet-stream"
	}
	return out
}

// body takes the request's bytes into a folder of the bucket, once they are what the request says.
func (s *Server) body(q *request, folder, suffix string) (blob, map[string]string, error) {
	if q.ContentLength > maxObject {
		message := "Your proposed upload exceeds the maximum allowed size"
		return blob{}, nil, &apiError{"EntityTooLarge", message, http.StatusBadRequest}
	}
	if !s.store.fits(q.ContentLength) {
		return blob{}, nil, errFull // before the client sends it
	}
	sums := q.checksums()
	b, err := s.store.receive(folder, suffix, q.Body, sums.hashes()...)
	if err != nil {
		return b, nil, err
	}
	named, err := sums.check(q)
	if want := q.Header.Get("X-Amz-Decoded-Content-Length"); err == nil && want != "" && want != strconv.FormatInt(b.size, 10) {
		err = &apiError{"IncompleteBody", "The body has another length than x-amz-decoded-content-length says.", http.StatusBadRequest}
	}
	if err != nil {
		s.store.release(b.size)
		return b, nil, errors.Join(err, os.Remove(filepath.Join(folder, b.file)))
	}
	return b, named, nil
}

// put answers PutObject and CopyObject.
func (s *Server) put(q *request) error {
	if len(q.key) > maxKey {
		return &apiError{"KeyTooLongError", "Your key is too long", http.StatusBadRequest}
	}
	if q.Header.Get("X-Amz-Copy-Source") != "" {
		return s.copy(q)
	}
	b, sums, err := s.body(q, filepath.Join(s.store.dir, q.bucket), ".data")
	if err != nil {
		return err
	}
	o := &object{Key: q.key, File: b.file, Size: b.size, ETag: b.etag(), Header: q.kept(), Checksums: sums}
	if err := s.commit(q, o, b); err != nil {
		return err
	}
	for name, sum := range sums {
		q.w.Header().Set(name, sum)
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// commit makes received bytes an object, unless the request's conditions do not hold.
func (s *Server) commit(q *request, o *object, b blob) error {
	err := s.store.commit(q.bucket, o, q.setting.Versioning == "Enabled", q.writable)
	if err != nil {
		return errors.Join(err, s.store.discard(q.bucket, b))
	}
	q.version(o)
	q.w.Header().Set("Etag", quoted(o.ETag))
	q.w.Header().Set("X-Amz-Server-Side-Encryption", "AES256")
	return nil
}

// version tells which version an object is, in a bucket that has versions.
func (q *request) version(o *object) {
	if q.setting.Versioning != "" {
		q.w.Header().Set("X-Amz-Version-Id", o.Version)
	}
}

// writable holds a write's conditions against what is there.
func (q *request) writable(before *object) error {
	match, none := q.Header.Get("If-Match"), q.Header.Get("If-None-Match")
	switch {
	case match != "" && before == nil:
		return errNoKey(q.key)
	case match != "" && !tagged(match, before.ETag), none != "" && before != nil && tagged(none, before.ETag):
		return errPrecondition
	}
	return nil
}

// tagged says whether a list of ETags has one.
func tagged(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == "*" || strings.Trim(one, `"`) == etag {
			return true
		}
	}
	return false
}

// lookup finds the object that a request is about and opens it.
func (s *Server) lookup(q *request, bucket, key, version string) (*object, *os.File, error) {
	for range reopen {
		o := s.store.find(bucket, key, version)
		switch {
		case o == nil && version != "":
			return nil, nil, &apiError{"NoSuchVersion", "The specified version does not exist.", http.StatusNotFound}
		case o == nil:
			return nil, nil, errNoKey(key)
		case o.marker() && version != "":
			q.w.Header().Set("X-Amz-Delete-Marker", "true")
			return nil, nil, &apiError{"MethodNotAllowed", "The specified method is not allowed against this resource.", http.StatusMethodNotAllowed}
		case o.marker():
			q.w.Header().Set("X-Amz-Delete-Marker", "true")
			return nil, nil, errNoKey(key)
		}
		f, err := s.store.open(bucket, o)
		if !errors.Is(err, fs.ErrNotExist) { // overwritten meanwhile
			return o, f, err
		}
	}
	return nil, nil, &apiError{"OperationAborted", "The object is overwritten all the time.", http.StatusConflict}
}

// get answers GetObject and HeadObject.
func (s *Server) get(q *request) error {
	o, f, err := s.lookup(q, q.bucket, q.key, q.query.Get("versionId"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := q.readable(o); err != nil {
		return err
	}
	q.describe(o)
	http.ServeContent(q.w, q.Request, "", o.Modified, f)
	return nil
}

// describe writes an object's headers.
func (q *request) describe(o *object) {
	h := q.w.Header()
	for name, v := range o.Header {
		h.Set(name, v)
	}
	for _, name := range kept { // response-content-type and so on, which strangers may not ask for
		if v := q.query.Get("response-" + strings.ToLower(name)); v != "" && q.caller != nil {
			h.Set(name, v)
		}
	}
	h.Set("Etag", quoted(o.ETag))
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	q.version(o)
	if q.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && q.Header.Get("Range") == "" {
		for name, sum := range o.Checksums {
			h.Set(name, sum)
			h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
		}
	}
}

// readable holds a read's conditions and range against the object; what net/http would answer in its own words is
// answered in S3's.
func (q *request) readable(o *object) error {
	match, none := q.Header.Get("If-Match"), q.Header.Get("If-None-Match")
	since, errSince := http.ParseTime(q.Header.Get("If-Modified-Since"))
	until, errUntil := http.ParseTime(q.Header.Get("If-Unmodified-Since"))
	switch {
	case match != "" && !tagged(match, o.ETag), match == "" && errUntil == nil && o.Modified.After(until):
		return errPrecondition
	case none != "" && tagged(none, o.ETag), none == "" && errSince == nil && !o.Modified.After(since):
		q.w.Header().Set("Etag", quoted(o.ETag))
		return &apiError{"NotModified", "Not Modified", http.StatusNotModified}
	}
	if q.Header.Get("If-Range") == "" {
		return q.ranged(o.Size)
	}
	return nil
}

// oneRange is the only form of ranges that S3 knows.
var oneRange = regexp.MustCompile(`^bytes=([0-9]*)-([0-9]*)$`)

// ranged refuses a range that begins after the end, and forgets one that S3 passes over: of another form, or that ends
// before it begins.
func (q *request) ranged(size int64) error {
	m := oneRange.FindStringSubmatch(q.Header.Get("Range"))
	if m == nil || m[1]+m[2] == "" {
		q.Header.Del("Range")
		return nil
	}
	first, last := position(m[1]), position(m[2])
	switch {
	case m[1] != "" && m[2] != "" && last < first:
		q.Header.Del("Range")
	case m[1] != "" && first >= size, m[1] == "" && min(last, size) == 0:
		return errRange
	}
	return nil
}

// position is a number of digits; one that is too large is the largest.
func position(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxInt64
	}
	return n
}
