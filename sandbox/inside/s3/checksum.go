package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

const checksumPrefix = "x-amz-checksum-"

// nvme is the polynomial of CRC-64/NVME, reflected.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html ; read 2026-11-30.
var nvme = crc64.MakeTable(0x9A6C9329AC4BC9B5)

// algorithms of checksums that clients send.
var algorithms = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"crc64nvme": func() hash.Hash { return crc64.New(nvme) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
}

// checksums are those that a request brings, in its header or after its body.
type checksums struct {
	sums map[string]hash.Hash
	md5  hash.Hash // of Content-MD5, nil without
}

// checksums prepares those that the request announces.
func (q *request) checksums() checksums {
	c := checksums{sums: map[string]hash.Hash{}}
	trailer := strings.ToLower(q.Header.Get("X-Amz-Trailer"))
	for name, create := range algorithms {
		if q.Header.Get(checksumPrefix+name) != "" || strings.Contains(trailer, checksumPrefix+name) {
			c.sums[name] = create()
		}
	}
	if q.Header.Get("Content-Md5") != "" {
		c.md5 = md5.New()
	}
	return c
}

func (c checksums) hashes() []hash.Hash {
	var out []hash.Hash
	for _, h := range c.sums {
		out = append(out, h)
	}
	if c.md5 != nil {
		out = append(out, c.md5)
	}
	return out
}

// check compares them with what the request says, once its body is read.
func (c checksums) check(q *request) (map[string]string, error) {
	out := map[string]string{}
	for name, h := range c.sums {
		want := q.Header.Get(checksumPrefix + name)
		if want == "" && q.caller != nil {
			want = q.caller.Trailer.Get(checksumPrefix + name)
		}
		got := base64.StdEncoding.EncodeToString(h.Sum(nil))
		if got != want {
			return nil, badDigest(strings.ToUpper(name))
		}
		out[checksumPrefix+name] = got
	}
	if c.md5 != nil && base64.StdEncoding.EncodeToString(c.md5.Sum(nil)) != q.Header.Get("Content-Md5") {
		return nil, badDigest("Content-MD5")
	}
	return out, nil
}

func badDigest(name string) error {
	return &apiError{"BadDigest", "The " + name + " you specified did not match the calculated checksum.", http.StatusBadRequest}
}
