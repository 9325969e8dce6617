package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"sort"
	"strings"

	"github.com/ragscale/ragscale/components/loadtest/k6"
)

const (
	documentBytes   = 3000
	vocabularyShare = 0.3  // of a text's words
	otherWords      = 5000 // each as likely as the others: in 2 % of the chunks of 1,000 bytes
	seed            = 20261129
)

// corpus makes texts of the load scripts' vocabulary, popular after Zipf, and of words that are nowhere else. The same
// number always gives the same text.
type corpus struct {
	vocabulary []string // the most popular first
	others     []string
	upTo       []float64 // share of the vocabulary's words up to each
}

var wordList = regexp.MustCompile(`(?s)export const words = \((.*?)\)\.split`)

func newCorpus() (*corpus, error) {
	scripts, err := k6.Scripts()
	if err != nil {
		return nil, err
	}
	list := wordList.FindStringSubmatch(scripts["corpus.js"])
	if list == nil {
		return nil, errors.New("corpus.js has no list of words")
	}
	c := &corpus{vocabulary: strings.Fields(strings.NewReplacer("'", " ", "+", " ").Replace(list[1])),
		others: inventWords(otherWords)}
	sum := 0.0
	for rank := range c.vocabulary {
		sum += 1 / float64(rank+1)
		c.upTo = append(c.upTo, sum)
	}
	return c, nil
}

// inventWords makes n words that no stemmer of English joins.
func inventWords(n int) []string {
	const heads, vowels, ends = "bdfgkmprtvz", "aeiou", "bgkmprtvz"
	const all = len(heads) * len(vowels) * len(heads) * len(vowels) * len(ends)
	words := make([]string, n)
	for i := range words {
		k := i * 7919 % all // 7919 has no divisor in common with all: no word comes twice
		word := make([]byte, 0, 5)
		for _, letters := range []string{heads, vowels, heads, vowels, ends} {
			word = append(word, letters[k%len(letters)])
			k /= len(letters)
		}
		words[i] = string(word)
	}
	return words
}

// text is document number i's.
func (c *corpus) text(i int) string {
	random := rand.New(rand.NewPCG(seed, uint64(i)))
	var b strings.Builder
	for b.Len() < documentBytes {
		if random.Float64() < vocabularyShare {
			at := random.Float64() * c.upTo[len(c.upTo)-1]
			b.WriteString(c.vocabulary[sort.SearchFloat64s(c.upTo, at)])
		} else {
			b.WriteString(c.others[random.IntN(len(c.others))])
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

// pair are two words that some 60 % of the chunks have both.
func (c *corpus) pair(i int) string {
	pairs := [][2]int{{4, 5}, {5, 4}, {3, 7}, {7, 3}, {4, 6}, {6, 4}}
	p := pairs[i%len(pairs)]
	return c.vocabulary[p[0]] + " " + c.vocabulary[p[1]]
}

// logUniform is one of the other words, the first ones more often: each factor of ten of ranks is asked for as often.
func (c *corpus) logUniform(random *rand.Rand) string {
	return c.others[int(math.Exp(random.Float64()*math.Log(float64(len(c.others)))))-1]
}

func title(i int) string { return fmt.Sprintf("Bench document %d", i) }
