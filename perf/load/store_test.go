package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

// bucket answers as S3 does, two keys a page.
func bucket(t *testing.T) Bucket {
	t.Helper()
	var mu sync.Mutex
	objects := map[string][]byte{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		key := strings.TrimPrefix(r.URL.Path, "/b/")
		switch {
		case r.Method == http.MethodPut:
			text, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			objects[key] = text
		case r.Method == http.MethodDelete:
			delete(objects, key)
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Query().Get("list-type") == "2":
			list(w, r, objects)
		case objects[key] == nil:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `<Error><Code>NoSuchKey</Code></Error>`)
		default:
			_, _ = w.Write(objects[key])
		}
	}))
	t.Cleanup(server.Close)
	return Bucket{Bucket: "b", Client: s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})}
}

func list(w http.ResponseWriter, r *http.Request, objects map[string][]byte) {
	var keys []string
	for key := range objects {
		if strings.HasPrefix(key, r.URL.Query().Get("prefix")) && key > r.URL.Query().Get("continuation-token") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	more := len(keys) > 2
	fmt.Fprintf(w, `<ListBucketResult><IsTruncated>%v</IsTruncated>`, more)
	for i, key := range keys {
		if i < 2 {
			fmt.Fprintf(w, `<Contents><Key>%s</Key></Contents>`, key)
		}
	}
	if more {
		fmt.Fprintf(w, `<NextContinuationToken>%s</NextContinuationToken>`, keys[1])
	}
	fmt.Fprint(w, `</ListBucketResult>`)
}

func put(t *testing.T, s Store, run string, parts ...part) {
	t.Helper()
	for _, p := range parts {
		result := p.result()
		result.Generator.Job = run
		text, err := json.Marshal(struct {
			Version int `json:"version"`
			Result
		}{Version, result})
		if err != nil {
			t.Fatal(err)
		}
		key := RunPrefix("peak", run) + fmt.Sprintf("generator-%d/", p.index)
		for name, text := range map[string][]byte{"summary.json": text, "summary.txt": []byte("peak")} {
			if err := s.Write(t.Context(), key+name, text); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Both kinds of stores keep runs and baselines alike.
func TestRunsAndBaselinesAreKept(t *testing.T) {
	for name, s := range map[string]Store{"folder": Folder(t.TempDir()), "bucket": bucket(t)} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if all, err := List(ctx, s, ""); err != nil || len(all) != 0 {
				t.Fatalf("of an empty store: %v, %v", all, err)
			}
			put(t, s, "peak-20261124-010000", part{of: 2}, part{index: 1, of: 2})
			put(t, s, "peak-20261123-010000", part{of: 2}, part{index: 1, of: 2})
			put(t, s, "peak-20261125-010000", part{of: 2})
			want := []Stored{{"peak", "peak-20261123-010000", 2}, {"peak", "peak-20261124-010000", 2}, {"peak", "peak-20261125-010000", 1}}
			for _, scenario := range []string{"", "peak"} {
				if all, err := List(ctx, s, scenario); err != nil || !cmp.Equal(all, want) {
					t.Errorf("%v, error %v, want %v", all, err, want)
				}
			}
			if run, err := Read(ctx, s, "peak", "peak-20261124-010000"); err != nil || run.Scenario.Generators != 2 {
				t.Errorf("%+v, %v", run, err)
			}
			if _, err := Read(ctx, s, "peak", "peak-0"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a run that is not there: %v", err)
			}
			if _, err := Read(ctx, s, "peak", "../peak"); err == nil || !strings.Contains(err.Error(), "no name of a run") {
				t.Errorf("a run of another place: %v", err)
			}
			baselines(ctx, t, s)
		})
	}
}

func baselines(ctx context.Context, t *testing.T, s Store) {
	t.Helper()
	if _, err := ReadBaseline(ctx, s, "peak"); !errors.Is(err, ErrNoBaseline) {
		t.Errorf("none: %v", err)
	}
	if err := ForgetBaseline(ctx, s, "peak"); !errors.Is(err, ErrNoBaseline) {
		t.Errorf("forgetting none: %v", err)
	}
	set, err := SetBaseline(ctx, s, "peak", []string{"peak-20261124-010000", "peak-20261123-010000", "peak-20261124-010000"}, noon)
	if err != nil || len(set.Runs) != 2 || set.Runs[0].Name != "peak-20261123-010000" {
		t.Fatalf("%+v, %v", set, err)
	}
	read, err := ReadBaseline(ctx, s, "peak")
	if err != nil || len(read.Runs) != 2 || !read.SetAt.Equal(noon) || !cmp.Equal(read.Runs[1].Figures, set.Runs[1].Figures) {
		t.Errorf("%+v, %v", read, err)
	}
	if all, err := Baselines(ctx, s); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	if err := ForgetBaseline(ctx, s, "peak"); err != nil {
		t.Error(err)
	}
	if _, err := ReadBaseline(ctx, s, "peak"); !errors.Is(err, ErrNoBaseline) {
		t.Errorf("after it was forgotten: %v", err)
	}
}

func TestABaselineHasWholeRunsOfOneLoad(t *testing.T) {
	s := Folder(t.TempDir())
	put(t, s, "peak-1", part{})
	put(t, s, "peak-2", part{took: 10 * time.Second})
	put(t, s, "peak-3", part{lag: 100})
	put(t, s, "peak-4", part{of: 2}, part{index: 1, of: 2})
	_, err := SetBaseline(t.Context(), s, "peak", []string{"peak-1", "peak-2", "peak-3", "peak-4", "peak-5"}, noon)
	for _, want := range []string{
		"run peak-5: ", "run peak-2 was cut short: generator 0 ended after 10 of 60 s", "run peak-3: its generators were what was slow", "run peak-4 is of another load than peak-1: scenario",
	} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	if keys, _ := s.Keys(t.Context(), baselinesPrefix); len(keys) != 0 {
		t.Errorf("it left %v", keys)
	}
}

func TestABaselineOfAnotherFormIsRefused(t *testing.T) {
	s := Folder(t.TempDir())
	for _, text := range []string{`{"version": 2, "scenario": "peak", "runs": [{}]}`, `{"version": 1, "scenario": "normal", "runs": [{}]}`, `{"version": 1, "scenario": "peak"}`, `x`} {
		if err := s.Write(t.Context(), baselineKey("peak"), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadBaseline(t.Context(), s, "peak"); err == nil || !strings.Contains(err.Error(), "peak.json: ") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhatRunsDifferIn(t *testing.T) {
	then, now := runOf(t, part{}), runOf(t, part{})
	now.Environment = map[string]string{"stack": "dev", "region": "eu-central-1", "k6": "2.3", "image": "0.2.0", "cacheNode": "cache.m7g.large"}
	now.Program = "k6 v2.2.0"
	if got, want := Unlike(then, now), []string{`generator "" and "k6 v2.2.0"`, `k6 "2.2" and "2.3"`}; !cmp.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	want := []Change{{"cacheNode", []string{""}, []string{"cache.m7g.large"}}, {"image", []string{"0.1.0"}, []string{"0.2.0"}}, {"k6", []string{"2.2"}, []string{"2.3"}}}
	if diff := cmp.Diff(want, Changes([]*Run{then, then}, []*Run{now})); diff != "" {
		t.Error(diff)
	}
}
