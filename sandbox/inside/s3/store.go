// Package s3 keeps objects in buckets and answers Amazon S3's API for them.
//
// Owns: objects, their versions and uploads on disk, the calls on them, what a bucket's policy and its public access block
// let through. Does not own: which buckets there are and how they are configured (the account's), signatures.
package s3

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
)

// nullVersion is the version of an object in a bucket without versioning.
const nullVersion = "null"

// object is one version of an object.
type object struct {
	Key       string            `json:"key"`
	Version   string            `json:"version"`
	File      string            `json:"file"` // of the bytes; "" for a delete marker
	Size      int64             `json:"size"`
	ETag      string            `json:"etag"` // without quotes
	Modified  time.Time         `json:"modified"`
	Sequence  int64             `json:"sequence"`            // later versions have a larger one
	Header    map[string]string `json:"header"`              // that came with it and goes with it
	Checksums map[string]string `json:"checksums,omitempty"` // x-amz-checksum-*
}

func (o *object) marker() bool { return o.File == "" }

// store holds the objects of all buckets: DIR/BUCKET/NAME.data and NAME.json for each version. The second makes it one.
type store struct {
	dir   string
	limit int64 // bytes that all objects and parts may take

	mu       sync.RWMutex
	used     int64
	sequence int64
	buckets  map[string]map[string][]*object // by bucket and key, the newest version last
}

func (s *store) path(bucket, file string) string { return filepath.Join(s.dir, bucket, file) }

// create makes an empty bucket; one that is there stays as it is.
func (s *store) create(bucket string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[bucket] == nil {
		s.buckets[bucket] = map[string][]*object{}
	}
	if err := os.MkdirAll(filepath.Join(s.dir, bucket), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path(bucket, birth), os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// birth is an empty file, as old as its bucket.
const birth = "birth"

// created is when a bucket was.
func (s *store) created(bucket string) (time.Time, error) {
	info, err := os.Stat(s.path(bucket, birth))
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// drop removes a bucket with all that is in it; empty only, unless force.
func (s *store) drop(bucket string, force bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.buckets[bucket]) > 0 && !force {
		return ErrNotEmpty
	}
	for _, versions := range s.buckets[bucket] {
		for _, o := range versions {
			s.used -= o.Size
		}
	}
	delete(s.buckets, bucket)
	return os.RemoveAll(filepath.Join(s.dir, bucket))
}

// ErrNotEmpty says that a bucket holds objects.
var ErrNotEmpty = errors.New("BucketNotEmpty: it holds objects: remove them, versions included, or declare forceDestroy")

var errFull = errors.New("the sandbox's S3 is full")

// blob is bytes on disk that are not an object yet.
type blob struct {
	file string // its name
	size int64
	md5  []byte
}

// receive writes a body to a new file, while sums see it too.
func (s *store) receive(folder, suffix string, body io.Reader, sums ...hash.Hash) (b blob, err error) {
	b.file = rand.Text() + suffix
	f, err := os.OpenFile(filepath.Join(folder, b.file), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return b, err
	}
	sum := md5.New()
	writers := []io.Writer{f, sum}
	for _, h := range sums {
		writers = append(writers, h)
	}
	room := &meter{store: s, in: body}
	b.size, err = io.Copy(io.MultiWriter(writers...), room)
	b.md5 = sum.Sum(nil)
	if err = errors.Join(err, f.Close()); err != nil {
		s.release(room.taken)
		return b, errors.Join(err, os.Remove(f.Name()))
	}
	return b, nil
}

// meter takes room in the store for the bytes that pass.
type meter struct {
	store *store
	in    io.Reader
	taken int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	if m.store.used+int64(n) > m.store.limit {
		return 0, errFull
	}
	m.store.used += int64(n)
	m.taken += int64(n)
	return n, err
}

// fits says whether there is room for so many bytes now.
func (s *store) fits(bytes int64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.used+bytes <= s.limit
}

func (s *store) release(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= bytes
}

// discard removes bytes that became no object.
func (s *store) discard(bucket string, b blob) error {
	s.release(b.size)
	return os.Remove(s.path(bucket, b.file))
}

// commit makes o the newest version of its key, if may says so of the one before (nil for none). Without versioning it
// takes the place of the version "null".
func (s *store) commit(bucket string, o *object, versioned bool, may func(before *object) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, ok := s.buckets[bucket]
	if !ok {
		return errNoBucket(bucket)
	}
	versions := keys[o.Key]
	if may != nil {
		if err := may(newest(versions)); err != nil {
			return err
		}
	}
	s.sequence++
	o.Sequence, o.Version, o.Modified = s.sequence, nullVersion, time.Now().UTC().Truncate(time.Second)
	if versioned {
		o.Version = fmt.Sprintf("%s.%d", rand.Text(), o.Sequence)
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(s.path(bucket, o.record()), raw, 0o600); err != nil {
		return err
	}
	if !versioned {
		if versions, err = s.without(bucket, versions, nullVersion); err != nil {
			return err
		}
	}
	keys[o.Key] = append(slices.Clone(versions), o)
	return nil
}

// record is the name of the file that makes o an object.
func (o *object) record() string { return fmt.Sprintf("%020d.json", o.Sequence) }

// without removes a version and its files. Call with mu held.
func (s *store) without(bucket string, versions []*object, version string) ([]*object, error) {
	i := slices.IndexFunc(versions, func(o *object) bool { return o.Version == version })
	if i < 0 {
		return versions, nil
	}
	o := versions[i]
	if err := os.Remove(s.path(bucket, o.record())); err != nil {
		return versions, err
	}
	s.used -= o.Size
	if !o.marker() {
		if err := os.Remove(s.path(bucket, o.File)); err != nil {
			return versions, err
		}
	}
	return slices.Delete(slices.Clone(versions), i, i+1), nil
}

// remove removes one version for good; nil if there was none.
func (s *store) remove(bucket, key, version string) (*object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.buckets[bucket][key]
	left, err := s.without(bucket, old, version)
	if err != nil || len(left) == len(old) {
		return nil, err
	}
	gone := old[slices.IndexFunc(old, func(o *object) bool { return o.Version == version })]
	s.buckets[bucket][key] = left
	if len(left) == 0 {
		delete(s.buckets[bucket], key)
	}
	return gone, nil
}

func newest(versions []*object) *object {
	if len(versions) == 0 || versions[len(versions)-1].marker() {
		return nil
	}
	return versions[len(versions)-1]
}

// find returns a version of a key, the newest for "", which may be a delete marker; nil if there is none.
func (s *store) find(bucket, key, version string) *object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	versions := s.buckets[bucket][key]
	for _, o := range slices.Backward(versions) {
		if version == "" || o.Version == version {
			return o
		}
	}
	return nil
}

// open returns the bytes of an object. One that is removed meanwhile can be read to its end.
func (s *store) open(bucket string, o *object) (*os.File, error) {
	return os.Open(s.path(bucket, o.File))
}

// listing returns the keys with a prefix, in order, and their versions.
func (s *store) listing(bucket, prefix string) ([]string, map[string][]*object) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := map[string][]*object{}
	for key, versions := range s.buckets[bucket] {
		if strings.HasPrefix(key, prefix) {
			all[key] = versions
		}
	}
	return slices.Sorted(maps.Keys(all)), all
}

func (b blob) etag() string { return hex.EncodeToString(b.md5) }
