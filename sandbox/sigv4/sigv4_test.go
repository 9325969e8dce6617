package sigv4

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	id     = "AKIAIOSFODNN7EXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	arn    = "arn:aws:iam::123456789012:user/sandbox"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func lookup(accessKeyID string) (Key, bool) {
	return Key{Secret: secret, ARN: arn}, accessKeyID == id
}

// request is a signed one of AWS's own SDK, as a server receives it.
func request(t *testing.T, service, method, url, body string, change func(*http.Request)) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	hash := hexHash([]byte(body))
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	if change != nil {
		change(r)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	creds := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
	if err := signer.SignHTTP(context.Background(), creds, r, hash, service, "eu-central-1", now); err != nil {
		t.Fatal(err)
	}
	return received(t, r)
}

// received writes a request and reads it again.
func received(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	head, _, _ := bytes.Cut(wire.Bytes(), []byte("\r\n\r\n"))
	lines := bytes.SplitN(head, []byte("\r\n"), 2)
	target := strings.Fields(string(lines[0]))[1]
	out := httptest.NewRequest(r.Method, target, bytes.NewReader(wire.Bytes()[len(head)+4:]))
	out.Host, out.Header, out.ContentLength = r.URL.Host, r.Header, r.ContentLength
	return out
}

func read(t *testing.T, r *http.Request) (string, error) {
	t.Helper()
	all, err := io.ReadAll(r.Body)
	return string(all), err
}

func TestWhatTheSDKSignsIsVerified(t *testing.T) {
	for _, c := range []struct{ name, service, method, url, body string }{
		{"query", "rds", "POST", "https://127.77.0.1:8443/", "Action=DescribeDBInstances&Version=2014-10-31"},
		{"path", "eks", "GET", "https://eks.eu-central-1.amazonaws.com/clusters/a%20b%3Ac?maxResults=10&include=all", ""},
		{"key", "s3", "PUT", "https://127.77.0.1:8443/bucket/a%20b/%C3%BC%2B%281%29/c%3Dd//e~.txt", "text"},
		{"list", "s3", "GET", "https://bucket.s3.eu-central-1.amazonaws.com/?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&encoding-type=url", ""},
		{"no value", "s3", "GET", "https://127.77.0.1:8443/bucket?uploads", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(t, c.service, c.method, c.url, c.body, nil)
			got, err := Verify(r, lookup, now)
			if err != nil {
				t.Fatal(err)
			}
			if got.ARN != arn || got.Service != c.service || got.Region != "eu-central-1" {
				t.Errorf("got %+v", got)
			}
			if body, err := read(t, r); err != nil || body != c.body {
				t.Errorf("body %q, %v", body, err)
			}
		})
	}
}

func TestRequestsAreRefused(t *testing.T) {
	plain := func(r *http.Request) {}
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		at     time.Time
		want   Kind
	}{
		{"unsigned", func(r *http.Request) { r.Header.Del("Authorization") }, now, Missing},
		{"another scheme", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, now, Malformed},
		{"old", plain, now.Add(16 * time.Minute), Skewed},
		{"from the future", plain, now.Add(-16 * time.Minute), Skewed},
		{"another method", func(r *http.Request) { r.Method = "DELETE" }, now, Mismatch},
		{"another key", func(r *http.Request) { r.URL.Path = "/bucket/other" }, now, Mismatch},
		{"another query", func(r *http.Request) { r.URL.RawQuery = "acl" }, now, Mismatch},
		{"another host", func(r *http.Request) { r.Host = "elsewhere" }, now, Mismatch},
		{"another header", func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "2") }, now, Mismatch},
		{"a header that is not signed", func(r *http.Request) { r.Header.Set("X-Amz-Copy-Source", "/b/k") }, now, Mismatch},
		{"another date", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261130T120001Z") }, now, Mismatch},
		{"another day", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261129T120000Z") }, now, Malformed},
		{"unknown key", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), id, "AKIAX", 1))
		}, now, Unknown},
		{"a session's token", func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, now, Token},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(t, "s3", "PUT", "https://h/bucket/key", "text", func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "1") })
			c.change(r)
			_, err := Verify(r, lookup, c.at)
			var got *Fault
			if !errors.As(err, &got) || got.Kind != c.want {
				t.Errorf("got %v, want kind %d", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), secret)) {
				t.Error("the secret is told")
			}
		})
	}
}

func TestAnotherBodyIsRefused(t *testing.T) {
	r := request(t, "s3", "PUT", "https://h/bucket/key", "text", nil)
	r.Body = io.NopCloser(strings.NewReader("next"))
	if _, err := Verify(r, lookup, now); err != nil {
		t.Fatal(err)
	}
	var got *Fault
	if _, err := read(t, r); !errors.As(err, &got) || got.Kind != Body {
		t.Errorf("S3: got %v, want a fault of the body", err)
	}
	r = request(t, "rds", "POST", "https://h/", "Action=A", nil)
	r.Body = io.NopCloser(strings.NewReader("Action=B"))
	if _, err := Verify(r, lookup, now); !errors.As(err, &got) || got.Kind != Mismatch {
		t.Errorf("RDS: got %v, want another signature", err)
	}
}

func presigned(t *testing.T, expires string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", "https://h/bucket/a%20key?X-Amz-Expires="+expires, nil)
	if err != nil {
		t.Fatal(err)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	creds := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
	signed, _, err := signer.PresignHTTP(context.Background(), creds, r, unsignedPayload, "s3", "eu-central-1", now)
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest("GET", signed, nil)
}

func TestPresignedRequestsEnd(t *testing.T) {
	for at, want := range map[time.Duration]bool{-time.Minute: true, 59 * time.Minute: true, 61 * time.Minute: false, -time.Hour: false} {
		if _, err := Verify(presigned(t, "3600"), lookup, now.Add(at)); (err == nil) != want {
			t.Errorf("after %v: %v, want accepted %t", at, err, want)
		}
	}
	for _, expires := range []string{"0", "-1", "604801", "x", "99999999999999999999"} {
		var got *Fault
		if _, err := Verify(presigned(t, expires), lookup, now); !errors.As(err, &got) || got.Kind != Malformed {
			t.Errorf("X-Amz-Expires=%s: %v", expires, err)
		}
	}
}

// example is the one of AWS's documentation: 66560 letters in chunks of 64 KiB.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html ; read 2026-11-30.
func example(t *testing.T, body string) (*http.Request, time.Time) {
	t.Helper()
	r := httptest.NewRequest("PUT", "https://s3.amazonaws.com/examplebucket/chunkObject.txt", strings.NewReader(body))
	r.ContentLength = 66824
	for name, value := range map[string]string{
		"X-Amz-Date": "20130524T000000Z", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY", "Content-Encoding": "aws-chunked",
		"X-Amz-Content-Sha256": signedChunks, "X-Amz-Decoded-Content-Length": "66560",
		"Authorization": "AWS4-HMAC-SHA256 Credential=" + id + "/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class," +
			"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	} {
		r.Header.Set(name, value)
	}
	return r, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
}

func chunk(size, signature, bytes string) string {
	return size + ";chunk-signature=" + signature + "\r\n" + bytes + "\r\n"
}

var (
	firstChunk  = chunk("10000", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", strings.Repeat("a", 65536))
	secondChunk = chunk("400", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", strings.Repeat("a", 1024))
	lastChunk   = chunk("0", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", "")
)

func TestSignedChunksOfTheDocumentation(t *testing.T) {
	r, at := example(t, firstChunk+secondChunk+lastChunk)
	if _, err := Verify(r, lookup, at); err != nil {
		t.Fatal(err)
	}
	if body, err := read(t, r); err != nil || body != strings.Repeat("a", 66560) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestChunksThatAreNotWhatWasSigned(t *testing.T) {
	for name, body := range map[string]string{
		"another byte":  strings.Replace(firstChunk+secondChunk+lastChunk, "aaaa", "aaba", 1),
		"one left out":  firstChunk + lastChunk,
		"out of order":  secondChunk + firstChunk + lastChunk,
		"cut short":     firstChunk + secondChunk,
		"cut in two":    firstChunk[:1000],
		"no size":       "x\r\n",
		"negative size": "-1\r\n",
		"a huge head":   strings.Repeat("0", 1<<16) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r, at := example(t, body)
			if _, err := Verify(r, lookup, at); err != nil {
				t.Fatal(err)
			}
			if all, err := read(t, r); err == nil {
				t.Errorf("%d bytes were accepted", len(all))
			}
		})
	}
}

func TestUnsignedChunksBringTrailers(t *testing.T) {
	r, err := http.NewRequest("PUT", "https://h/bucket/key", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", unsignedTrailer)
	creds := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, unsignedTrailer, "s3", "eu-central-1", now); err != nil {
		t.Fatal(err)
	}
	r = received(t, r)
	r.Body = io.NopCloser(strings.NewReader("5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"))
	s, err := Verify(r, lookup, now)
	if err != nil {
		t.Fatal(err)
	}
	body, err := read(t, r)
	if err != nil || body != "hello world" || s.Trailer.Get("X-Amz-Checksum-Crc32") != "DUoRhQ==" {
		t.Errorf("got %q, %v, %v", body, s.Trailer, err)
	}
}
