package client

import (
	"context"

	siamesev1 "siamese/proto/siamese/v1"
)

// Comparison is the score of one pair.
type Comparison struct {
	// Similarity is 0 to 1, where 1 means the same class.
	Similarity float32
	// Same is the verdict: Similarity >= Threshold.
	Same      bool
	Threshold float32
	// Model is the name of the model that answered.
	Model string
	// PreparedA and PreparedB are the pictures as the network saw them, PNG
	// files; nil unless Options.IncludePrepared.
	PreparedA, PreparedB []byte
}

// Image is one side of a Pair. Exactly one field is set.
type Image struct {
	// Encoded is a JPEG, PNG, WebP, GIF, BMP or TIFF file.
	Encoded []byte
	// Embedding stands for an image that the same model has embedded: nothing is
	// decoded or encoded.
	Embedding *Embedding
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
	Model     string
	// EncodedImages is how many images the encoder ran for this call: the distinct
	// ones that were neither cached nor in flight for another call.
	EncodedImages int
}

// PairResult is the score of a pair of a batch, or why it has none.
type PairResult struct {
	// Similarity is 0 to 1, where 1 means the same class.
	Similarity float32
	// Same is the verdict: Similarity >= BatchComparison.Threshold.
	Same bool
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
	reply, err := c.service.Compare(ctx, &siamesev1.CompareRequest{
		ImageA:  encoded(a),
		ImageB:  encoded(b),
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
		batch.Results[i] = newPairResult(result)
	}
	return batch, nil
}

func newPairResult(result *siamesev1.PairResult) PairResult {
	score := result.GetScore()
	if score == nil {
		return PairResult{Err: newItemError(result.GetError())}
	}
	return PairResult{
		Similarity: score.GetSimilarity(),
		Same:       score.GetSame(),
		PreparedA:  score.GetPreparedAPng(),
		PreparedB:  score.GetPreparedBPng(),
	}
}

func (i Image) proto() *siamesev1.Image {
	if i.Embedding == nil {
		return encoded(i.Encoded)
	}
	return &siamesev1.Image{Source: &siamesev1.Image_Embedding{Embedding: &siamesev1.Embedding{
		Values: i.Embedding.Values, ModelDigest: i.Embedding.ModelDigest,
	}}}
}

// Ranking is a query's candidates, best first.
type Ranking struct {
	Matches []Match
	// Failed holds the candidates without a score by their index.
	Failed    map[int]*Error
	Threshold float32
	Model     string
	// PreparedQuery is the query as the network saw it, a PNG file; nil unless
	// Options.IncludePrepared.
	PreparedQuery []byte
}

// Match is a candidate with its score.
type Match struct {
	// Index is the candidate's place in the call, from 0.
	Index      int
	Similarity float32
	Same       bool
	// Prepared is the candidate as the network saw it, a PNG file; nil unless
	// Options.IncludePrepared.
	Prepared []byte
}

// Rank scores a query against candidates, at most Limits.MaxCandidates; all are
// encoded images. Errors are
// *Error; a candidate that fails is in Ranking.Failed and fails nothing else.
func (c *Client) Rank(ctx context.Context, query []byte, candidates [][]byte, options Options) (Ranking, error) {
	request := &siamesev1.RankRequest{
		Query: encoded(query), Candidates: make([]*siamesev1.Image, len(candidates)), Options: options.proto(),
	}
	for i, candidate := range candidates {
		request.Candidates[i] = encoded(candidate)
	}
	reply, err := c.service.Rank(ctx, request)
	if err != nil {
		return Ranking{}, newError(err)
	}
	ranking := Ranking{
		Matches:   make([]Match, 0, len(reply.GetRanked())),
		Failed:    make(map[int]*Error),
		Threshold: reply.GetThreshold(),
		Model:     reply.GetModel().GetName(),

		PreparedQuery: reply.GetPreparedQueryPng(),
	}
	for _, ranked := range reply.GetRanked() {
		ranking.Matches = append(ranking.Matches, Match{
			Index:      int(ranked.GetIndex()),
			Similarity: ranked.GetSimilarity(),
			Same:       ranked.GetSame(),
			Prepared:   ranked.GetPreparedPng(),
		})
	}
	for _, failed := range reply.GetErrors() {
		ranking.Failed[int(failed.GetIndex())] = newItemError(failed.GetError())
	}
	return ranking, nil
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
	Model   string
	// EncodedImages is how many images the encoder ran for this call: the distinct
	// ones that were neither cached nor in flight for another call.
	EncodedImages int
}

// EmbedResult is the embedding of an image, or why it has none.
type EmbedResult struct {
	Embedding Embedding
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
	request := &siamesev1.EmbedRequest{
		Images:          make([]*siamesev1.Image, len(images)),
		IncludePrepared: options.IncludePrepared,
		Model:           options.Model,
	}
	for i, image := range images {
		request.Images[i] = encoded(image)
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
	}
}
