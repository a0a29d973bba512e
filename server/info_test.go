package server_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/access"
)

func TestGetServerInfoTellsTheLimitsInForce(t *testing.T) {
	r := serve(t, server.Config{
		MaxPairs:        5,
		Limits:          imaging.Limits{MaxBytes: 1000},
		DefaultDeadline: 3 * time.Second,
		Build:           server.BuildInfo{Version: "v1", Revision: "abc", GoVersion: "go1", TensorFlowVersion: "2"},
	}, &fakeModel{})
	got, err := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{})
	if err != nil {
		t.Fatal(err)
	}
	model := &pb.ModelInfo{
		Reference: modelReference, InputHeight: inputSide, InputWidth: inputSide,
		EmbeddingLength: embeddingLength, Threshold: threshold,
		ResizeRule: "shorter side, centre crop", Device: "cpu", Precision: "float32", ServingName: "fake",
	}
	checkProto(t, &pb.GetServerInfoResponse{
		Model: model, Models: []*pb.ModelInfo{model}, DefaultModel: "fake",
		Limits: &pb.Limits{
			MaxMessageBytes: 16 << 20, MaxImageBytes: 1000, MaxImagePixels: 25_000_000, MaxSideRatio: 20,
			MaxPairs: 5, MaxCandidates: 256, MaxImages: 128, MaxTestTimeViews: 16, MaxStreamReferences: 16, MaxStreamWindow: 8, MaxStreams: 256, MaxCalls: 512,
			MemoryBytes: 1 << 30, MaxQueuedImages: 512, DefaultDeadline: durationpb.New(3 * time.Second), MaxDeadline: durationpb.New(5 * time.Minute),
			ImageFormats: []string{"jpeg", "png", "gif", "bmp", "tiff", "webp", "pnm", "heic", "avif"},
		},
		Build:  &pb.BuildInfo{Version: "v1", Revision: "abc", GoVersion: "go1", TensorflowVersion: "2"},
		Access: &pb.Access{},
	}, got)
}

func TestGetServerInfoTellsWhatACallerMay(t *testing.T) {
	tests := []struct {
		name string
		give access.Limits
		want *pb.Access
	}{
		{"nothing bounded", access.Limits{}, &pb.Access{TokenNeeded: true}},
		{"default burst", access.Limits{CallsPerSecond: 2.5}, &pb.Access{TokenNeeded: true, CallsPerSecond: 2.5, Burst: 3}},
		{"all", access.Limits{CallsPerSecond: 2.5, Burst: 7, Calls: 4}, &pb.Access{TokenNeeded: true, CallsPerSecond: 2.5, Burst: 7, ConcurrentCalls: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := serve(t, server.Config{Tokens: newTokenBook(), CallerLimits: tt.give}, &fakeModel{})
			got, err := r.GetServerInfo(as(t.Context(), "a-token"), &pb.GetServerInfoRequest{})
			if err != nil {
				t.Fatal(err)
			}
			checkProto(t, tt.want, got.GetAccess())
		})
	}
}
