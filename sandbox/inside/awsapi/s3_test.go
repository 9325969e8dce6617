package awsapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ragscale/ragscale/sandbox/inside/s3"
)

const bucket = "results"

// bucketOf is an account with one bucket, as these resources configure it.
func bucketOf(versioning, policy string, restricted bool) fakeAccount {
	state := func(more map[string]any) []Resource {
		more["bucket"] = bucket
		return []Resource{resource(more)}
	}
	return fakeAccount{
		"aws:s3/bucketVersioningV2:BucketVersioningV2":           state(map[string]any{"versioningConfiguration": map[string]any{"status": versioning}}),
		"aws:s3/bucketPolicy:BucketPolicy":                       state(map[string]any{"policy": policy}),
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": state(map[string]any{"restrictPublicBuckets": restricted}),
	}
}

type world struct {
	t      *testing.T
	server *Server
	c      *client.Client
	url    string
	http   aws.HTTPClient
}

func newWorld(t *testing.T, account fakeAccount) *world {
	t.Helper()
	server, cfg := serve(t, account)
	if err := server.cfg.S3.Declare(bucket, s3.Bucket{Region: region}); err != nil {
		t.Fatal(err)
	}
	return &world{t: t, server: server, c: client.NewFromConfig(cfg), url: aws.ToString(cfg.BaseEndpoint), http: cfg.HTTPClient}
}

func (w *world) put(key, text string) *client.PutObjectOutput {
	w.t.Helper()
	out, err := w.c.PutObject(context.Background(), &client.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: strings.NewReader(text)})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) get(key string, change func(*client.GetObjectInput)) (string, error) {
	w.t.Helper()
	in := &client.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)}
	if change != nil {
		change(in)
	}
	out, err := w.c.GetObject(context.Background(), in)
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	all, err := io.ReadAll(out.Body)
	return string(all), err
}

func TestObjectsComeBackAsTheyWent(t *testing.T) {
	w := newWorld(t, fakeAccount{})
	for _, key := range []string{"a", "a/b c+d=é~.txt", "//x//", "%2F?&#", strings.Repeat("k", 1024)} {
		w.put(key, "text of "+key)
		if got, err := w.get(key, nil); err != nil || got != "text of "+key {
			t.Errorf("%q: %q, %v", key, got, err)
		}
	}
	ctx := context.Background()
	_, err := w.c.PutObject(ctx, &client.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("m"), Body: strings.NewReader("x"),
		ContentType: aws.String("text/plain"), CacheControl: aws.String("no-store"), Metadata: map[string]string{"run": "1"},
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
	if err != nil {
		t.Fatal(err)
	}
	head, err := w.c.HeadObject(ctx, &client.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("m"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil || aws.ToString(head.ContentType) != "text/plain" || head.Metadata["run"] != "1" || aws.ToInt64(head.ContentLength) != 1 ||
		aws.ToString(head.ETag) != `"9dd4e461268c8034f5c8564e155c67a6"` || head.ChecksumSHA256 == nil {
		t.Errorf("got %+v, %v", head, err)
	}
	_, err = w.get(strings.Repeat("k", 1025), nil)
	wantCode(t, err, "NoSuchKey")
	_, err = w.c.HeadBucket(ctx, &client.HeadBucketInput{Bucket: aws.String("other")})
	wantCode(t, err, "NotFound")
	_, err = w.c.GetObjectAcl(ctx, &client.GetObjectAclInput{Bucket: aws.String(bucket), Key: aws.String("m")})
	wantCode(t, err, "NotImplemented")
}

func TestRangesAndConditions(t *testing.T) {
	w := newWorld(t, fakeAccount{})
	etag := aws.ToString(w.put("k", "0123456789").ETag)
	for text, want := range map[string]string{"bytes=2-4": "234", "bytes=-3": "789", "bytes=8-": "89", "bytes=5-99": "56789", "bytes=4-2": "0123456789", "lines=1": "0123456789"} {
		got, err := w.get("k", func(in *client.GetObjectInput) { in.Range = aws.String(text) })
		if err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for name, c := range map[string]struct {
		change func(*client.GetObjectInput)
		code   string
	}{
		"beyond":   {func(in *client.GetObjectInput) { in.Range = aws.String("bytes=10-") }, "InvalidRange"},
		"match":    {func(in *client.GetObjectInput) { in.IfMatch = aws.String(`"x"`) }, "PreconditionFailed"},
		"none":     {func(in *client.GetObjectInput) { in.IfNoneMatch = aws.String(etag) }, "NotModified"},
		"modified": {func(in *client.GetObjectInput) { in.IfModifiedSince = aws.Time(time.Now().Add(time.Hour)) }, "NotModified"},
		"since":    {func(in *client.GetObjectInput) { in.IfUnmodifiedSince = aws.Time(time.Now().Add(-time.Hour)) }, "PreconditionFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.get("k", c.change)
			wantCode(t, err, c.code)
		})
	}
	_, err := w.c.PutObject(context.Background(), &client.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), IfNoneMatch: aws.String("*")})
	wantCode(t, err, "PreconditionFailed")
}

func TestBucketsAreListedWithTheirAge(t *testing.T) {
	w := newWorld(t, fakeAccount{})
	out, err := w.c.ListBuckets(context.Background(), &client.ListBucketsInput{})
	if err != nil || len(out.Buckets) != 1 || aws.ToString(out.Buckets[0].Name) != bucket || out.Buckets[0].CreationDate == nil {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestListsAreCutAndFolded(t *testing.T) {
	w := newWorld(t, fakeAccount{})
	for i := range 5 {
		w.put(fmt.Sprintf("a/%d/x", i), "x")
		w.put(fmt.Sprintf("b %d", i), "x")
	}
	var seen []string
	pages := client.NewListObjectsV2Paginator(w.c, &client.ListObjectsV2Input{
		Bucket: aws.String(bucket), Delimiter: aws.String("/"), Prefix: aws.String("a/"), MaxKeys: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.CommonPrefixes {
			seen = append(seen, aws.ToString(p.Prefix))
		}
	}
	if want := []string{"a/0/", "a/1/", "a/2/", "a/3/", "a/4/"}; !slices.Equal(seen, want) {
		t.Errorf("got %v", seen)
	}
	out, err := w.c.ListObjectsV2(context.Background(), &client.ListObjectsV2Input{Bucket: aws.String(bucket), Delimiter: aws.String("/"), StartAfter: aws.String("b 2")})
	if err != nil || len(out.Contents) != 2 || len(out.CommonPrefixes) != 0 || aws.ToInt32(out.KeyCount) != 2 || aws.ToInt64(out.Contents[0].Size) != 1 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestVersions(t *testing.T) {
	w := newWorld(t, bucketOf("Enabled", "", false))
	ctx := context.Background()
	first := aws.ToString(w.put("k", "one").VersionId)
	w.put("k", "two")
	gone, err := w.c.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
	if err != nil || !aws.ToBool(gone.DeleteMarker) {
		t.Fatal(gone, err)
	}
	_, err = w.get("k", nil)
	wantCode(t, err, "NoSuchKey")
	if got, err := w.get("k", func(in *client.GetObjectInput) { in.VersionId = &first }); err != nil || got != "one" {
		t.Errorf("%q, %v", got, err)
	}
	all, err := w.c.ListObjectVersions(ctx, &client.ListObjectVersionsInput{Bucket: aws.String(bucket)})
	if err != nil || len(all.Versions) != 2 || len(all.DeleteMarkers) != 1 || !aws.ToBool(all.DeleteMarkers[0].IsLatest) {
		t.Errorf("%+v, %v", all, err)
	}
	many, err := w.c.DeleteObjects(ctx, &client.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("k"), VersionId: gone.VersionId}, {Key: aws.String("none"), VersionId: aws.String("x")}}}})
	if err != nil || len(many.Deleted) != 2 {
		t.Fatal(many, err)
	}
	if got, err := w.get("k", nil); err != nil || got != "two" {
		t.Errorf("after the marker is gone: %q, %v", got, err)
	}
	if err := w.server.cfg.S3.Remove(bucket); err == nil || !strings.Contains(err.Error(), "BucketNotEmpty") {
		t.Errorf("a bucket with versions was removed: %v", err)
	}
}

func TestUploadsInParts(t *testing.T) {
	w := newWorld(t, fakeAccount{})
	ctx := context.Background()
	begun, err := w.c.CreateMultipartUpload(ctx, &client.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("big"), ContentType: aws.String("x/y")})
	if err != nil {
		t.Fatal(err)
	}
	parts := []string{strings.Repeat("a", 5<<20), strings.Repeat("b", 5<<20), "end"}
	done := make([]types.CompletedPart, len(parts))
	var wg sync.WaitGroup
	for i, text := range parts {
		wg.Go(func() {
			out, err := w.c.UploadPart(ctx, &client.UploadPartInput{Bucket: aws.String(bucket), Key: aws.String("big"), UploadId: begun.UploadId,
				PartNumber: aws.Int32(int32(i + 1)), Body: strings.NewReader(text)})
			if err != nil {
				t.Error(err)
				return
			}
			done[i] = types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(int32(i + 1))}
		})
	}
	wg.Wait()
	finish := func(parts ...types.CompletedPart) (*client.CompleteMultipartUploadOutput, error) {
		return w.c.CompleteMultipartUpload(ctx, &client.CompleteMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("big"),
			UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	}
	_, err = finish(done[1], done[0])
	wantCode(t, err, "InvalidPartOrder")
	_, err = finish(done[0], types.CompletedPart{ETag: aws.String("x"), PartNumber: aws.Int32(2)})
	wantCode(t, err, "InvalidPart")
	out, err := finish(done...)
	if err != nil || !strings.HasSuffix(aws.ToString(out.ETag), `-3"`) {
		t.Fatal(out, err)
	}
	if got, err := w.get("big", nil); err != nil || got != strings.Join(parts, "") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	_, err = finish(done...)
	wantCode(t, err, "NoSuchUpload")
}

func TestManyWritersLeaveWholeObjects(t *testing.T) {
	w := newWorld(t, fakeAccount{})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := range 10 {
				text := strings.Repeat(fmt.Sprint(i%10), 10_000)
				_, err := w.c.PutObject(context.Background(), &client.PutObjectInput{
					Bucket: aws.String(bucket), Key: aws.String(fmt.Sprint("k", n%3)), Body: strings.NewReader(text)})
				if err != nil {
					t.Error(err)
				}
				got, err := w.get(fmt.Sprint("k", n%3), nil)
				if err != nil || len(got) != 10_000 || strings.Trim(got, got[:1]) != "" {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestAFullStoreTakesNoMore(t *testing.T) {
	w := newWorld(t, fakeAccount{})
	put := func(size int) error {
		_, err := w.c.PutObject(context.Background(), &client.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), Body: bytes.NewReader(make([]byte, size))})
		return err
	}
	err := put(65 << 20)
	for n := 0; n < 20 && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)); n++ {
		err = put(65 << 20) // who does not wait for leave to send may be cut off before the answer, and comes again, as programs do
	}
	wantCode(t, err, "InsufficientStorage")
	for range 5 { // what was refused or replaced takes no room
		if err := put(30 << 20); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCopies(t *testing.T) {
	w := newWorld(t, fakeAccount{})
	w.put("a b/ü", "text")
	copyTo := func(source, key string) error {
		_, err := w.c.CopyObject(context.Background(), &client.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), CopySource: aws.String(source)})
		return err
	}
	if err := copyTo(bucket+"/a%20b/%C3%BC", "copy"); err != nil {
		t.Fatal(err)
	}
	if got, err := w.get("copy", nil); err != nil || got != "text" {
		t.Errorf("%q, %v", got, err)
	}
	wantCode(t, copyTo(bucket+"/none", "x"), "NoSuchKey")
	wantCode(t, copyTo("other/k", "x"), "NoSuchBucket")
	wantCode(t, copyTo(bucket+"/copy", "copy"), "InvalidRequest")
}

// anonymous asks without a signature.
func (w *world) anonymous(path string) int {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestPoliciesDecideWhoReads(t *testing.T) {
	open := `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::results/public/*"}}`
	plainOnly := `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::results","arn:aws:s3:::results/*"],
		"Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`
	for _, c := range []struct {
		name, policy string
		restricted   bool
		path         string
		stranger     int
		owner        string // code, "" for none
	}{
		{"no policy", "", false, "public/k", 403, ""},
		{"open", open, false, "public/k", 200, ""},
		{"open, another key", open, false, "private/k", 403, ""},
		{"open and restricted", open, true, "public/k", 403, ""},
		{"denied", plainOnly, false, "public/k", 403, "AccessDenied"},
		{"an operator nobody knows", strings.Replace(plainOnly, "Bool", "Odd", 1), false, "public/k", 403, "AccessDenied"},
		{"a condition that does not hold", strings.Replace(plainOnly, `"true"`, `"false"`, 1), false, "public/k", 403, ""},
		{"another principal", strings.Replace(plainOnly, `"Principal":"*"`, `"Principal":{"AWS":"arn:aws:iam::123456789012:user/other"}`, 1), false, "public/k", 403, ""},
		{"the account", strings.Replace(plainOnly, `"Principal":"*"`, `"Principal":{"AWS":["123456789012"]}`, 1), false, "public/k", 403, "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			account := fakeAccount{}
			w := newWorld(t, account)
			w.put(c.path, "text")
			for token, resources := range bucketOf("", c.policy, c.restricted) {
				account[token] = resources
			}
			if got := w.anonymous("/" + bucket + "/" + c.path); got != c.stranger {
				t.Errorf("a stranger got %d, want %d", got, c.stranger)
			}
			_, err := w.get(c.path, nil)
			if c.owner != "" {
				wantCode(t, err, c.owner)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPresignedURLsAreForAWhile(t *testing.T) {
	w := newWorld(t, fakeAccount{})
	w.put("k", "text")
	signed, err := client.NewPresignClient(w.c).PresignGetObject(context.Background(), &client.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.anonymous(strings.TrimPrefix(signed.URL, w.url)); got != 200 {
		t.Errorf("got %d", got)
	}
	if got := w.anonymous(strings.TrimPrefix(strings.Replace(signed.URL, "/k?", "/x?", 1), w.url)); got != 403 {
		t.Errorf("another key: got %d", got)
	}
}
