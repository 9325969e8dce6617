package sigv4

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What x-amz-content-sha256 says in place of a hash.
const (
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	unsignedTrailer  = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	signedChunks     = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailer    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	trailerSignature = "x-amz-trailer-signature"
	// maxLine bounds a chunk's head and a line of the trailer.
	maxLine = 4 << 10
	// maxTrailers bounds the lines of a trailer.
	maxTrailers = 16
)

// chain signs chunks, each over the signature before it.
type chain struct {
	key   []byte
	date  time.Time
	scope scope
	last  string
}

func (c *chain) verify(kind, got string, hashes ...string) error {
	lines := append([]string{kind, c.date.Format(dateLayout), c.scope.String(), c.last}, hashes...)
	if want := sign(c.key, strings.Join(lines, "\n")); !equal(got, want) {
		return fault(Mismatch, "the signature of a part of the body is another")
	}
	c.last = got
	return nil
}

// body gives the bytes that a client meant, and a Fault where they are not what was signed.
func (s *Signed) body(in io.ReadCloser, payload string, c *chain) io.ReadCloser {
	if in == nil {
		return nil
	}
	switch payload {
	case unsignedPayload:
		return in
	case unsignedTrailer:
		return &chunked{closer: in, in: bufio.NewReaderSize(in, maxLine), signed: s}
	case signedChunks, signedTrailer:
		return &chunked{closer: in, in: bufio.NewReaderSize(in, maxLine), signed: s, chain: c, sum: sha256.New()}
	}
	return &hashed{ReadCloser: in, want: payload, sum: sha256.New()}
}

// hashed is a body whose hash was signed.
type hashed struct {
	io.ReadCloser
	want string
	sum  hash.Hash
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && !equal(h.want, hex.EncodeToString(h.sum.Sum(nil))) {
		return n, fault(Body, "the body's hash is not the one that was signed")
	}
	return n, err
}

// chunked is a body in chunks: SIZE[;chunk-signature=…] and the bytes, a chunk without bytes, and trailers.
type chunked struct {
	closer io.Closer
	in     *bufio.Reader
	signed *Signed
	chain  *chain    // nil where chunks are not signed
	sum    hash.Hash // of the chunk
	begun  bool
	left   int64
	claim  string // the chunk's signature
	err    error
}

func (c *chunked) Close() error { return c.closer.Close() }

func (c *chunked) Read(p []byte) (n int, err error) {
	if c.err == nil && c.left == 0 {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err = c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.chain != nil {
		c.sum.Write(p[:n])
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	c.err = err
	return n, err
}

// next ends the chunk and begins another; io.EOF after the last.
func (c *chunked) next() error {
	if c.begun {
		if err := c.end(); err != nil {
			return err
		}
	}
	head, err := c.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(head, ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 {
		return fault(Body, "a chunk's size is %q, want a hexadecimal number", size)
	}
	c.claim = strings.TrimPrefix(extension, "chunk-signature=")
	c.begun = true
	if c.left > 0 {
		return nil
	}
	return c.last()
}

// end reads what follows a chunk's bytes and checks them.
func (c *chunked) end() error {
	if line, err := c.line(); err != nil || line != "" {
		return errors.Join(fault(Body, "a chunk is longer than it says"), err)
	}
	return c.checkChunk()
}

func (c *chunked) checkChunk() error {
	if c.chain == nil {
		return nil
	}
	defer c.sum.Reset()
	return c.chain.verify(algorithm+"-PAYLOAD", c.claim, hexHash(nil), hex.EncodeToString(c.sum.Sum(nil)))
}

// last checks the chunk without bytes and reads the trailers.
func (c *chunked) last() error {
	if err := c.checkChunk(); err != nil {
		return err
	}
	var signedLines, signature string
	for range maxTrailers {
		line, err := c.line()
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if line == "" {
			return c.checkTrailer(signedLines, signature)
		}
		name, value, _ := strings.Cut(line, ":")
		if name = strings.ToLower(name); name == trailerSignature {
			signature = value
			continue
		}
		signedLines += name + ":" + strings.TrimSpace(value) + "\n"
		c.signed.Trailer.Add(name, strings.TrimSpace(value))
	}
	return fault(Body, "the body has more than %d trailers", maxTrailers)
}

func (c *chunked) checkTrailer(lines, signature string) error {
	if c.chain != nil && lines != "" {
		if err := c.chain.verify(algorithm+"-TRAILER", signature, hexHash([]byte(lines))); err != nil {
			return err
		}
	}
	return io.EOF
}

// line reads up to a line's end, which it drops. Where the body ends without one, io.ErrUnexpectedEOF.
func (c *chunked) line() (string, error) {
	raw, err := c.in.ReadSlice('\n')
	line := strings.TrimRight(string(slices.Clone(raw)), "\r\n")
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fault(Body, "a chunk's head has more than %d bytes", maxLine)
	case errors.Is(err, io.EOF):
		return line, io.ErrUnexpectedEOF
	}
	return line, err
}
