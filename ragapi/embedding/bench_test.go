package embedding_test

import (
	"testing"

	"github.com/ragscale/ragscale/ragapi/embedding"
)

// BenchmarkHashing is what the built-in embedding costs a search: it is not worth a question to a cache.
func BenchmarkHashing(b *testing.B) {
	for name, text := range map[string]string{"two words": "lighthouse lamp", "a question": "what keeps the lamp of a lighthouse turning through the whole night when the keeper sleeps"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := (embedding.Hashing{}).Embed(b.Context(), []string{text}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
