package server

import (
	"context"

	"google.golang.org/protobuf/types/known/durationpb"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// GetServerInfo tells the model, all models, the limits, who may call, and the build.
func (s *service) GetServerInfo(_ context.Context, req *pb.GetServerInfoRequest) (*pb.GetServerInfoResponse, error) {
	model, err := s.registry.Acquire(req.GetModel())
	if err != nil {
		return nil, err
	}
	defer model.Release()
	catalogue := s.registry.Catalogue()
	var models []*pb.ModelInfo
	for _, info := range catalogue.Models {
		models = append(models, describe(info))
	}
	return &pb.GetServerInfoResponse{
		Model:        describe(model.Info()),
		Models:       models,
		DefaultModel: catalogue.Default,
		AutoModels:   catalogue.Auto,
		Galleries:    s.cfg.Galleries != nil,
		Limits:       s.cfg.describe(),
		Access:       s.describeAccess(),
		Build: &pb.BuildInfo{
			Version:           s.cfg.Build.Version,
			Revision:          s.cfg.Build.Revision,
			GoVersion:         s.cfg.Build.GoVersion,
			TensorflowVersion: s.cfg.Build.TensorFlowVersion,
		},
	}, nil
}

func describe(info infer.ModelInfo) *pb.ModelInfo {
	described := &pb.ModelInfo{
		Reference:       wire.ModelReference(info),
		InputHeight:     uint32(info.Height),
		InputWidth:      uint32(info.Width),
		EmbeddingLength: uint32(info.EmbeddingLength),
		Threshold:       info.Threshold,
		ResizeRule:      info.ResizeRule,
		Device:          info.Device,
		Precision:       info.Precision,
		ServingName:     info.ServingName,
		Title:           info.Title,
		Knows:           info.Knows,
	}
	if info.Familiarity != nil {
		described.FamiliarityBound = info.Familiarity.Bound()
	}
	return described
}

func (c Config) describe() *pb.Limits {
	var formats []string
	for _, format := range imaging.Formats() {
		formats = append(formats, string(format))
	}
	return &pb.Limits{
		MaxMessageBytes:     uint64(c.MaxMessageBytes),
		MaxImageBytes:       uint64(c.Limits.MaxBytes),
		MaxImagePixels:      uint64(c.Limits.MaxPixels),
		MaxSideRatio:        uint32(c.Limits.MaxSideRatio),
		MaxPairs:            uint32(c.MaxPairs),
		MaxCandidates:       uint32(c.MaxCandidates),
		MaxImages:           uint32(c.MaxImages),
		MaxTestTimeViews:    uint32(c.MaxTestTimeViews),
		MaxStreamReferences: uint32(c.MaxStreamReferences),
		MaxStreamWindow:     uint32(c.MaxStreamWindow),
		MaxStreams:          uint32(c.MaxStreams),
		MaxCalls:            uint32(c.MaxCalls),
		MemoryBytes:         uint64(c.MemoryBytes),
		MaxQueuedImages:     uint32(c.MaxQueuedImages),
		DefaultDeadline:     durationpb.New(c.DefaultDeadline),
		MaxDeadline:         durationpb.New(c.MaxDeadline),
		ImageFormats:        formats,
	}
}

// describeAccess tells what is asked of a caller, and what it may ask.
func (s *Server) describeAccess() *pb.Access {
	limits := s.gate.Limits()
	return &pb.Access{
		TokenNeeded:     s.cfg.Tokens != nil,
		CallsPerSecond:  limits.CallsPerSecond,
		Burst:           uint32(limits.Burst),
		ConcurrentCalls: uint32(limits.Calls),
	}
}
