package api

import (
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// planted is a run of 4 s with 3 of 5 users.
type planted struct{}

func (planted) Elapsed() time.Duration { return 4 * time.Second }
func (planted) Users() (int64, int64)  { return 3, 5 }
func (planted) Stopped() bool          { return false }

// engine has counted 8 requests, of which one failed, of 10 to 80 ms.
func engine(t *testing.T) *metrics.Engine {
	t.Helper()
	e := metrics.NewEngine()
	for i := range 8 {
		failed := 0.0
		if i == 0 {
			failed = 1
		}
		tags := metrics.Tags{"expected_response": "true"}
		e.Add(metrics.Sample{Metric: e.Requests, Value: 1}, metrics.Sample{Metric: e.Failed, Value: failed},
			metrics.Sample{Metric: e.Duration, Value: float64(10 * (i + 1)), Tags: tags})
	}
	return e
}

func TestWhatIsToldOfARun(t *testing.T) {
	h := Handler(planted{}, engine(t))
	for path, want := range map[string]string{
		"/v1/status":                    `{"data":{"type":"status","id":"default","attributes":{"paused":false,"vus":3,"vus-max":5,"stopped":false,"running":true,"tainted":false}}}`,
		"/v1/metrics/http_reqs":         `{"data":{"type":"metrics","id":"http_reqs","attributes":{"type":"counter","contains":"default","tainted":null,"sample":{"count":8,"rate":2}}}}`,
		"/v1/metrics/http_req_failed":   `{"data":{"type":"metrics","id":"http_req_failed","attributes":{"type":"rate","contains":"default","tainted":null,"sample":{"fails":7,"passes":1,"rate":0.125}}}}`,
		"/v1/metrics/vus":               `{"errors":[{"detail":"No metric with that ID was found","status":"404","title":"Not Found"}]}`,
		"/v1/metrics/http_req_duration": `{"data":{"type":"metrics","id":"http_req_duration","attributes":{"type":"trend","contains":"time","tainted":null,"sample":{"avg":45,"max":80,"med":45,"min":10,"p(90)":73,"p(95)":76.5}}}}`,
		"/v1/metrics/http_req_duration%7Bexpected_response:true%7D": `{"data":{"type":"metrics","id":"http_req_duration{expected_response:true}","attributes":{"type":"trend","contains":"time","tainted":null,"sample":{"avg":45,"max":80,"med":45,"min":10,"p(90)":73,"p(95)":76.5}}}}`,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		got, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want+"\n", string(got)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}
