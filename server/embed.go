package server

import (
	"context"
	"fmt"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
)

// Embed returns the images' embeddings; an image that fails carries its own
// error.
func (s *service) Embed(ctx context.Context, req *pb.EmbedRequest) (*pb.EmbedResponse, error) {
	c, err := s.begin(&pb.CompareOptions{IncludePrepared: req.GetIncludePrepared(), Model: req.GetModel()})
	if err != nil {
		return nil, err
	}
	if err := fault.CheckCount("images", len(req.GetImages()), s.cfg.MaxImages); err != nil {
		return nil, err
	}
	images := make([]operand, len(req.GetImages()))
	for i, image := range req.GetImages() {
		images[i] = c.operand(fmt.Sprintf("images[%d]", i), image)
	}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	var needed []*member
	for _, image := range images {
		if image.fault == nil {
			needed = append(needed, image.member)
		}
	}
	if err := c.encode(ctx, needed); err != nil {
		return nil, err
	}
	return &pb.EmbedResponse{
		Results:       c.embedResults(images),
		Model:         c.engine.reference(),
		Timings:       c.timings(),
		EncodedImages: uint32(c.images.encoded),
	}, nil
}

func (c *call) embedResults(images []operand) []*pb.EmbedResult {
	results := make([]*pb.EmbedResult, len(images))
	for i, image := range images {
		if err := firstFault(image); err != nil {
			results[i] = &pb.EmbedResult{Outcome: &pb.EmbedResult_Error{Error: fault.Of(err).Item()}}
			continue
		}
		results[i] = &pb.EmbedResult{
			Outcome: &pb.EmbedResult_Embedding{Embedding: &pb.Embedding{
				Values:      image.embedding,
				ModelDigest: c.engine.info.Digest,
			}},
			PreparedPng: image.png,
		}
	}
	return results
}
