package embedding

import (
	"context"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
)

// Hashing embeds by feature hashing: each word's stem, and each three characters in a row of a word, adds to or takes from
// one dimension, as their hashes say. So texts are alike that share words, or words that are spelt alike. It needs no model and
// no network, answers the same for ever, and knows nothing of meaning: a model behind a URL does.
type Hashing struct{}

const (
	hashingDimensions = 384
	gramLength        = 3
	// A word's parts together weigh as much as the word: a misspelt word is still found by them.
	gramsWeight = 1
)

// Model names the embedding. It changes when the vectors do.
func (Hashing) Model() string { return "hashing-1" }

// Dimensions of every vector.
func (Hashing) Dimensions() int { return hashingDimensions }

// Embed never fails. A text without words is the vector of zeros.
func (Hashing) Embed(_ context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = hashed(text)
	}
	return vectors, nil
}

func hashed(text string) []float32 {
	counts := map[string]int{}
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if !slices.Contains(stopWords, word) {
			counts[word]++
		}
	}
	sums := make([]float64, hashingDimensions)
	for _, word := range slices.Sorted(maps.Keys(counts)) { // sums of floats depend on their order
		weight := 1 + math.Log(float64(counts[word])) // a word said often matters more, but not as often as it is said
		addFeature(sums, "w:"+stem(word), weight)
		grams := gramsOf(word)
		for _, gram := range grams {
			addFeature(sums, "g:"+gram, weight*gramsWeight/math.Sqrt(float64(len(grams))))
		}
	}
	return normalized(sums)
}

// suffixes of English that a stem goes without, the longest first.
var suffixes = []string{"ations", "ation", "ings", "ing", "ers", "ies", "ed", "er", "es", "ly", "s"}

const shortestStem = 4 // in bytes: what is shorter is a word of its own

func stem(word string) string {
	for _, suffix := range suffixes {
		if base, cut := strings.CutSuffix(word, suffix); cut && len(base) >= shortestStem {
			return base
		}
	}
	return word
}

// gramsOf pads the word, so that beginnings count as such.
func gramsOf(word string) (grams []string) {
	runes := []rune("^" + word + "$")
	for i := range len(runes) - gramLength + 1 {
		grams = append(grams, string(runes[i:i+gramLength]))
	}
	return grams
}

func addFeature(sums []float64, feature string, weight float64) {
	h := fnv.New64a()
	if _, err := h.Write([]byte(feature)); err != nil {
		return // a hash's Write never fails
	}
	sum := h.Sum64()
	if sum>>63 == 1 {
		weight = -weight // collisions cancel out on average
	}
	sums[sum%uint64(len(sums))] += weight
}

func normalized(sums []float64) []float32 {
	var squares float64
	for _, s := range sums {
		squares += s * s
	}
	vector := make([]float32, len(sums))
	if squares == 0 {
		return vector
	}
	length := math.Sqrt(squares)
	for i, s := range sums {
		vector[i] = float32(s / length)
	}
	return vector
}

// stopWords of English are in every text and tell none from another.
var stopWords = strings.Fields(`a an and are as at be been but by can did do does for from had has have he her his how i if in into is it its
	me my no not of on or our she so than that the their them then there these they this those to was we were what when where which while who will with would you your`)
