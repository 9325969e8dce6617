package s3

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// declared are the buckets that there are.
type declared struct {
	mu  sync.RWMutex
	all map[string]Bucket
}

func (d *declared) get(name string) (Bucket, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	b, ok := d.all[name]
	return b, ok
}

func (d *declared) names() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Sorted(maps.Keys(d.all))
}

// Declare makes a bucket be there; what it holds stays.
func (s *Server) Declare(name string, b Bucket) error {
	if err := s.store.create(name); err != nil {
		return fmt.Errorf("bucket %s: %w", name, err)
	}
	s.declared.mu.Lock()
	defer s.declared.mu.Unlock()
	s.declared.all[name] = b
	return nil
}

// Remove removes a bucket. One that holds objects, also of old versions, goes only where it was declared so.
func (s *Server) Remove(name string) error {
	b, ok := s.declared.get(name)
	if !ok {
		return nil
	}
	if err := s.store.drop(name, b.Force); err != nil {
		return fmt.Errorf("bucket %s: %w", name, err)
	}
	s.declared.mu.Lock()
	defer s.declared.mu.Unlock()
	delete(s.declared.all, name)
	return nil
}

type listedBucket struct{ Name, CreationDate string }

func (s *Server) listBuckets(q *request) error {
	out := struct {
		XMLName xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Buckets []listedBucket `xml:"Buckets>Bucket"`
	}{}
	for _, name := range s.declared.names() {
		at, err := s.store.created(name)
		if err != nil {
			return err
		}
		out.Buckets = append(out.Buckets, listedBucket{name, stamp(at)})
	}
	answer(q.w, http.StatusOK, out)
	return nil
}

func (s *Server) headBucket(q *request) error {
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// createBucket tells who asks for a bucket that it is there.
func (s *Server) createBucket(q *request) error {
	message := fmt.Sprintf("Your previous request to create the named bucket succeeded and you already own it: %s", q.bucket)
	return &apiError{"BucketAlreadyOwnedByYou", message, http.StatusConflict}
}

func (s *Server) location(q *request) error {
	b, _ := s.declared.get(q.bucket)
	if b.Region == "us-east-1" {
		b.Region = "" // as S3 answers
	}
	answer(q.w, http.StatusOK, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: b.Region})
	return nil
}

func (s *Server) versioning(q *request) error {
	answer(q.w, http.StatusOK, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
		Status  string   `xml:",omitempty"`
	}{Status: q.setting.Versioning})
	return nil
}

func (s *Server) policy(q *request) error {
	if q.setting.Policy == "" {
		return &apiError{"NoSuchBucketPolicy", "The bucket policy does not exist", http.StatusNotFound}
	}
	q.w.Header().Set("Content-Type", "application/json")
	_, err := q.w.Write([]byte(q.setting.Policy))
	return err
}
