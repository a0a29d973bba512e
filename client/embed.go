package client

import (
	"context"

	siamesev1 "siamese/proto/siamese/v1"
)

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
