// Package embedding turns texts into vectors: texts that are alike get vectors that point the same way.
//
// Owns: the built-in embedding, and asking a model behind a URL for its own. Does not own: where vectors are kept.
package embedding

import "context"

// Embedder turns texts into vectors of length 1 and one number of dimensions.
type Embedder interface {
	// Model names what makes the vectors: those of different models cannot be compared.
	Model() string
	Dimensions() int
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}
