package embedding

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Remote asks a model for vectors: POST of {"model", "input": [texts]}, answered by {"data": [{"embedding": […]}]}, the form
// that most servers of embedding models speak.
type Remote struct {
	URL  string
	Name string // of the model
	Size int    // dimensions of its vectors
	HTTP *http.Client
}

// maxAnswer bounds what is read: a thousand vectors of 4,096 numbers fit.
const maxAnswer = 128 << 20

// Model names what makes the vectors.
func (r Remote) Model() string { return r.Name }

// Dimensions of every vector.
func (r Remote) Dimensions() int { return r.Size }

// Embed asks for the vectors of texts.
func (r Remote) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	body, err := json.Marshal(map[string]any{"model": r.Name, "input": texts})
	if err != nil {
		return nil, fmt.Errorf("embedding: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("embedding: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("embedding: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data []struct {
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("embedding: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("embedding: %s answers %s, want 200", r.URL, resp.Status)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("embedding: answer of %s: %w", r.URL, err)
	}
	if len(answer.Data) != len(texts) {
		return nil, fmt.Errorf("embedding: %s answers %d vectors, want %d", r.URL, len(answer.Data), len(texts))
	}
	vectors := make([][]float32, len(texts))
	for i, d := range answer.Data {
		if len(d.Embedding) != r.Size {
			return nil, fmt.Errorf("embedding: %s answers %d dimensions, want %d", r.URL, len(d.Embedding), r.Size)
		}
		vectors[i] = unit(d.Embedding)
	}
	return vectors, nil
}

func unit(v []float32) []float32 {
	sums := make([]float64, len(v))
	for i, x := range v {
		sums[i] = float64(x)
	}
	return normalized(sums)
}
