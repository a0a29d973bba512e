package server

import (
	"context"
	"fmt"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// Embed returns the images' embeddings; an image that fails carries its own
// error.
func (s *service) Embed(ctx context.Context, req *pb.EmbedRequest) (*pb.EmbedResponse, error) {
	c, err := s.begin(ctx, &pb.CompareOptions{IncludePrepared: req.GetIncludePrepared(), Model: req.GetModel()})
	if err != nil {
		return nil, err
	}
	defer c.end()
	if err := fault.CheckCount("images", len(req.GetImages()), s.cfg.MaxImages); err != nil {
		return nil, err
	}
	images := make([]wire.Operand, len(req.GetImages()))
	for i, image := range req.GetImages() {
		images[i] = c.add(fmt.Sprintf("images[%d]", i), image)
	}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	var needed []*infer.Image
	for _, image := range images {
		if image.Fault() == nil {
			needed = append(needed, image.Image)
		}
	}
	if err := c.images.Encode(ctx, needed); err != nil {
		return nil, err
	}
	return &pb.EmbedResponse{
		Results:       c.embedResults(images),
		Model:         c.embeddedBy(needed),
		Timings:       c.timings(),
		EncodedImages: uint32(c.images.Encoded()),
	}, nil
}

// embeddedBy is the model that made the embeddings: where several did, that of the
// first; where there is none, the one that is tried first.
func (c *call) embeddedBy(images []*infer.Image) *pb.ModelReference {
	if len(images) == 0 {
		return c.reference()
	}
	return wire.ModelReference(images[0].Best().Info())
}

func (c *call) embedResults(images []wire.Operand) []*pb.EmbedResult {
	results := make([]*pb.EmbedResult, len(images))
	for i, image := range images {
		if f := wire.FirstFault(image); f != nil {
			results[i] = &pb.EmbedResult{Outcome: &pb.EmbedResult_Error{Error: f.Item()}}
			continue
		}
		best := image.Best()
		results[i] = &pb.EmbedResult{
			Outcome: &pb.EmbedResult_Embedding{Embedding: &pb.Embedding{
				Values:      best.Embedding(),
				ModelDigest: best.Info().Digest,
			}},
			PreparedPng: best.PNG(),
			Familiarity: wire.Familiarity(best),
			Warning:     wire.Warning(wire.Image, best),
		}
	}
	return results
}
