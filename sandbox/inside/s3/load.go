package s3

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// openStore reads what a store in dir holds. Bytes that never became an object are removed.
func openStore(dir string, limit int64) (*store, error) {
	s := &store{dir: dir, limit: limit, buckets: map[string]map[string][]*object{}}
	folders, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		if err := s.load(filepath.Base(folder)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *store) load(bucket string) error {
	s.buckets[bucket] = map[string][]*object{}
	files, err := filepath.Glob(filepath.Join(s.dir, bucket, "*.json"))
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		o := &object{}
		if err := json.Unmarshal(raw, o); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		known[o.File] = true
		s.buckets[bucket][o.Key] = append(s.buckets[bucket][o.Key], o)
		s.used += o.Size
		s.sequence = max(s.sequence, o.Sequence)
	}
	for _, versions := range s.buckets[bucket] {
		slices.SortFunc(versions, func(a, b *object) int { return cmp.Compare(a.Sequence, b.Sequence) })
	}
	return s.sweep(bucket, known)
}

// sweep removes bytes that belong to no object, and counts those of uploads.
func (s *store) sweep(bucket string, known map[string]bool) error {
	files, err := filepath.Glob(filepath.Join(s.dir, bucket, "*.data"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if !known[filepath.Base(file)] {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	parts, err := filepath.Glob(filepath.Join(s.uploads(bucket), "*", "*.part"))
	for _, part := range parts {
		if info, err := os.Stat(part); err == nil {
			s.used += info.Size()
		}
	}
	return err
}
