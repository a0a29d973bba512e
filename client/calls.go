package client

import (
	"cmp"
	"context"

	siamesev1 "siamese/proto/siamese/v1"
)

// Familiarity is how like the pictures that a model knows an image is to it. It
// tells a drawing from a photograph, noise or a blank frame from either; it can't
// tell whether a similarity is right.
type Familiarity struct {
	// Value is the share, 0 to 1, of pictures such as those that the model was made
	// for that are less familiar to it than this image.
	Value float32 `json:"value"`
	// Foreign reports whether Value is below the model's bound: similarities of this
	// image mean little then.
	Foreign bool `json:"foreign"`
}

// newFamiliarity is nil where the server tells none.
func newFamiliarity(familiarity *siamesev1.Familiarity) *Familiarity {
	if familiarity == nil {
		return nil
	}
	return &Familiarity{Value: familiarity.GetValue(), Foreign: familiarity.GetForeign()}
}

// Comparison is the score of one pair.
type Comparison struct {
	// Similarity is 0 to 1, where 1 means the same class.
	Similarity float32
	// Same is the verdict: Similarity >= Threshold.
	Same      bool
	Threshold float32
	// Model is the name of the model that answered (ModelInfo.Name).
	Model string
	// FamiliarityA and FamiliarityB are how familiar the images are to the model; nil
	// where it does not tell.
	FamiliarityA, FamiliarityB *Familiarity
	// Warning is a sentence for people where the similarity means little, since an
	// image is foreign to the model; empty otherwise.
	Warning string
	// PreparedA and PreparedB are the pictures as the network saw them, PNG
	// files; nil unless Options.IncludePrepared.
	PreparedA, PreparedB []byte
}

// Pair is two images to compare. Their order does not matter.
type Pair struct {
	A, B Image
}

// BatchComparison is the scores of many pairs.
type BatchComparison struct {
	// Results has one result for each pair, in the order of the call.
	Results   []PairResult
	Threshold float32
	// Model is the name of the model that answered; see PairResult.Model.
	Model string
	// EncodedImages is how many images the encoder ran for this call: the distinct
	// ones that were neither cached nor in flight for another call.
	EncodedImages int
}

// PairResult is the score of a pair of a batch, or why it has none.
type PairResult struct {
	// Similarity is 0 to 1, where 1 means the same class.
	Similarity float32
	// Same is the verdict: Similarity >= BatchComparison.Threshold. Where another
	// model than BatchComparison.Model answered and the caller set no threshold, that
	// model's own counts instead.
	Same bool
	// Model is the name of the model that answered this pair.
	Model string
	// FamiliarityA and FamiliarityB are how familiar the images are to the model; nil
	// where it does not tell.
	FamiliarityA, FamiliarityB *Familiarity
	// Warning is a sentence for people where the similarity means little, since an
	// image is foreign to the model; empty otherwise.
	Warning string
	// PreparedA and PreparedB are the pictures as the network saw them, PNG
	// files; nil unless Options.IncludePrepared.
	PreparedA, PreparedB []byte
	// Err is why the pair has no score; nil where it has one.
	Err *Error
}

// Compare scores two encoded images (JPEG, PNG, WebP, GIF, BMP or TIFF files).
// Errors are *Error; its Field is "image_a" or "image_b" where one of them is at
// fault.
func (c *Client) Compare(ctx context.Context, a, b []byte, options Options) (Comparison, error) {
	return c.CompareImages(ctx, encodedImage(a), encodedImage(b), options)
}

// CompareImages is [Client.Compare] of images of any kind.
func (c *Client) CompareImages(ctx context.Context, a, b Image, options Options) (Comparison, error) {
	reply, err := c.service.Compare(ctx, &siamesev1.CompareRequest{
		ImageA:  a.proto(),
		ImageB:  b.proto(),
		Options: options.proto(),
	})
	if err != nil {
		return Comparison{}, newError(err)
	}
	return Comparison{
		Similarity: reply.GetSimilarity(),
		Same:       reply.GetSame(),
		Threshold:  reply.GetThreshold(),
		Model:      reply.GetModel().GetName(),
		PreparedA:  reply.GetPreparedAPng(),
		PreparedB:  reply.GetPreparedBPng(),

		FamiliarityA: newFamiliarity(reply.GetFamiliarityA()),
		FamiliarityB: newFamiliarity(reply.GetFamiliarityB()),
		Warning:      reply.GetWarning(),
	}, nil
}

// BatchCompare scores pairs, at most Limits.MaxPairs. An image that is in several
// pairs is encoded once. Errors are *Error; a pair that fails has its own in
// PairResult.Err and fails nothing else.
func (c *Client) BatchCompare(ctx context.Context, pairs []Pair, options Options) (BatchComparison, error) {
	request := &siamesev1.BatchCompareRequest{Pairs: make([]*siamesev1.ImagePair, len(pairs)), Options: options.proto()}
	for i, pair := range pairs {
		request.Pairs[i] = &siamesev1.ImagePair{ImageA: pair.A.proto(), ImageB: pair.B.proto()}
	}
	reply, err := c.service.BatchCompare(ctx, request)
	if err != nil {
		return BatchComparison{}, newError(err)
	}
	batch := BatchComparison{
		Results:       make([]PairResult, len(reply.GetResults())),
		Threshold:     reply.GetThreshold(),
		Model:         reply.GetModel().GetName(),
		EncodedImages: int(reply.GetEncodedImages()),
	}
	for i, result := range reply.GetResults() {
		batch.Results[i] = newPairResult(result, batch.Model)
	}
	return batch, nil
}

// newPairResult names the batch's model where the pair names none of its own.
func newPairResult(result *siamesev1.PairResult, model string) PairResult {
	score := result.GetScore()
	if score == nil {
		return PairResult{Err: newItemError(result.GetError())}
	}
	return PairResult{
		Similarity: score.GetSimilarity(),
		Same:       score.GetSame(),
		Model:      answeredBy(score.GetModel(), model),
		PreparedA:  score.GetPreparedAPng(),
		PreparedB:  score.GetPreparedBPng(),

		FamiliarityA: newFamiliarity(score.GetFamiliarityA()),
		FamiliarityB: newFamiliarity(score.GetFamiliarityB()),
		Warning:      score.GetWarning(),
	}
}

// answeredBy names the model that answered one item: its own, where it is another
// than that of the whole reply.
func answeredBy(own *siamesev1.ModelReference, whole string) string {
	return cmp.Or(own.GetName(), whole)
}

// Embedding is what a model's encoder makes of an image. It stands for the image
// in calls ([Image]), and means something only to the model that made it.
type Embedding struct {
	// Values are ModelInfo.EmbeddingLength finite numbers, most of them 0.
	Values []float32
	// ModelDigest is ModelInfo.Digest of the model that made it. A server with
	// another model refuses it: MODEL_MISMATCH.
	ModelDigest string
}

// Embeddings is what became of the images of an Embed.
type Embeddings struct {
	// Results has one result for each image, in the order of the call.
	Results []EmbedResult
	// Model is the name of the model that made them; with "auto" each says by
	// Embedding.ModelDigest which did.
	Model string
	// EncodedImages is how many images the encoder ran for this call: the distinct
	// ones that were neither cached nor in flight for another call.
	EncodedImages int
}

// EmbedResult is the embedding of an image, or why it has none.
type EmbedResult struct {
	Embedding Embedding
	// Familiarity is how familiar the image is to the model; nil where it does not
	// tell.
	Familiarity *Familiarity
	// Warning is a sentence for people where the image is foreign to the model; empty
	// otherwise.
	Warning string
	// Prepared is the image as the network saw it, a PNG file; nil unless
	// Options.IncludePrepared.
	Prepared []byte
	// Err is why there is no embedding; nil where there is one.
	Err *Error
}

// Embed returns the embeddings of encoded images, at most Limits.MaxImages.
// Options.Threshold has no effect. Errors are *Error; an image that fails has its
// own in EmbedResult.Err and fails nothing else.
func (c *Client) Embed(ctx context.Context, images [][]byte, options Options) (Embeddings, error) {
	all := make([]Image, len(images))
	for i, image := range images {
		all[i] = encodedImage(image)
	}
	return c.EmbedImages(ctx, all, options)
}

// EmbedImages is [Client.Embed] of images of any kind.
func (c *Client) EmbedImages(ctx context.Context, images []Image, options Options) (Embeddings, error) {
	request := &siamesev1.EmbedRequest{
		Images:          make([]*siamesev1.Image, len(images)),
		IncludePrepared: options.IncludePrepared,
		Model:           options.Model,
	}
	for i, image := range images {
		request.Images[i] = image.proto()
	}
	reply, err := c.service.Embed(ctx, request)
	if err != nil {
		return Embeddings{}, newError(err)
	}
	embeddings := Embeddings{
		Results:       make([]EmbedResult, len(reply.GetResults())),
		Model:         reply.GetModel().GetName(),
		EncodedImages: int(reply.GetEncodedImages()),
	}
	for i, result := range reply.GetResults() {
		embeddings.Results[i] = newEmbedResult(result)
	}
	return embeddings, nil
}

func newEmbedResult(result *siamesev1.EmbedResult) EmbedResult {
	embedding := result.GetEmbedding()
	if embedding == nil {
		return EmbedResult{Err: newItemError(result.GetError())}
	}
	return EmbedResult{
		Embedding: Embedding{Values: embedding.GetValues(), ModelDigest: embedding.GetModelDigest()},
		Prepared:  result.GetPreparedPng(),

		Familiarity: newFamiliarity(result.GetFamiliarity()),
		Warning:     result.GetWarning(),
	}
}
