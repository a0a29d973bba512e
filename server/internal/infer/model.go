// Package infer runs models: it brings images to a network's input, gathers them
// into runs of its encoder, keeps embeddings, and scores pairs.
//
// A [Registry] holds the models that are loaded and says which of them answers.
// [Registry.Acquire] is the only way to a model: the [Handle] that it returns
// keeps the model loaded until it is released.
//
// The package knows no wire types: images come in as a [Source].
package infer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Errors of models that come and go.
var (
	// ErrClosed says that the registry has been closed.
	ErrClosed = errors.New("server: closed")

	// ErrModelSet says that a model of this version is loaded already.
	ErrModelSet = errors.New("server: a model is set already")

	// ErrNoModel says that no such model is loaded.
	ErrNoModel = errors.New("server: no such model")

	// ErrModelRouted says that a model can't go, since calls are routed to it.
	ErrModelRouted = errors.New("server: calls are routed to the model")
)

// Model is what the server needs of a network. It must be safe for concurrent
// use: several Encodes and Compares run at a time. It must keep neither its
// arguments nor its results.
type Model interface {
	// Encode turns images, pixels uint8 [n,H,W,3] RGB, into embeddings, float32
	// [n,E].
	Encode(ctx context.Context, pixels []byte) ([]float32, error)

	// Compare scores pairs of embeddings, a and b float32 [n,E], and returns
	// similarities, float32 [n], 0..1. Swapping a and b changes nothing.
	Compare(ctx context.Context, a, b []float32) ([]float32, error)
}

// What a model gets whose ModelInfo does not say what its device wants.
const (
	// DefaultMaxBatch keeps a CPU busy; larger batches only add waiting there.
	DefaultMaxBatch = 8

	// DefaultRunners is one run of the encoder at a time.
	DefaultRunners = 1
)

// Familiarity tells how like the pictures that a model knows an image is to it. It must
// be safe for concurrent use.
type Familiarity interface {
	// Of returns the share, 0..1, of known pictures that are less familiar than this
	// image: its pixels, uint8 [H,W,3] RGB as the encoder took them, nil where it came
	// as an embedding, and its embedding, float32 [E]. It neither keeps nor changes
	// them.
	Of(pixels []byte, embedding []float32) float32

	// Bound returns the familiarity, 0..1, below which an image is foreign.
	Bound() float32
}

// ModelInfo describes a model.
type ModelInfo struct {
	ServingName     string    // by which calls ask for it, such as "general"; empty = Name
	Title           string    // what it is for in a word or two for people; may be empty
	Knows           string    // what it knows in a sentence or two for people; may be empty
	Name            string    // such as "siamese-omniglot"
	Version         string    // the folder that it was loaded from
	Digest          string    // lower-case hexadecimal SHA-256 of the weights; required
	Height          int       // rows of the network's input
	Width           int       // columns of the network's input
	EmbeddingLength int       // floats of one embedding
	EmbeddingMin    float32   // smallest float of an embedding, 0 or below; says nothing where EmbeddingMax is 0
	EmbeddingMax    float32   // largest float of an embedding; 0 = any finite number
	EmbeddingUnit   bool      // whether embeddings have length 1
	MetricWeights   []float32 // one a number of an embedding: similarities fall with the sum of weighted differences; nil = not told
	Threshold       float32   // similarity, 0..1, from which the verdict is "same"
	ResizeRule      string    // how pictures come to the input's size, for people
	Device          string    // where it runs, such as "cpu"
	Precision       string    // what it computes in, such as "float32"; may be empty
	MaxBatch        int       // images of one run that its device is served best by; 0 = DefaultMaxBatch
	Runners         int       // runs at a time that its device is served best by; 0 = DefaultRunners
	ShortRuns       bool      // whether its device takes about as long for a run as for its images one by one (batch.Config)
	BatchSizes      []int     // sizes that runs are filled up to, ascending, the last one MaxBatch; each is run once before the model serves; nil = any size will do

	Signatures []Signature // of its SavedModel; nil = those that such a model has by default

	Familiarity Familiarity // how familiar images are to it; nil = it does not tell
}

// Validate returns an error that names the field which is out of range, if any.
func (m ModelInfo) Validate() error {
	if err := CheckName(cmp.Or(m.ServingName, m.Name)); err != nil {
		return err
	}
	switch {
	case m.Digest == "":
		return fmt.Errorf("server: ModelInfo.Digest is empty, expected the weights' digest")
	case m.Height < 1 || m.Width < 1:
		return fmt.Errorf("server: ModelInfo's input is %dx%d pixels, expected at least 1x1", m.Width, m.Height)
	case m.EmbeddingLength < 1:
		return fmt.Errorf("server: ModelInfo.EmbeddingLength is %d, expected at least 1", m.EmbeddingLength)
	case !(m.EmbeddingMax >= 0 && isFinite(m.EmbeddingMax)):
		return fmt.Errorf("server: ModelInfo.EmbeddingMax is %v, expected a finite number of 0 or more", m.EmbeddingMax)
	case !(m.EmbeddingMin <= 0 && isFinite(m.EmbeddingMin)):
		return fmt.Errorf("server: ModelInfo.EmbeddingMin is %v, expected a finite number of 0 or less", m.EmbeddingMin)
	case m.MaxBatch < 0:
		return fmt.Errorf("server: ModelInfo.MaxBatch is %d, expected 0 or more", m.MaxBatch)
	case m.Runners < 0:
		return fmt.Errorf("server: ModelInfo.Runners is %d, expected 0 or more", m.Runners)
	case len(m.BatchSizes) > 0 && slices.Min(m.BatchSizes) < 1:
		return fmt.Errorf("server: ModelInfo.BatchSizes is %v, expected sizes from 1", m.BatchSizes)
	case !isFraction(m.Threshold):
		return fmt.Errorf("server: ModelInfo.Threshold is %v, expected 0 to 1", m.Threshold)
	}
	return nil
}

// isFraction reports whether v is within 0..1; NaN is not.
func isFraction(v float32) bool { return v >= 0 && v <= 1 }
