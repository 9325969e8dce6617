package s3

import (
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) createUpload(q *request) error {
	if len(q.key) > maxKey {
		return &apiError{"KeyTooLongError", "Your key is too long", http.StatusBadRequest}
	}
	u, err := s.store.begin(q.bucket, q.key, q.kept())
	if err != nil {
		return err
	}
	answer(q.w, http.StatusOK, struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: q.bucket, Key: q.key, UploadID: u.ID})
	return nil
}

// putPart answers UploadPart and UploadPartCopy.
func (s *Server) putPart(q *request) error {
	id := q.query.Get("uploadId")
	if _, err := s.store.upload(q.bucket, q.key, id); err != nil {
		return err
	}
	number, err := strconv.Atoi(q.query.Get("partNumber"))
	if err != nil || number < 1 || number > maxPart {
		return invalid("Part number must be an integer between 1 and %d, inclusive", maxPart)
	}
	if q.Header.Get("X-Amz-Copy-Source") != "" {
		return s.copyPart(q, id, number)
	}
	b, sums, err := s.body(q, s.store.folder(q.bucket, id), ".part")
	if err != nil {
		return err
	}
	if err := s.store.addPart(q.bucket, id, number, b); err != nil {
		return err
	}
	for name, sum := range sums {
		q.w.Header().Set(name, sum)
	}
	q.w.Header().Set("Etag", quoted(b.etag()))
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) copyPart(q *request, id string, number int) error {
	from, f, err := s.source(q)
	if err != nil {
		return err
	}
	defer f.Close()
	bytes, err := q.section(f, from.Size)
	if err != nil {
		return err
	}
	b, err := s.store.receive(s.store.folder(q.bucket, id), ".part", bytes)
	if err != nil {
		return err
	}
	if err := s.store.addPart(q.bucket, id, number, b); err != nil {
		return err
	}
	answer(q.w, http.StatusOK, copied{XMLName: xml.Name{Local: "CopyPartResult"}, ETag: quoted(b.etag()), LastModified: stamp(from.Modified)})
	return nil
}

func (s *Server) completeUpload(q *request) error {
	id := q.query.Get("uploadId")
	u, err := s.store.upload(q.bucket, q.key, id)
	if err != nil {
		return err
	}
	parts, err := s.chosen(q, id)
	if err != nil {
		return err
	}
	b, etag, err := s.store.join(q.bucket, parts)
	if err != nil {
		return err
	}
	o := &object{Key: q.key, File: b.file, Size: b.size, ETag: etag, Header: u.Header}
	if err := s.commit(q, o, b); err != nil {
		return err
	}
	if err := s.store.end(q.bucket, id); err != nil {
		return err
	}
	answer(q.w, http.StatusOK, struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location string
		Bucket   string
		Key      string
		ETag     string
	}{Location: "https://" + q.Host + q.URL.EscapedPath(), Bucket: q.bucket, Key: q.key, ETag: quoted(etag)})
	return nil
}

// chosen are the parts that the request lists, which are to be the object.
func (s *Server) chosen(q *request, id string) ([]part, error) {
	var in struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := q.document(&in); err != nil {
		return nil, err
	}
	if len(in.Part) == 0 {
		return nil, errMalformed
	}
	have, err := s.store.parts(q.bucket, id)
	if err != nil {
		return nil, err
	}
	var out []part
	for i, want := range in.Part {
		at := slices.IndexFunc(have, func(p part) bool { return p.number == want.PartNumber && p.etag == strings.Trim(want.ETag, `"`) })
		switch {
		case i > 0 && want.PartNumber <= in.Part[i-1].PartNumber:
			return nil, &apiError{"InvalidPartOrder", "The list of parts was not in ascending order.", http.StatusBadRequest}
		case at < 0:
			message := "One or more of the specified parts could not be found: " + strconv.Itoa(want.PartNumber)
			return nil, &apiError{"InvalidPart", message, http.StatusBadRequest}
		case i < len(in.Part)-1 && have[at].size < minPart:
			return nil, &apiError{"EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", http.StatusBadRequest}
		}
		out = append(out, have[at])
	}
	return out, nil
}

func (s *Server) abortUpload(q *request) error {
	id := q.query.Get("uploadId")
	if _, err := s.store.upload(q.bucket, q.key, id); err != nil {
		return err
	}
	if err := s.store.end(q.bucket, id); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) listParts(q *request) error {
	id := q.query.Get("uploadId")
	if _, err := s.store.upload(q.bucket, q.key, id); err != nil {
		return err
	}
	parts, err := s.store.parts(q.bucket, id)
	if err != nil {
		return err
	}
	most, err := q.most("max-parts")
	if err != nil {
		return err
	}
	after, err := strconv.Atoi(q.query.Get("part-number-marker"))
	if err != nil && q.query.Get("part-number-marker") != "" {
		return errors.Join(invalid("Argument part-number-marker must be an integer"), err)
	}
	type entry struct {
		PartNumber   int
		ETag         string
		Size         int64
		LastModified string
	}
	out := struct {
		XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
		Bucket               string
		Key                  string
		UploadID             string `xml:"UploadId"`
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		Part                 []entry
	}{Bucket: q.bucket, Key: q.key, UploadID: id, MaxParts: most}
	for _, p := range parts {
		if p.number <= after {
			continue
		}
		if len(out.Part) == most {
			out.IsTruncated = true
			break
		}
		out.Part = append(out.Part, entry{p.number, quoted(p.etag), p.size, stamp(p.at)})
		out.NextPartNumberMarker = p.number
	}
	answer(q.w, http.StatusOK, out)
	return nil
}

func (s *Server) listUploads(q *request) error {
	all, err := s.store.begun(q.bucket)
	if err != nil {
		return err
	}
	type entry struct {
		Key       string
		UploadID  string `xml:"UploadId"`
		Initiated string
	}
	out := struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket  string
		Prefix  string
		Upload  []entry
	}{Bucket: q.bucket, Prefix: q.query.Get("prefix")}
	for _, u := range all {
		if strings.HasPrefix(u.Key, out.Prefix) {
			out.Upload = append(out.Upload, entry{u.Key, u.ID, stamp(u.Begun)})
		}
	}
	answer(q.w, http.StatusOK, out)
	return nil
}
