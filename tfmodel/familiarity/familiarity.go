// Package familiarity says how like the pictures that a model knows an image is to
// it: a [Statistic] of such pictures, small enough for the model's card, gives an
// image's place among them. It runs no network.
//
// Three things are looked at, and the least familiar of them decides: how the picture
// looks as a whole (its light, colour and steps from pixel to pixel, under a Gaussian
// of known pictures); the same against pictures that hardly any model is made for
// (blank frames, noise, text, line drawings, drawn by this package); and how far its
// embedding lies from the space that embeddings of known pictures fill.
//
// It tells another sort of picture. It can't tell whether a similarity is right, nor
// know things that look like known pictures and are none.
package familiarity

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Bound is the familiarity below which Fit calls an image foreign: one in a hundred of
// the pictures that it is made for.
const Bound = 0.01

// Statistic is what pictures look like that a model knows. Its methods are safe for
// concurrent use; it must not be changed.
type Statistic struct {
	// Bound is the familiarity below which an image is foreign, 0 to 1.
	Bound float64 `json:"bound"`
	// Pictures counts those that it was made from, edited copies of them not counted.
	Pictures int `json:"pictures"`
	// Data says in words what they were.
	Data string `json:"data,omitempty"`

	// LookMean and LookScale are a Gaussian of looks: mean [L], and the inverse of the
	// lower Cholesky factor of their covariance, row by row, [L(L+1)/2].
	LookMean  Floats `json:"look_mean"`
	LookScale Floats `json:"look_scale"`
	// Against is a logistic regression of looks against drawn foreign pictures: [L]
	// weights and a constant.
	Against Floats `json:"against"`
	// Positions is of how many places of a feature map an embedding consists; 1 where
	// it is pooled. Of more, the channels' means of square roots are taken.
	Positions int `json:"positions"`
	// EmbeddingMean [C] and Directions [K,C], of length 1 and at right angles, are the
	// space that embeddings fill, of C channels.
	EmbeddingMean Floats `json:"embedding_mean"`
	Directions    Floats `json:"directions"`

	// Quantiles hold for look, against, embedding and the least of the three the
	// scores below which the shares of levels lie.
	Quantiles [4]Floats `json:"quantiles"`
}

// levels are the shares that Quantiles are of.
var levels = []float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}

// The scores that Quantiles are of.
const (
	byLook = iota
	byAgainst
	byEmbedding
	byLeast
)

// Of returns how familiar an image is: the share, 0 to 1, of known pictures that are
// less so. pixels is uint8 [height,width,3] RGB as the network takes them, embedding
// what its encoder made of them; both stay the caller's.
func (s *Statistic) Of(pixels []byte, width, height int, embedding []float32) float64 {
	seen := look(pixels, width, height)
	least := min(
		s.share(byLook, s.lookScore(seen)),
		s.share(byAgainst, s.againstScore(seen)),
		s.OfEmbedding(embedding))
	return s.share(byLeast, least)
}

// OfEmbedding returns how familiar an image is of which there is nothing but its
// embedding. That knows less than Of: a blank frame's need not stand out.
func (s *Statistic) OfEmbedding(embedding []float32) float64 {
	return s.share(byEmbedding, s.embeddingScore(embedding))
}

// lookScore is minus the squared distance from the mean look, in standard deviations.
func (s *Statistic) lookScore(seen []float32) float64 {
	var centred [lookLength]float32
	for i, v := range seen {
		centred[i] = v - s.LookMean[i]
	}
	var sum float64
	row := s.LookScale
	for i := range lookLength {
		sum += square(dot(row[:i+1], centred[:i+1]))
		row = row[i+1:]
	}
	return -sum
}

// againstScore is the logit of being no drawn foreign picture.
func (s *Statistic) againstScore(seen []float32) float64 {
	return float64(dot(s.Against[:lookLength], seen) + s.Against[lookLength])
}

// embeddingScore is minus the squared distance from the space that embeddings fill.
func (s *Statistic) embeddingScore(embedding []float32) float64 {
	centred := summary(embedding, s.Positions)
	for i, mean := range s.EmbeddingMean {
		centred[i] -= mean
	}
	rest := float64(dot(centred, centred))
	for directions := s.Directions; len(directions) > 0; directions = directions[len(centred):] {
		rest -= square(dot(directions[:len(centred)], centred))
	}
	return -max(rest, 0)
}

// summary is a copy of an embedding, of a feature map the channels' means of square
// roots.
func summary(embedding []float32, positions int) []float32 {
	channels := len(embedding) / positions
	sums := make([]float32, channels)
	if positions == 1 {
		copy(sums, embedding)
		return sums
	}
	for begin := 0; begin < len(embedding); begin += channels {
		for i, v := range embedding[begin : begin+channels] {
			if v > 0 {
				sums[i] += float32(math.Sqrt(float64(v)))
			}
		}
	}
	for i := range sums {
		sums[i] /= float32(positions)
	}
	return sums
}

// share is the share of known pictures whose score is lower, by the quantiles, between
// which it is linear. Below the first it falls off, so that of two foreign images one
// is still the more familiar.
func (s *Statistic) share(by int, score float64) float64 {
	quantiles := s.Quantiles[by]
	first := float64(quantiles[0])
	if !(score > first) {
		spread := float64(quantiles[len(quantiles)/2]) - first
		if !(spread > 0) {
			return 0
		}
		return levels[0] / (1 + (first-score)/spread)
	}
	for i := 1; i < len(levels); i++ {
		low, high := float64(quantiles[i-1]), float64(quantiles[i])
		if score <= high {
			return levels[i-1] + (levels[i]-levels[i-1])*(score-low)/(high-low)
		}
	}
	return 1
}

// Validate returns an error that names what does not fit together, or not the
// embeddings' length; nil if all does.
func (s *Statistic) Validate(embeddingLength int) error {
	if !(s.Bound >= leastBound && s.Bound < 1) {
		return fmt.Errorf("familiarity: bound %v, want %v to below 1", s.Bound, leastBound)
	}
	if s.Pictures < 0 {
		return fmt.Errorf("familiarity: made from %d pictures, want 0 or more", s.Pictures)
	}
	if s.Positions < 1 || embeddingLength%s.Positions != 0 {
		return fmt.Errorf("familiarity: %d positions, want a divisor of the embedding's length, %d", s.Positions, embeddingLength)
	}
	channels := embeddingLength / s.Positions
	if len(s.Directions)%channels != 0 {
		return fmt.Errorf("familiarity: directions have %d values, want a multiple of %d", len(s.Directions), channels)
	}
	lengths := []struct {
		name   string
		values Floats
		want   int
	}{
		{"look_mean", s.LookMean, lookLength},
		{"look_scale", s.LookScale, lookLength * (lookLength + 1) / 2},
		{"against", s.Against, lookLength + 1},
		{"embedding_mean", s.EmbeddingMean, channels},
		{"directions", s.Directions, len(s.Directions)},
		{"quantiles[0]", s.Quantiles[0], len(levels)},
		{"quantiles[1]", s.Quantiles[1], len(levels)},
		{"quantiles[2]", s.Quantiles[2], len(levels)},
		{"quantiles[3]", s.Quantiles[3], len(levels)},
	}
	for _, l := range lengths {
		if len(l.values) != l.want {
			return fmt.Errorf("familiarity: %s has %d values, want %d", l.name, len(l.values), l.want)
		}
		for i, v := range l.values {
			if !(math.Abs(float64(v)) <= mostValue) {
				return fmt.Errorf("familiarity: %s has %v as value %d, want %v to %v", l.name, v, i, -mostValue, mostValue)
			}
		}
	}
	return s.validateShape(channels)
}

// Bounds of what Fit writes: bounds far beyond what it does, within which no sum of a
// score overflows.
const (
	leastBound = 1e-4
	mostValue  = 1e8
)

// validateShape holds quantiles to their order and directions to their length.
func (s *Statistic) validateShape(channels int) error {
	for by, quantiles := range s.Quantiles {
		if !slices.IsSorted(quantiles) || quantiles[0] == quantiles[len(quantiles)-1] {
			return fmt.Errorf("familiarity: quantiles[%d] are %v, want them to ascend", by, quantiles)
		}
	}
	if count := len(s.Directions) / channels; count > channels {
		return fmt.Errorf("familiarity: %d directions, want at most %d", count, channels)
	}
	for k, rest := 0, s.Directions; len(rest) > 0; k, rest = k+1, rest[channels:] {
		if length := dot(rest[:channels], rest[:channels]); !(math.Abs(float64(length)-1) <= 0.01) {
			return fmt.Errorf("familiarity: direction %d has length %v, want 1", k, math.Sqrt(float64(length)))
		}
	}
	return nil
}

// Floats is float32 values, in JSON the base64 of their little-endian bytes.
type Floats []float32

// MarshalJSON implements json.Marshaler.
func (f Floats) MarshalJSON() ([]byte, error) {
	data := make([]byte, 0, 4*len(f))
	for _, v := range f {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(data))
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *Floats) UnmarshalJSON(text []byte) error {
	var data []byte // which encoding/json reads as base64
	if err := json.Unmarshal(text, &data); err != nil {
		return err
	}
	if len(data)%4 != 0 {
		return fmt.Errorf("%d bytes, want a multiple of 4: float32 values", len(data))
	}
	*f = make(Floats, len(data)/4)
	for i := range *f {
		(*f)[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return nil
}

// dot is the inner product of two slices of one length, in four sums, so that they can
// be computed side by side.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + (s2 + s3)
}

func square(v float32) float64 { return float64(v) * float64(v) }
