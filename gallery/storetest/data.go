package storetest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"siamese/gallery"
)

var everything = gallery.Parts{Embedding: true, Picture: true, Thumbnail: true}

// moment is when entries and galleries were made: to the millisecond, which is what
// stores keep.
var moment = time.Date(2031, time.March, 4, 5, 6, 7, 891e6, time.UTC)

// kind is a sort of embedding.
type kind struct {
	length int
	// share is how many of the numbers are not 0, and signed says that there are some
	// below it.
	share  float64
	signed bool
}

// What embeddings of the models that there are look like.
var (
	sparse = kind{length: 4608, share: 0.03}
	dense  = kind{length: 512, share: 1, signed: true}
)

// source makes the same embeddings in each run.
func source() *rand.Rand { return rand.New(rand.NewPCG(7, 11)) }

// embedding is a new one.
func (k kind) embedding(random *rand.Rand) []float32 {
	numbers := make([]float32, k.length)
	for i := range numbers {
		if random.Float64() < k.share {
			numbers[i] = k.number(random)
		}
	}
	return numbers
}

func (k kind) number(random *rand.Rand) float32 {
	if k.signed {
		return float32(random.NormFloat64())
	}
	return float32(random.ExpFloat64())
}

// near is an embedding with a share of the numbers of another one redrawn, which is
// about how far they are apart.
func (k kind) near(random *rand.Rand, numbers []float32, share float64) []float32 {
	changed := make([]float32, len(numbers))
	for i, number := range numbers {
		if number != 0 && random.Float64() < share {
			number = k.number(random)
		}
		changed[i] = number
	}
	return changed
}

// digestOf is a model's digest, as cards have them.
func digestOf(model string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(model))) }

// metric is one of a model with weights from 0 to 2, of which some are 0.
func metric(t *testing.T, random *rand.Rand, model string, length int) *gallery.Metric {
	t.Helper()
	weights := make([]float32, length)
	for i := range weights {
		if random.IntN(10) > 0 {
			weights[i] = 2 * random.Float32()
		}
	}
	weights[0] = 1
	m, err := gallery.NewMetric(digestOf(model), weights)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// info is of a gallery of the model "model".
func info(name string, length int) gallery.Info {
	return gallery.Info{Name: name, Model: "model", ModelDigest: digestOf("model"), EmbeddingLength: length, Created: moment}
}

// small is the length of embeddings where they don't matter.
const small = 8

// entry is one of a gallery of the model "model" with embeddings of length small, that
// differs from those with another id.
func entry(id string) gallery.Entry {
	numbers := make([]float32, small)
	for i := range numbers {
		numbers[i] = float32(strings.Count(id, "a")+i) / small
	}
	return gallery.Entry{
		ID:            id,
		Embedding:     gallery.NewVector(numbers),
		ModelDigest:   digestOf("model"),
		PictureDigest: sha256.Sum256([]byte(id)),
		Familiarity:   0.75,
		Enrolled:      moment,
	}
}

func entries(ids ...string) []gallery.Entry {
	all := make([]gallery.Entry, len(ids))
	for i, id := range ids {
		all[i] = entry(id)
	}
	return all
}

// hostile are ids, things, and metadata that the checks of package gallery let
// through, and that a store might take for something else.
var hostile = []string{
	"a", "A", "á", "a\u0301", " a", "a ", "a a", "ａ", "0", "00", "null", "NULL", "true", "{}", "[]", "{\"a\": 1}",
	"'", "''", "\"", "\\", "\\'", "\\x00", "%", "_", "a%", "a_", "*", "?", "$1", "$$", ":a", "@a", "E'a'", "--", "/*", "*/", ";",
	"'; DROP TABLE entries; --", "a' OR 'a'='a", "$(id)", "`id`", "{{.}}", "%s%n%d", "<b>", "&amp;",
	".", "..", "../a", "a/b", "/", "a\\b", "C:", "con",
	"日本語", "😀", "👩\u200d👩\u200d👧", "\u202eabc", "\ufeffa", "\u00a0", "\u2028", "\ufffd", "ß", "ẞ", "İ", "ı", "ﬁ", "\U0010ffff",
	strings.Repeat("x", gallery.MaxIDBytes), strings.Repeat("x", gallery.MaxIDBytes-1), strings.Repeat("😀", gallery.MaxIDBytes/4),
}
