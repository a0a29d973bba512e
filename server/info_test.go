package server_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
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
	checkProto(t, &pb.GetServerInfoResponse{
		Model: &pb.ModelInfo{
			Reference: modelReference, InputHeight: inputSide, InputWidth: inputSide,
			EmbeddingLength: embeddingLength, Threshold: threshold,
			ResizeRule: "shorter side, centre crop", Device: "cpu",
		},
		Limits: &pb.Limits{
			MaxMessageBytes: 16 << 20, MaxImageBytes: 1000, MaxImagePixels: 25_000_000, MaxSideRatio: 20,
			MaxPairs: 5, MaxCandidates: 256, MaxImages: 128, MaxStreamReferences: 16, MaxStreamWindow: 8,
			MaxPixelsInFlight: 200_000_000, MaxQueuedImages: 512, DefaultDeadline: durationpb.New(3 * time.Second),
			ImageFormats: []string{"jpeg", "png", "gif", "bmp", "tiff", "webp"},
		},
		Build: &pb.BuildInfo{Version: "v1", Revision: "abc", GoVersion: "go1", TensorflowVersion: "2"},
	}, got)
}
