package s3

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// maxDocument bounds a request that is an XML document: a thousand keys of a kilobyte, escaped.
const maxDocument = 8 << 20

// document reads the request's XML.
func (q *request) document(into any) error {
	sums := q.checksums()
	raw, err := io.ReadAll(http.MaxBytesReader(q.w, q.Body, maxDocument))
	if err != nil {
		return err
	}
	for _, h := range sums.hashes() {
		h.Write(raw)
	}
	if _, err := sums.check(q); err != nil {
		return err
	}
	if xml.Unmarshal(raw, into) != nil {
		return errMalformed
	}
	return nil
}

// copySource is what a copy copies.
type copySource struct{ bucket, key, version string }

func (q *request) copySource() (copySource, error) {
	name, query, _ := strings.Cut(q.Header.Get("X-Amz-Copy-Source"), "?")
	name, err := url.PathUnescape(name)
	bucket, key, ok := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if err != nil || !ok || key == "" {
		return copySource{}, invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	return copySource{bucket, key, strings.TrimPrefix(query, "versionId=")}, nil
}

// source opens the object that a copy copies, if the caller may read it.
func (s *Server) source(q *request) (*object, *os.File, error) {
	at, err := q.copySource()
	if err != nil {
		return nil, nil, err
	}
	if _, ok := s.declared.get(at.bucket); !ok {
		return nil, nil, errNoBucket(at.bucket)
	}
	from := &request{Request: q.Request, w: q.w, bucket: at.bucket, key: at.key, caller: q.caller}
	if from.setting, err = s.settings(at.bucket); err != nil {
		return nil, nil, err
	}
	if err := from.allowed("s3:GetObject", at.key); err != nil {
		return nil, nil, err
	}
	o, f, err := s.lookup(q, at.bucket, at.key, at.version)
	if err != nil {
		return nil, nil, err
	}
	match, none := q.Header.Get("X-Amz-Copy-Source-If-Match"), q.Header.Get("X-Amz-Copy-Source-If-None-Match")
	if match != "" && !tagged(match, o.ETag) || none != "" && tagged(none, o.ETag) {
		f.Close()
		return nil, nil, errPrecondition
	}
	return o, f, nil
}

type copied struct {
	XMLName      xml.Name
	ETag         string
	LastModified string
}

// copy answers CopyObject.
func (s *Server) copy(q *request) error {
	from, f, err := s.source(q)
	if err != nil {
		return err
	}
	defer f.Close()
	header := from.Header
	if q.Header.Get("X-Amz-Metadata-Directive") == "REPLACE" {
		header = q.kept()
	} else if at, err := q.copySource(); err != nil || at == (copySource{bucket: q.bucket, key: q.key}) {
		message := "This copy request is illegal because it is trying to copy an object to itself without changing it."
		return &apiError{"InvalidRequest", message, http.StatusBadRequest}
	}
	b, err := s.store.receive(filepath.Join(s.store.dir, q.bucket), ".data", f)
	if err != nil {
		return err
	}
	o := &object{Key: q.key, File: b.file, Size: b.size, ETag: b.etag(), Header: header, Checksums: from.Checksums}
	if err := s.commit(q, o, b); err != nil {
		return err
	}
	if q.setting.Versioning != "" {
		q.w.Header().Set("X-Amz-Copy-Source-Version-Id", from.Version)
	}
	answer(q.w, http.StatusOK, copied{XMLName: xml.Name{Local: "CopyObjectResult"}, ETag: quoted(o.ETag), LastModified: stamp(o.Modified)})
	return nil
}

// section is the part of the source that UploadPartCopy copies.
func (q *request) section(f *os.File, size int64) (io.Reader, error) {
	text := q.Header.Get("X-Amz-Copy-Source-Range")
	if text == "" {
		return f, nil
	}
	var from, to int64
	if _, err := fmt.Sscanf(text, "bytes=%d-%d", &from, &to); err != nil || from > to {
		return nil, invalid("The x-amz-copy-source-range value must be of the form bytes=first-last")
	}
	if to >= size {
		return nil, errRange
	}
	return io.NewSectionReader(f, from, to-from+1), nil
}
