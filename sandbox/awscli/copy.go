package awscli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// upload copies a file, or all files of a folder.
func (c *copying) upload(ctx context.Context) error {
	info, err := os.Stat(c.from)
	switch {
	case err != nil:
		return errors.New("The user-provided path " + c.from + " does not exist.") //nolint:staticcheck,revive // the CLI's own words
	case info.IsDir() && !c.recursive:
		return errors.New(c.from + " is a folder: want --recursive")
	}
	pairs, err := c.files(info.IsDir())
	if err != nil {
		return err
	}
	return c.each("upload", pairs, func(from, to string) error { return c.put(ctx, from, to) })
}

// files lists files and where they go.
func (c *copying) files(folder bool) ([][2]string, error) {
	if !folder {
		to := c.to
		if strings.HasSuffix(to, "/") || !strings.Contains(strings.TrimPrefix(to, scheme), "/") {
			to = strings.TrimSuffix(to, "/") + "/" + filepath.Base(c.from)
		}
		return [][2]string{{c.from, to}}, nil
	}
	var pairs [][2]string
	err := filepath.WalkDir(c.from, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(c.from, file)
		pairs = append(pairs, [2]string{file, strings.TrimSuffix(c.to, "/") + "/" + filepath.ToSlash(relative)})
		return err
	})
	return pairs, err
}

func (c *copying) put(ctx context.Context, from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	bucket, key := location(to)
	in := &s3.PutObjectInput{Bucket: bucket, Key: key, Body: f}
	if kind := mime.TypeByExtension(filepath.Ext(from)); kind != "" {
		in.ContentType = aws.String(kind)
	}
	_, err = c.client.PutObject(ctx, in)
	return err
}

// download copies an object, or all below a prefix.
func (c *copying) download(ctx context.Context) error {
	pairs, err := c.objects(ctx)
	if err != nil {
		return err
	}
	return c.each("download", pairs, func(from, to string) error { return c.get(ctx, from, to) })
}

// objects lists objects and where they go.
func (c *copying) objects(ctx context.Context) ([][2]string, error) {
	bucket, key := location(c.from)
	if !c.recursive {
		to := c.to
		if info, err := os.Stat(to); err == nil && info.IsDir() || strings.HasSuffix(to, "/") {
			to = filepath.Join(to, path.Base(*key))
		}
		return [][2]string{{c.from, to}}, nil
	}
	var pairs [][2]string
	pages := s3.NewListObjectsV2Paginator(c.client, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			name := aws.ToString(o.Key)
			relative := strings.TrimPrefix(strings.TrimPrefix(name, strings.TrimSuffix(*key, "/")), "/")
			if !filepath.IsLocal(relative) {
				return nil, errors.New("key " + name + " leads out of the folder")
			}
			pairs = append(pairs, [2]string{scheme + *bucket + "/" + name, filepath.Join(c.to, relative)})
		}
	}
	return pairs, nil
}

func (c *copying) get(ctx context.Context, from, to string) error {
	bucket, key := location(from)
	out, err := c.client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, out.Body)
	return errors.Join(err, f.Close())
}
