package embedding

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
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
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if !stopWords[word] {
			counts[word]++
		}
	}
	sums := make([]float64, hashingDimensions)
	var padded []byte
	for _, word := range slices.Sorted(maps.Keys(counts)) { // sums of floats depend on their order
		weight := 1 + math.Log(float64(counts[word])) // a word said often matters more, but not as often as it is said
		addFeature(sums, "w:", stem(word), weight)
		padded = append(append(append(padded[:0], '^'), word...), '$') // so that beginnings and ends count as such
		addGrams(sums, padded, weight*gramsWeight)
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

// addGrams adds every gramLength characters in a row of a padded word.
func addGrams(sums []float64, padded []byte, weight float64) {
	grams := utf8.RuneCount(padded) - gramLength + 1
	for start, n := 0, 0; n < grams; n++ {
		end := start
		for range gramLength {
			_, size := utf8.DecodeRune(padded[end:])
			end += size
		}
		addFeature(sums, "g:", padded[start:end], weight/math.Sqrt(float64(grams)))
		_, size := utf8.DecodeRune(padded[start:])
		start += size
	}
}

// addFeature adds to or takes from the dimension that a feature's hash names.
func addFeature[T string | []byte](sums []float64, kind string, feature T, weight float64) {
	sum := hash(hash(fnvOffset, kind), feature)
	if sum>>63 == 1 {
		weight = -weight // collisions cancel out on average
	}
	sums[sum%uint64(len(sums))] += weight
}

// The 64-bit FNV-1a of package hash/fnv, which allocates for each feature.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hash[T string | []byte](sum uint64, data T) uint64 {
	for i := range len(data) {
		sum = (sum ^ uint64(data[i])) * fnvPrime
	}
	return sum
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
var stopWords = setOf(`a an and are as at be been but by can did do does for from had has have he her his how i if in into is it its
	me my no not of on or our she so than that the their them then there these they this those to was we were what when where which while who will with would you your`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
