package s3

import (
	"encoding/xml"
	"net/http"
)

// remove answers DeleteObject.
func (s *Server) remove(q *request) error {
	gone, err := s.removeOne(q, q.key, q.query.Get("versionId"))
	if err != nil {
		return err
	}
	if gone.Version != "" {
		q.w.Header().Set("X-Amz-Version-Id", gone.Version)
	}
	if gone.marker {
		q.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// removed is what a deletion did: Version is that of the marker it made or of the version that is gone.
type removed struct {
	Version string
	marker  bool
}

// removeOne removes a version for good, or lays a delete marker over the key; what is not there is fine.
func (s *Server) removeOne(q *request, key, version string) (removed, error) {
	switch {
	case version != "":
		gone, err := s.store.remove(q.bucket, key, version)
		return removed{version, gone != nil && gone.marker()}, err
	case q.setting.Versioning == "":
		_, err := s.store.remove(q.bucket, key, nullVersion)
		return removed{}, err
	}
	o := &object{Key: key}
	err := s.store.commit(q.bucket, o, q.setting.Versioning == "Enabled", nil)
	return removed{o.Version, true}, err
}

// deletion is an answer to DeleteObjects.
type deletion struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deleted
	Error   []failed
}

type deleted struct {
	Key                   string
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type failed struct{ Key, Code, Message string }

// deleteMany answers DeleteObjects.
func (s *Server) deleteMany(q *request) error {
	var in struct {
		Quiet  bool
		Object []struct {
			Key       string
			VersionID string `xml:"VersionId"`
		}
	}
	if err := q.document(&in); err != nil {
		return err
	}
	if len(in.Object) == 0 || len(in.Object) > maxKeys {
		return errMalformed
	}
	var out deletion
	for _, o := range in.Object {
		done, err := s.deleteOne(q, o.Key, o.VersionID)
		switch {
		case err != nil:
			e := worded(err)
			out.Error = append(out.Error, failed{o.Key, e.code, e.message})
		case !in.Quiet:
			out.Deleted = append(out.Deleted, done)
		}
	}
	answer(q.w, http.StatusOK, out)
	return nil
}

func (s *Server) deleteOne(q *request, key, version string) (deleted, error) {
	action := "s3:DeleteObject"
	if version != "" {
		action += "Version"
	}
	if err := q.allowed(action, key); err != nil {
		return deleted{}, err
	}
	gone, err := s.removeOne(q, key, version)
	if version == "" && gone.marker {
		return deleted{Key: key, DeleteMarker: true, DeleteMarkerVersionID: gone.Version}, err
	}
	return deleted{Key: key, VersionID: version, DeleteMarker: gone.marker}, err
}
