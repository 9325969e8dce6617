package embedding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ragscale/ragscale/ragapi/address"
)

// Remote asks a model for vectors: POST of {"model", "input": [texts]}, answered by {"data": [{"embedding": […]}]}, the form
// that most servers of embedding models speak. Where an answer's items have an index, it is their place.
type Remote struct {
	URL  string
	Key  string // is sent with each request; empty for none
	Name string // of the model
	Size int    // dimensions of its vectors
	HTTP *http.Client
}

const (
	// remoteWithin bounds one request. A model without an accelerator takes seconds for a hundred texts. Searches wait less.
	remoteWithin = time.Minute
	// An answer may have numberBytes for each number, which is as long as they get, and answerBytes beside them.
	numberBytes = 32
	answerBytes = 64 << 10
	// idleConnections are kept for as many searches at once.
	idleConnections = 64
)

// ErrRefused means that the model does not take the texts: sent again, they are refused again.
var ErrRefused = errors.New("the model refuses the texts")

// NewRemote returns the model with this name at url, which wants a key, or none.
func NewRemote(url, key, name string, size int) Remote {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = idleConnections, idleConnections
	// Texts go to the host that was named, and to no other.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return Remote{URL: url, Key: key, Name: name, Size: size, HTTP: &http.Client{Transport: transport, Timeout: remoteWithin, CheckRedirect: stay}}
}

// Model names what makes the vectors.
func (r Remote) Model() string { return r.Name }

// Dimensions of every vector.
func (r Remote) Dimensions() int { return r.Size }

// answer is what a model answers.
type answer struct {
	Data []struct {
		Index     *int     `json:"index"`
		Embedding []number `json:"embedding"`
	} `json:"data"`
}

// number is one of a vector's. A null is none, though package json would take it for 0.
type number float64

func (n *number) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return errors.New("a number of a vector is null")
	}
	return json.Unmarshal(raw, (*float64)(n))
}

// Embed asks for the vectors of texts.
func (r Remote) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	raw, err := r.ask(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("embedding: %s %w", address.Shown(r.URL), err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("embedding: answer of %s: %w", address.Shown(r.URL), err)
	}
	vectors, err := r.vectors(a, len(texts))
	if err != nil {
		return nil, fmt.Errorf("embedding: %s %w", address.Shown(r.URL), err)
	}
	return vectors, nil
}

// ask sends the texts and returns the answer.
func (r Remote) ask(ctx context.Context, texts []string) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"model": r.Name, "input": texts})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return nil, address.Cause(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if r.Key != "" {
		req.Header.Set("Authorization", "Bearer "+r.Key)
	}
	resp, err := r.HTTP.Do(req)
	if err != nil {
		return nil, address.Cause(err)
	}
	defer resp.Body.Close()
	most := int64(len(texts)*r.Size*numberBytes + answerBytes)
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case resp.StatusCode == http.StatusBadRequest, resp.StatusCode == http.StatusRequestEntityTooLarge, resp.StatusCode == http.StatusUnprocessableEntity:
		return nil, fmt.Errorf("answers %s, want 200: %w", resp.Status, ErrRefused)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("answers %s, want 200", resp.Status)
	case err != nil:
		return nil, err
	case int64(len(raw)) > most:
		return nil, fmt.Errorf("answers more than %d bytes", most)
	}
	return raw, nil
}

// vectors returns an answer's vectors, one for each of n texts, in their order.
func (r Remote) vectors(a answer, n int) ([][]float32, error) {
	if len(a.Data) != n {
		return nil, fmt.Errorf("answers %d vectors, want %d", len(a.Data), n)
	}
	vectors := make([][]float32, n)
	for i, d := range a.Data {
		if d.Index != nil {
			i = *d.Index
		}
		switch {
		case i < 0 || i >= n || vectors[i] != nil:
			return nil, fmt.Errorf("answers a vector with the index %d, want each from 0 to %d once", i, n-1)
		case len(d.Embedding) != r.Size:
			return nil, fmt.Errorf("answers %d dimensions, want %d", len(d.Embedding), r.Size)
		}
		sums := make([]float64, r.Size)
		for j, x := range d.Embedding {
			sums[j] = float64(x)
		}
		vectors[i] = normalized(sums)
	}
	return vectors, nil
}
