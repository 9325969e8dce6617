package main

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/google/go-cmp/cmp"
)

// batch is the body of CloudFront's CreateInvalidation.
type batch struct {
	CallerReference string
	Paths           struct {
		Quantity int
		Items    struct{ Path []string }
	}
}

// edge stands for CloudFront's API and records what it is asked.
func edge(t *testing.T) (*cloudfront.Client, *[]batch) {
	t.Helper()
	var asked []batch
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b batch
		if err := xml.NewDecoder(r.Body).Decode(&b); err != nil {
			t.Error(err)
		}
		asked = append(asked, b)
		w.WriteHeader(http.StatusCreated)
		if _, err := w.Write([]byte(`<Invalidation><Id>I2J0I21PCUYOIK</Id></Invalidation>`)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return cloudfront.New(cloudfront.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), &asked
}

func TestAnInvalidationNamesItsPathsUnderAReferenceOfItsOwn(t *testing.T) {
	client, asked := edge(t)
	for range 2 {
		id, err := invalidate(t.Context(), client, "E1", []string{"/", "/docs/*"})
		if err != nil || id != "I2J0I21PCUYOIK" {
			t.Fatalf("id %q, error %v", id, err)
		}
	}
	first, second := (*asked)[0], (*asked)[1]
	if diff := cmp.Diff([]string{"/", "/docs/*"}, first.Paths.Items.Path); diff != "" || first.Paths.Quantity != 2 {
		t.Errorf("%d paths (-want +got):\n%s", first.Paths.Quantity, diff)
	}
	if first.CallerReference == "" || first.CallerReference == second.CallerReference {
		t.Errorf("references are %q and %q, want two", first.CallerReference, second.CallerReference)
	}
}

func TestPathsThatCloudFrontRefusesAreFoundBefore(t *testing.T) {
	many := make([]string, mostPaths+1)
	for i := range many {
		many[i] = "/a"
	}
	for want, paths := range map[string][]string{
		`path is "index.html", want / first`:                            {"index.html"},
		`path is "/a*b", want * only at its end`:                        {"/a*b"},
		"paths are 16, want at most 15: one that ends in * covers many": many,
	} {
		if err := checkPaths(paths); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	if err := checkPaths(entryDocuments); err != nil {
		t.Error(err)
	}
}
