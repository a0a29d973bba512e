// Package scorer scores pictures by their names, in this process or through a server:
// pairs, a query against candidates, and embeddings. Each picture may have an error of
// its own, which fails no other.
package scorer

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"siamese/client"
	"siamese/gallery"
	"siamese/imaging"
)

// Scorer scores pictures. It belongs to one goroutine. Errors of its methods, in
// place of those of single pictures, mean that nothing can be scored: ctx is done, or
// the model or the server fails.
type Scorer interface {
	// Compare scores one pair. prepared asks for the pictures as the network saw
	// them, PNG files. A picture that can't be used is a *[PictureError].
	Compare(ctx context.Context, pair Pair, prepared bool) (Comparison, error)
	// Pairs scores pairs, one result each, in their order.
	Pairs(ctx context.Context, pairs []Pair) ([]Result, error)
	// Rank scores candidates against a query and sorts them. progress, which may be
	// nil, is told how many of them are done. A query that can't be used is a
	// *[PictureError].
	Rank(ctx context.Context, query Picture, candidates []Picture, progress func(done int)) (Ranking, error)
	// Embed returns the embeddings of pictures, all of one model, in their order. A model
	// in this process embeds all views that are scored.
	Embed(ctx context.Context, pictures []Picture) ([]Embedding, error)
	// Embedder is the model that Embed asks.
	Embedder(ctx context.Context) (Model, error)
	// Alike returns the similarities of an embedding to others, in their order. All are
	// of Embed's model.
	Alike(ctx context.Context, query []float32, candidates [][]float32) ([]float32, error)
	// Metric is a distance between embeddings of Embed's model that orders pairs nearly as
	// Alike does, and is cheap.
	Metric(ctx context.Context) (*gallery.Metric, error)
	// Chosen reports whether the model is chosen for each pair by its pictures.
	Chosen(ctx context.Context) (bool, error)
	// Close ends the scorer.
	Close() error
}

// Pair is two pictures to compare. Their order does not matter.
type Pair struct{ A, B Picture }

// Score is what is said of a pair.
type Score struct {
	// Similarity and Threshold are 0 to 1; Same is Similarity >= Threshold.
	Similarity, Threshold float32
	Same                  bool
	// Model is the model that answered, as --model names it; Card is what its card
	// calls it.
	Model, Card string
	// FamiliarityA and FamiliarityB are how familiar the pictures are to the model;
	// nil where it does not tell.
	FamiliarityA, FamiliarityB *client.Familiarity
	// Warning is a sentence for people where the similarity means little; empty
	// otherwise.
	Warning string
}

// Comparison is the score of one pair.
type Comparison struct {
	Score
	// PreparedA and PreparedB are the pictures as the network saw them, PNG files;
	// nil unless asked for.
	PreparedA, PreparedB []byte
}

// Result is the score of a pair, or why it has none.
type Result struct {
	Score
	Err error // a *PictureError, or what a server says of the pair; nil: there is a score
}

// Match is a candidate's score. Its Warning is about the candidate.
type Match struct {
	Index int // among the candidates, from 0
	Score
}

// Ranking is candidates by their similarity to a query.
type Ranking struct {
	Matches []Match         // most similar first; equal ones in the order of the call
	Failed  []*PictureError // in the order of the call; Index is that among the candidates
	// Warning is a sentence for people where the query is foreign, so that no
	// similarity means much; empty otherwise.
	Warning string
}

// Embedding is a picture's, or why it has none.
type Embedding struct {
	Values      []float32
	Moved       [][]float32         // of further views, where they were embedded
	Familiarity *client.Familiarity // nil where the model does not tell
	Thumbnail   *imaging.Picture    // where it was asked for
	Err         error               // a *PictureError; nil: there is an embedding
}

// Model is a model that embeds.
type Model struct {
	Name   string // as --model names it
	Card   string // as its card calls it
	Digest string // of its weights: embeddings of two digests can't be compared
	Length int    // of an embedding
	// Threshold is the similarity, 0 to 1, from which images are the same.
	Threshold float32
	// Prepared says how pictures come to the network: embeddings of one digest that
	// were prepared otherwise differ a little.
	Prepared string
}

// PictureError is a picture that can't be used.
type PictureError struct {
	Index int // its place in the call, from 0; of a pair 0 or 1
	Name  string
	Err   error
}

// Error names the picture once.
func (e *PictureError) Error() string {
	text := e.Err.Error()
	if _, named := errors.AsType[*fs.PathError](e.Err); named || strings.HasPrefix(text, e.Name+": ") {
		return text
	}
	return e.Name + ": " + text
}

// Unwrap returns the cause.
func (e *PictureError) Unwrap() error { return e.Err }
