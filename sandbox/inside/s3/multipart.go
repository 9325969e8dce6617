package s3

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
)

const (
	// maxPart is the highest number that a part can have.
	maxPart = 10000
	// minPart is the least size of every part but the last.
	minPart = 5 << 20
)

// upload is an object that comes in parts: DIR/BUCKET/uploads/ID/upload.json, and NUMBER-ETAG-NAME.part for each part.
type upload struct {
	ID     string            `json:"id"`
	Key    string            `json:"key"`
	Begun  time.Time         `json:"begun"`
	Header map[string]string `json:"header"`
}

// part is one of an upload.
type part struct {
	number int
	etag   string
	file   string // its path
	size   int64
	at     time.Time
}

func (s *store) uploads(bucket string) string { return filepath.Join(s.dir, bucket, "uploads") }

func (s *store) folder(bucket, id string) string { return filepath.Join(s.uploads(bucket), id) }

// begin begins an upload.
func (s *store) begin(bucket, key string, header map[string]string) (upload, error) {
	u := upload{ID: rand.Text(), Key: key, Begun: time.Now().UTC(), Header: header}
	raw, err := json.Marshal(u)
	if err != nil {
		return u, err
	}
	if err := os.MkdirAll(s.folder(bucket, u.ID), 0o700); err != nil {
		return u, err
	}
	return u, atomicfile.Write(filepath.Join(s.folder(bucket, u.ID), "upload.json"), raw, 0o600)
}

// upload finds the upload of a key.
func (s *store) upload(bucket, key, id string) (upload, error) {
	var u upload
	if id == "" || strings.ContainsAny(id, "/.") {
		return u, errNoUpload
	}
	raw, err := os.ReadFile(filepath.Join(s.folder(bucket, id), "upload.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return u, errNoUpload
	}
	if err != nil {
		return u, err
	}
	if err := json.Unmarshal(raw, &u); err != nil {
		return u, err
	}
	if u.Key != key {
		return u, errNoUpload
	}
	return u, nil
}

// addPart makes received bytes a part, in place of an earlier one of its number.
func (s *store) addPart(bucket, id string, number int, b blob) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := s.folder(bucket, id)
	old, err := filepath.Glob(filepath.Join(folder, fmt.Sprintf("%05d-*.part", number)))
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%05d-%s-%s", number, b.etag(), b.file)
	if err := os.Rename(filepath.Join(folder, b.file), filepath.Join(folder, name)); err != nil {
		return err
	}
	for _, file := range old {
		if info, err := os.Stat(file); err == nil {
			s.used -= info.Size()
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// parts lists an upload's parts by number.
func (s *store) parts(bucket, id string) ([]part, error) {
	files, err := filepath.Glob(filepath.Join(s.folder(bucket, id), "*-*.part"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []part
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			continue // replaced meanwhile
		}
		p := part{file: file, size: info.Size(), at: info.ModTime().UTC()}
		fields := strings.SplitN(filepath.Base(file), "-", 3)
		if _, err := fmt.Sscanf(fields[0], "%d", &p.number); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		p.etag = fields[1]
		out = append(out, p)
	}
	return out, nil
}

// join makes one blob of parts. Its ETag is the MD5 of the parts' MD5s, and their number.
func (s *store) join(bucket string, parts []part) (blob, string, error) {
	var sums []byte
	readers := make([]io.Reader, len(parts))
	for i, p := range parts {
		f, err := os.Open(p.file)
		if err != nil {
			return blob{}, "", err
		}
		defer f.Close()
		readers[i] = f
		sum, err := hex.DecodeString(p.etag)
		if err != nil {
			return blob{}, "", err
		}
		sums = append(sums, sum...)
	}
	b, err := s.receive(filepath.Join(s.dir, bucket), ".data", io.MultiReader(readers...))
	return b, fmt.Sprintf("%x-%d", md5.Sum(sums), len(parts)), err
}

// end removes an upload and its parts.
func (s *store) end(bucket, id string) error {
	parts, err := s.parts(bucket, id)
	if err != nil {
		return err
	}
	var size int64
	for _, p := range parts {
		size += p.size
	}
	s.release(size)
	return os.RemoveAll(s.folder(bucket, id))
}

// begun lists the uploads of a bucket by key and time.
func (s *store) begun(bucket string) ([]upload, error) {
	files, err := filepath.Glob(filepath.Join(s.uploads(bucket), "*", "upload.json"))
	if err != nil {
		return nil, err
	}
	var out []upload
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // ended meanwhile
		}
		var u upload
		if err := json.Unmarshal(raw, &u); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b upload) int {
		if order := strings.Compare(a.Key, b.Key); order != 0 {
			return order
		}
		return a.Begun.Compare(b.Begun)
	})
	return out, nil
}
