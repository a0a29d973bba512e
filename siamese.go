// Package siamese says how alike two images are, in this process: it opens a
// model and compares, ranks and embeds images without a server.
//
//	model, err := siamese.Open(ctx, "", siamese.Options{}) // the built-in model for pictures
//	if err != nil {
//		return err
//	}
//	defer model.Close()
//	result, err := model.Compare(ctx, siamese.File("a.png"), siamese.File("b.jpg"))
//
// It runs TensorFlow through cgo. Programs that ask a server instead use package
// client, which needs no TensorFlow.
package siamese

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"siamese/imaging"
	"siamese/imaging/views"
	"siamese/tfmodel"
)

// Options say how a model is opened. The zero value is usable.
type Options struct {
	// Run says where the network is computed, and how. Zero: on the first GPU,
	// else on the CPU, in float32.
	Run tfmodel.Options
	// Cache is the folder that weight files are unpacked to while they are loaded.
	// Nothing stays in it. Empty: the system's temporary folder, and where that
	// can't be written the user's cache folder.
	Cache string
	// Log takes warnings about the cache. Nil: discards them.
	Log *slog.Logger
	// Threshold is the similarity, 0 to 1, from which images are the same. Nil:
	// the model's own.
	Threshold *float32
	// TestTimeViews is how many views of a picture are scored, up to 16, the mean of which
	// is the similarity: the picture itself and small shifts, turns and scales of it, each
	// of which costs another encoding. Compare scores every view of either image with the
	// other image as it is, Rank those of the query. 0 or 1: the picture alone.
	TestTimeViews int
	// Rule, Alpha and Limits say how images are prepared. Zero: the shorter side
	// fits, transparency becomes white, DefaultLimits; so are zero fields of Limits.
	Rule   imaging.Rule
	Alpha  imaging.Alpha
	Limits imaging.Limits
}

// What a picture of one's own may cost: the largest that cameras and phones make.
const (
	defaultMaxBytes  = 128 << 20
	defaultMaxPixels = 256_000_000
)

// DefaultLimits bound images where Options.Limits does not: files of 128 MiB and 256
// megapixels. A server, whose callers are strangers, has smaller ones of its own.
func DefaultLimits() imaging.Limits { return withDefaults(imaging.Limits{}) }

// withDefaults fills in what limits leave open. Memory follows the pixels.
func withDefaults(limits imaging.Limits) imaging.Limits {
	limits.MaxBytes = cmp.Or(limits.MaxBytes, defaultMaxBytes)
	limits.MaxPixels = cmp.Or(limits.MaxPixels, defaultMaxPixels)
	limits.MaxDecodeBytes = cmp.Or(limits.MaxDecodeBytes, max(imaging.DefaultMaxDecodeBytes,
		imaging.DefaultMaxDecodeBytes/imaging.DefaultMaxPixels*int64(limits.MaxPixels)))
	return limits
}

// Model is an open model. Its methods are safe for concurrent use, with each
// other and with Close.
type Model struct {
	network   *tfmodel.Model
	preparer  *imaging.Preparer
	threshold float32
	views     int // of a picture, from 1
}

// Open opens a model: a built-in one by its name, "general" (for pictures; also "") or
// "omniglot" (for handwriting), or by its path a SavedModel folder, a folder of numbered
// versions, or a weight file (safetensors or Keras HDF5). Open returns when the model is warm and its golden pairs hold.
// The caller closes the model. Errors about the model wrap tfmodel.ErrModel.
func Open(ctx context.Context, path string, options Options) (*Model, error) {
	if t := options.Threshold; t != nil && !(*t >= 0 && *t <= 1) {
		return nil, fmt.Errorf("threshold: received %v, expected 0 to 1", *t)
	}
	if n := options.TestTimeViews; n < 0 || n > views.Most {
		return nil, fmt.Errorf("test-time views: received %d, expected 0 to %d", n, views.Most)
	}
	network, err := tfmodel.Scratch{Dir: options.Cache, Log: options.Log}.Open(ctx, path, options.Run)
	if err != nil {
		return nil, err
	}
	card := network.Card()
	m := &Model{network: network, threshold: float32(card.Threshold), views: max(options.TestTimeViews, 1)}
	if options.Threshold != nil {
		m.threshold = *options.Threshold
	}
	m.preparer, err = imaging.New(imaging.Config{
		Width: card.Architecture.Width, Height: card.Architecture.Height,
		Rule: options.Rule, Alpha: options.Alpha, Limits: withDefaults(options.Limits),
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("model's input: %w", err), network.Close())
	}
	return m, nil
}

// Close waits for the calls in flight and gives the model's memory back. Later
// calls fail. Closing twice is harmless.
func (m *Model) Close() error { return m.network.Close() }

// Name is the model's name.
func (m *Model) Name() string { return m.network.Card().Name }

// Digest identifies the model's weights. Embeddings of different digests can't be
// compared.
func (m *Model) Digest() string { return m.network.Card().Weights.Digest }

// Threshold is the similarity, 0 to 1, from which images are called the same.
func (m *Model) Threshold() float32 { return m.threshold }

// Title says in a word or two what the model is for; it may be empty.
func (m *Model) Title() string { return m.network.Card().Title }

// Knows says in a sentence or two what the model knows; it may be empty.
func (m *Model) Knows() string { return m.network.Card().Knows }

// Familiarity is how like the pictures that a model knows an image is to it. It tells
// a drawing from a photograph, noise or a blank frame from either; it can't tell
// whether a similarity is right.
type Familiarity struct {
	// Value is the share, 0 to 1, of pictures such as those that the model was made
	// for that are less familiar to it than this image. NaN where the model does not
	// tell. Of an embedded image it is told by the embedding alone, which knows less.
	Value float32
	// Bound is the model's: below it an image is foreign. 0 where it does not tell.
	Bound float32
	// Foreign reports whether Value is below Bound: similarities of this image mean
	// little then.
	Foreign bool
}

// Result is the comparison of two images.
type Result struct {
	// Similarity is in 0..1, the higher the more alike.
	Similarity float32
	// Same reports whether Similarity is at least the model's Threshold.
	Same bool
	// A and B are how familiar the images are to the model.
	A, B Familiarity
}

// Compare compares two images. The similarity is the same for (a, b) and (b, a).
// It returns an *ImageError for an image that can't be used, with index 0 or 1.
// ctx is checked before the network runs and not while it runs.
func (m *Model) Compare(ctx context.Context, a, b Image) (Result, error) {
	prepared, err := m.prepareAll(a, b)
	if err != nil {
		return Result{}, err
	}
	encoded, err := m.encodeViews(ctx, prepared, len(prepared))
	if err != nil {
		return Result{}, err
	}
	similarity, err := m.comparePair(ctx, encoded[0], encoded[1])
	if err != nil {
		return Result{}, err
	}
	return m.result(similarity, m.familiarity(prepared[0], encoded[0].own), m.familiarity(prepared[1], encoded[1].own)), nil
}

func (m *Model) result(similarity float32, a, b Familiarity) Result {
	return Result{Similarity: similarity, Same: similarity >= m.threshold, A: a, B: b}
}

// familiarity is how familiar a prepared image is that has been encoded.
func (m *Model) familiarity(image Image, embedding []float32) Familiarity {
	if image.known != nil {
		return *image.known
	}
	var pixels []byte
	if image.picture != nil {
		pixels = image.picture.Pix
	}
	value, bound, ok := m.network.Familiarity(pixels, embedding)
	if !ok {
		return Familiarity{Value: float32(math.NaN())}
	}
	return Familiarity{Value: float32(value), Bound: float32(bound), Foreign: value < bound}
}

// Match is a candidate's place in a ranking.
type Match struct {
	// Index is the candidate's place in the call, from 0.
	Index int
	// Result is the comparison of the query, A, and the candidate, B.
	Result
}

// Ranking holds candidates by how alike they are to a query. The caller owns it.
type Ranking struct {
	// Matches are the candidates, most similar first; equal ones keep the order
	// of the call.
	Matches []Match
	// Failed are the candidates that can't be used, in the order of the call.
	Failed []*ImageError
}

// Rank compares a query with candidates; each image is encoded once, and the query's
// further views where Options asks for them. A candidate
// that can't be used is left out of the matches and told in Failed. A query that
// can't be used is an *ImageError with index 0. ctx is treated as by Compare.
func (m *Model) Rank(ctx context.Context, query Image, candidates []Image) (Ranking, error) {
	images, err := m.prepareAll(query)
	if err != nil {
		return Ranking{}, err
	}
	var ranking Ranking
	for i, candidate := range candidates {
		prepared, err := m.prepareAll(candidate)
		if failure, ok := errors.AsType[*ImageError](err); ok {
			ranking.Failed = append(ranking.Failed, &ImageError{Index: i, Err: failure.Err})
			continue
		}
		images = append(images, prepared[0])
		ranking.Matches = append(ranking.Matches, Match{Index: i})
	}
	if len(ranking.Matches) == 0 {
		return ranking, nil
	}
	encoded, err := m.encodeViews(ctx, images, 1)
	if err != nil {
		return Ranking{}, err
	}
	similarities, err := m.compareQuery(ctx, encoded[0], encoded[1:])
	if err != nil {
		return Ranking{}, err
	}
	asked := m.familiarity(images[0], encoded[0].own)
	for i, similarity := range similarities {
		ranking.Matches[i].Result = m.result(similarity, asked, m.familiarity(images[i+1], encoded[i+1].own))
	}
	slices.SortStableFunc(ranking.Matches, func(a, b Match) int { return cmp.Compare(b.Similarity, a.Similarity) })
	return ranking, nil
}

// Encoded is an image that a model has encoded. It is safe for concurrent use.
type Encoded struct {
	// Embedding is as Model.Embed returns it. It must not be changed.
	Embedding []float32
	// Familiarity is how familiar the image is to the model.
	Familiarity Familiarity

	moved [][]float32 // embeddings of further views
}

// Image is the image to compare, rank and embed by the same model: it is not encoded
// again, and its familiarity stays what it is, which Embedded of the embedding alone
// does not promise. Of an image that EncodeViews has encoded all views are compared.
func (e Encoded) Image() Image {
	return Image{embedding: e.Embedding, moved: e.moved, known: &e.Familiarity}
}

// Moved returns the embeddings of the further views that EncodeViews has encoded, each as
// long as Embedding, for gallery.Search.Moved; empty: there are none. They must not be changed.
func (e Encoded) Moved() [][]float32 { return e.moved }

// Encode encodes images, for comparing each of them more than once: as it is, whatever
// Options.TestTimeViews says. Otherwise it is as Embed.
func (m *Model) Encode(ctx context.Context, images ...Image) ([]Encoded, error) {
	return m.encodeFor(ctx, images, 0)
}

// EncodeViews is Encode of as many views of each picture as Options.TestTimeViews says.
func (m *Model) EncodeViews(ctx context.Context, images ...Image) ([]Encoded, error) {
	return m.encodeFor(ctx, images, len(images))
}

// encodeFor encodes images, the first ones in all their views.
func (m *Model) encodeFor(ctx context.Context, images []Image, varied int) ([]Encoded, error) {
	prepared, err := m.prepareAll(images...)
	if err != nil {
		return nil, err
	}
	made, err := m.encodeViews(ctx, prepared, varied)
	if err != nil {
		return nil, err
	}
	encoded := make([]Encoded, len(images))
	for i, of := range made {
		encoded[i] = Encoded{Embedding: of.own, Familiarity: m.familiarity(prepared[i], of.own), moved: of.moved}
	}
	return encoded, nil
}

// Embed encodes images: one embedding each, float32 of the model's embedding
// length, most of its values 0. The caller owns them; as Embedded they can be
// compared again without another encoding. It returns an *ImageError for the first
// image that can't be used. ctx is treated as by Compare.
func (m *Model) Embed(ctx context.Context, images ...Image) ([][]float32, error) {
	prepared, err := m.prepareAll(images...)
	if err != nil {
		return nil, err
	}
	return m.encode(ctx, prepared)
}

// encode is Embed of images that are prepared.
func (m *Model) encode(ctx context.Context, prepared []Image) ([][]float32, error) {
	embeddings := make([][]float32, len(prepared))
	var pixels []byte
	for i, image := range prepared {
		if embeddings[i] = slices.Clone(image.embedding); image.picture != nil {
			pixels = append(pixels, image.picture.Pix...)
		}
	}
	if len(pixels) == 0 {
		return embeddings, nil
	}
	encoded, err := m.network.Encode(ctx, pixels)
	if err != nil {
		return nil, err
	}
	length := m.EmbeddingLength()
	for i, image := range prepared {
		if image.picture != nil {
			embeddings[i], encoded = encoded[:length:length], encoded[length:]
		}
	}
	return embeddings, nil
}

// EmbeddingLength is how many numbers an embedding has.
func (m *Model) EmbeddingLength() int { return m.network.Card().Architecture.EmbeddingLength() }
