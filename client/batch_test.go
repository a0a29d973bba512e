package client_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"siamese/client"
	siamesev1 "siamese/proto/siamese/v1"
)

// failed is an item's error on the wire and as the client tells it.
var (
	failed = &siamesev1.ItemError{Code: 3, Reason: "IMAGE_SHAPE", Message: "thin", Field: "images[1]"}
	thin   = &client.Error{Code: codes.InvalidArgument, Reason: "IMAGE_SHAPE", Message: "thin", Field: "images[1]"}
)

// strange and known are familiarities on the wire and as the client tells them.
var (
	strange, known     = &siamesev1.Familiarity{Value: 0.001, Foreign: true}, &siamesev1.Familiarity{Value: 0.5}
	isStrange, isKnown = &client.Familiarity{Value: 0.001, Foreign: true}, &client.Familiarity{Value: 0.5}
)

func encodedImage(text string) *siamesev1.Image {
	return &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: []byte(text)}}
}

func TestBatchCompare(t *testing.T) {
	embedding := client.Embedding{Values: []float32{0, 0.5}, ModelDigest: "d1"}
	c := connect(t, &stub{batch: func(request *siamesev1.BatchCompareRequest) (*siamesev1.BatchCompareResponse, error) {
		want := &siamesev1.BatchCompareRequest{
			Pairs: []*siamesev1.ImagePair{
				{ImageA: encodedImage("a"), ImageB: encodedImage("b")},
				{ImageA: encodedImage("a"), ImageB: &siamesev1.Image{Source: &siamesev1.Image_Embedding{
					Embedding: &siamesev1.Embedding{Values: []float32{0, 0.5}, ModelDigest: "d1"},
				}}},
			},
			Options: &siamesev1.CompareOptions{IncludePrepared: true},
		}
		if diff := cmp.Diff(want, request, protocmp.Transform()); diff != "" {
			t.Errorf("server received (-want +got):\n%s", diff)
		}
		return &siamesev1.BatchCompareResponse{
			Results: []*siamesev1.PairResult{
				{Outcome: &siamesev1.PairResult_Score{Score: &siamesev1.PairScore{Similarity: 0.75, Same: true, PreparedAPng: []byte("png a"), PreparedBPng: []byte("png b")}}},
				{Outcome: &siamesev1.PairResult_Score{Score: &siamesev1.PairScore{
					FamiliarityA: strange, FamiliarityB: known, Warning: "a is strange", Model: &siamesev1.ModelReference{Name: "other"},
				}}},
				{Outcome: &siamesev1.PairResult_Error{Error: failed}},
			},
			Threshold: 0.5, Model: &siamesev1.ModelReference{Name: "model"}, EncodedImages: 2,
		}, nil
	}})
	got, err := c.BatchCompare(t.Context(), []client.Pair{
		{A: client.Image{Encoded: []byte("a")}, B: client.Image{Encoded: []byte("b")}},
		{A: client.Image{Encoded: []byte("a")}, B: client.Image{Embedding: &embedding}},
	}, client.Options{IncludePrepared: true})
	if err != nil {
		t.Fatal(err)
	}
	want := client.BatchComparison{
		Results: []client.PairResult{
			{Similarity: 0.75, Same: true, Model: "model", PreparedA: []byte("png a"), PreparedB: []byte("png b")},
			{Model: "other", FamiliarityA: isStrange, FamiliarityB: isKnown, Warning: "a is strange"},
			{Err: thin},
		},
		Threshold: 0.5, Model: "model", EncodedImages: 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("BatchCompare (-want +got):\n%s", diff)
	}
}

func TestEmbed(t *testing.T) {
	c := connect(t, &stub{embed: func(request *siamesev1.EmbedRequest) (*siamesev1.EmbedResponse, error) {
		want := &siamesev1.EmbedRequest{Images: []*siamesev1.Image{encodedImage("a"), encodedImage("thin")}, IncludePrepared: true, Model: "2"}
		if diff := cmp.Diff(want, request, protocmp.Transform()); diff != "" {
			t.Errorf("server received (-want +got):\n%s", diff)
		}
		return &siamesev1.EmbedResponse{
			Results: []*siamesev1.EmbedResult{
				{Outcome: &siamesev1.EmbedResult_Embedding{Embedding: &siamesev1.Embedding{Values: []float32{0, 0.5}, ModelDigest: "d1"}}, PreparedPng: []byte("png"), Familiarity: strange, Warning: "it is strange"},
				{Outcome: &siamesev1.EmbedResult_Error{Error: failed}},
			},
			Model: &siamesev1.ModelReference{Name: "model"}, EncodedImages: 1,
		}, nil
	}})
	got, err := c.Embed(t.Context(), [][]byte{[]byte("a"), []byte("thin")}, client.Options{IncludePrepared: true, Model: "2"})
	if err != nil {
		t.Fatal(err)
	}
	want := client.Embeddings{
		Results: []client.EmbedResult{
			{Embedding: client.Embedding{Values: []float32{0, 0.5}, ModelDigest: "d1"}, Prepared: []byte("png"), Familiarity: isStrange, Warning: "it is strange"},
			{Err: thin},
		},
		Model: "model", EncodedImages: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Embed (-want +got):\n%s", diff)
	}
}

func TestServerInfo(t *testing.T) {
	c := connect(t, &stub{info: func(request *siamesev1.GetServerInfoRequest) (*siamesev1.GetServerInfoResponse, error) {
		if request.GetModel() != "canary" {
			t.Errorf("server was asked about %q, want canary", request.GetModel())
		}
		return &siamesev1.GetServerInfoResponse{
			Models: []*siamesev1.ModelInfo{
				{Reference: &siamesev1.ModelReference{Name: "siamese-general"}, ServingName: "general", Title: "Pictures", Knows: "Photographs.", FamiliarityBound: 0.02},
				{Reference: &siamesev1.ModelReference{Name: "siamese-omniglot"}, ServingName: "omniglot"},
			},
			DefaultModel: "auto", AutoModels: []string{"general", "omniglot"}, Galleries: true,
			Model: &siamesev1.ModelInfo{
				Reference: &siamesev1.ModelReference{Name: "model", Version: "3", Digest: "d1"}, InputHeight: 105, InputWidth: 106,
				EmbeddingLength: 4608, Threshold: 0.5, ResizeRule: "crop", Device: "cpu", Precision: "float32",
			},
			Limits: &siamesev1.Limits{
				MaxMessageBytes: 1, MaxImageBytes: 2, MaxImagePixels: 3, MaxSideRatio: 4, MaxPairs: 5, MaxCandidates: 6, MaxImages: 7, MaxTestTimeViews: 18,
				MaxStreamReferences: 8, MaxStreamWindow: 9, MemoryBytes: 10, MaxQueuedImages: 11,
				DefaultDeadline: durationpb.New(12 * time.Second), MaxDeadline: durationpb.New(16 * time.Second), ImageFormats: []string{"jpeg"}, MaxStreams: 14, MaxCalls: 15,
			},
			Access: &siamesev1.Access{TokenNeeded: true, CallsPerSecond: 0.5, Burst: 2, ConcurrentCalls: 3},
			Build:  &siamesev1.BuildInfo{Version: "v1", Revision: "abc", GoVersion: "go1", TensorflowVersion: "2"},
		}, nil
	}})
	got, err := c.ServerInfo(t.Context(), "canary")
	if err != nil {
		t.Fatal(err)
	}
	want := client.ServerInfo{
		Models: []client.ModelInfo{
			{Name: "siamese-general", ServingName: "general", Title: "Pictures", Knows: "Photographs.", FamiliarityBound: 0.02},
			{Name: "siamese-omniglot", ServingName: "omniglot"},
		},
		DefaultModel: "auto", AutoModels: []string{"general", "omniglot"}, Galleries: true,
		Model: client.ModelInfo{
			Name: "model", Version: "3", Digest: "d1", InputHeight: 105, InputWidth: 106,
			EmbeddingLength: 4608, Threshold: 0.5, ResizeRule: "crop", Device: "cpu", Precision: "float32",
		},
		Limits: client.Limits{
			MaxMessageBytes: 1, MaxImageBytes: 2, MaxImagePixels: 3, MaxSideRatio: 4, MaxPairs: 5, MaxCandidates: 6, MaxImages: 7, MaxTestTimeViews: 18,
			MaxStreamReferences: 8, MaxStreamWindow: 9, MemoryBytes: 10, MaxQueuedImages: 11,
			DefaultDeadline: 12 * time.Second, MaxDeadline: 16 * time.Second, ImageFormats: []string{"jpeg"}, MaxStreams: 14, MaxCalls: 15,
		},
		Access: client.Access{TokenNeeded: true, CallsPerSecond: 0.5, Burst: 2, ConcurrentCalls: 3},
		Build:  client.BuildInfo{Version: "v1", Revision: "abc", GoVersion: "go1", TensorFlowVersion: "2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ServerInfo (-want +got):\n%s", diff)
	}
	for _, want := range []client.ModelInfo{got.Model, got.Models[1]} {
		if served, ok := got.Served(want.Name); !ok || served != want {
			t.Errorf("Served(%q) = %+v, %t, want %+v", want.Name, served, ok, want)
		}
	}
	if served, ok := got.Served("omniglot"); ok {
		t.Errorf("Served of a serving name = %+v, want none: it takes Comparison.Model", served)
	}
}

// What fails as a whole is an *Error of every call.
func TestCallsFailAsAWhole(t *testing.T) {
	away := status.Error(codes.Unavailable, "away")
	c := connect(t, &stub{
		batch: func(*siamesev1.BatchCompareRequest) (*siamesev1.BatchCompareResponse, error) { return nil, away },
		embed: func(*siamesev1.EmbedRequest) (*siamesev1.EmbedResponse, error) { return nil, away },
		info:  func(*siamesev1.GetServerInfoRequest) (*siamesev1.GetServerInfoResponse, error) { return nil, away },
	})
	_, batchErr := c.BatchCompare(t.Context(), nil, client.Options{})
	_, embedErr := c.Embed(t.Context(), nil, client.Options{})
	_, infoErr := c.ServerInfo(t.Context(), "")
	want := &client.Error{Code: codes.Unavailable, Message: "away"}
	for _, err := range []error{batchErr, embedErr, infoErr} {
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
	}
}
