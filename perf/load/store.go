package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Store is where a stack keeps the results of its runs and its baselines, by key.
type Store interface {
	// Keys lists what begins with a prefix, in alphabetical order.
	Keys(ctx context.Context, prefix string) ([]string, error)
	// Read returns what has a key; fs.ErrNotExist for nothing.
	Read(ctx context.Context, key string) ([]byte, error)
	// Write replaces what has a key, as a whole.
	Write(ctx context.Context, key string, text []byte) error
	// Delete is no error where there is nothing.
	Delete(ctx context.Context, key string) error
	// Name is key's full name, for people.
	Name(key string) string
}

// largestObject bounds what is read: a result has some 200 kB.
const largestObject = 32 << 20

// Folder is a store in a folder.
type Folder string

// Name implements Store.
func (f Folder) Name(key string) string { return filepath.Join(string(f), filepath.FromSlash(key)) }

// Keys implements Store.
func (f Folder) Keys(_ context.Context, prefix string) ([]string, error) {
	var keys []string
	err := filepath.WalkDir(string(f), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		key, err := filepath.Rel(string(f), path)
		if key = filepath.ToSlash(key); strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
		return err
	})
	return keys, err
}

// Read implements Store.
func (f Folder) Read(_ context.Context, key string) ([]byte, error) {
	file, err := os.Open(f.Name(key))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return bounded(f.Name(key), file)
}

// Write implements Store.
func (f Folder) Write(_ context.Context, key string, text []byte) error {
	name := f.Name(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	next := name + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, name)
}

// Delete implements Store.
func (f Folder) Delete(_ context.Context, key string) error {
	if err := os.Remove(f.Name(key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Bucket is a store in an S3 bucket.
type Bucket struct {
	Client *s3.Client
	Bucket string
}

// Name implements Store.
func (b Bucket) Name(key string) string { return "s3://" + b.Bucket + "/" + key }

// Keys implements Store.
func (b Bucket) Keys(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(b.Client, &s3.ListObjectsV2Input{Bucket: &b.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(prefix), err)
		}
		for _, object := range page.Contents {
			keys = append(keys, aws.ToString(object.Key))
		}
	}
	return keys, nil
}

// Read implements Store.
func (b Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	object, err := b.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Bucket, Key: &key})
	var missing *types.NoSuchKey
	switch {
	case errors.As(err, &missing):
		return nil, fmt.Errorf("%s: %w", b.Name(key), fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", b.Name(key), err)
	}
	defer object.Body.Close()
	return bounded(b.Name(key), object.Body)
}

// Write implements Store.
func (b Bucket) Write(ctx context.Context, key string, text []byte) error {
	_, err := b.Client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Bucket, Key: &key, Body: bytes.NewReader(text)})
	if err != nil {
		return fmt.Errorf("%s: %w", b.Name(key), err)
	}
	return nil
}

// Delete implements Store.
func (b Bucket) Delete(ctx context.Context, key string) error {
	if _, err := b.Client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.Bucket, Key: &key}); err != nil {
		return fmt.Errorf("%s: %w", b.Name(key), err)
	}
	return nil
}

func bounded(name string, from io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, largestObject+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > largestObject {
		return nil, fmt.Errorf("%s has more than %d bytes, want a result or a baseline", name, largestObject)
	}
	return text, nil
}
