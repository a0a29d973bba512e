package server_test

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

const invalid = codes.InvalidArgument

// refusal is a call and what it is refused with.
type refusal struct {
	name string
	give proto.Message // a request
	want failure
}

// imageRefusals are the ways in which an image can be wrong, each in another
// place.
func imageRefusals() []refusal {
	values := make([]float32, embeddingLength)
	broken := slices.Clone(values)
	broken[5] = float32(math.NaN())
	endless := slices.Clone(values)
	endless[0] = float32(math.Inf(1))
	below, above := slices.Clone(values), slices.Clone(values)
	below[11], above[3] = -1e-30, embeddingMax+1
	at := func(field string, image *pb.Image) proto.Message {
		switch field {
		case "image_a":
			return &pb.CompareRequest{ImageA: image, ImageB: grayImage(1)}
		case "image_b":
			return &pb.CompareRequest{ImageA: grayImage(1), ImageB: image}
		default:
			return &pb.RankRequest{Query: image, Candidates: []*pb.Image{grayImage(1)}}
		}
	}
	tests := []struct {
		name, field, reason string
		image               *pb.Image
		code                codes.Code
	}{
		{"no image", "image_a", fault.ReasonImageUnset, nil, invalid},
		{"unset oneof", "image_b", fault.ReasonImageUnset, &pb.Image{}, invalid},
		{"unset query", "query", fault.ReasonImageUnset, &pb.Image{}, invalid},
		{"name of a reference", "image_a", fault.ReasonReferenceOutsideStream, reference("x"), invalid},
		{"no bytes", "image_b", string(imaging.ReasonEmpty), encoded(nil), invalid},
		{"9 MB", "image_a", string(imaging.ReasonTooLarge), encoded(append(gray(1), make([]byte, 9<<20)...)), invalid},
		{"text", "image_b", string(imaging.ReasonFormatUnknown), encoded([]byte("hello, I am not a picture")), invalid},
		{"truncated", "image_a", string(imaging.ReasonUndecodable), encoded(noise(40, 1)[:500]), invalid},
		{"truncated query", "query", string(imaging.ReasonUndecodable), encoded(noise(40, 1)[:500]), invalid},
		{"one pixel", "image_b", string(imaging.ReasonShape), encoded(grayOf(1, 1, 5)), invalid},
		{"a thread", "query", string(imaging.ReasonShape), encoded(grayOf(2, 100, 5)), invalid},
		{"50,000 x 50,000 header", "image_a", string(imaging.ReasonTooManyPixels), encoded(header(50_000, 50_000)), invalid},
		{"raw too short", "image_b", string(imaging.ReasonRawLength),
			rawImage(4, 4, pb.PixelFormat_PIXEL_FORMAT_RGB8, make([]byte, 47)), invalid},
		{"raw of no format", "image_a", string(imaging.ReasonRawLength),
			rawImage(4, 4, pb.PixelFormat_PIXEL_FORMAT_UNSPECIFIED, make([]byte, 48)), invalid},
		{"raw of an unheard-of format", "image_a", string(imaging.ReasonRawLength),
			rawImage(4, 4, 77, make([]byte, 48)), invalid},
		{"raw of vast size", "image_a", string(imaging.ReasonTooManyPixels),
			rawImage(math.MaxUint32, math.MaxUint32, pb.PixelFormat_PIXEL_FORMAT_RGB8, make([]byte, 48)), invalid},
		{"raw empty", "image_b", string(imaging.ReasonEmpty),
			rawImage(4, 4, pb.PixelFormat_PIXEL_FORMAT_GRAY8, nil), invalid},
		{"embedding of another model", "image_a", fault.ReasonModelMismatch, embedding("other", values...), codes.FailedPrecondition},
		{"embedding of no model", "query", fault.ReasonModelMismatch, embedding("", values...), codes.FailedPrecondition},
		{"embedding too short", "image_b", fault.ReasonEmbeddingLength, embedding(modelDigest, values[1:]...), invalid},
		{"embedding too long", "query", fault.ReasonEmbeddingLength, embedding(modelDigest, append(values, 0)...), invalid},
		{"embedding with NaN", "image_a", fault.ReasonEmbeddingValue, embedding(modelDigest, broken...), invalid},
		{"embedding with infinity", "image_b", fault.ReasonEmbeddingValue, embedding(modelDigest, endless...), invalid},
		{"embedding below 0", "query", fault.ReasonEmbeddingValue, embedding(modelDigest, below...), invalid},
		{"embedding above what the model can make", "image_a", fault.ReasonEmbeddingValue, embedding(modelDigest, above...), invalid},
	}
	var all []refusal
	for _, tt := range tests {
		all = append(all, refusal{tt.name, at(tt.field, tt.image), failure{tt.code, tt.reason, tt.field}})
	}
	return all
}

// requestRefusals are the ways in which the rest of a request can be wrong.
func requestRefusals() []refusal {
	nan := float32(math.NaN())
	pair := &pb.ImagePair{ImageA: grayImage(1), ImageB: grayImage(2)}
	options := func(threshold float32) *pb.CompareOptions { return &pb.CompareOptions{Threshold: &threshold} }
	one := []*pb.Image{grayImage(1)}
	return []refusal{
		{"threshold over 1", &pb.CompareRequest{Options: options(1.01)}, failure{invalid, fault.ReasonThresholdRange, "options.threshold"}},
		{"threshold under 0", &pb.BatchCompareRequest{Options: options(-0.01)}, failure{invalid, fault.ReasonThresholdRange, "options.threshold"}},
		{"threshold NaN", &pb.RankRequest{Options: options(nan)}, failure{invalid, fault.ReasonThresholdRange, "options.threshold"}},
		{"min_similarity over 1", &pb.RankRequest{Query: one[0], Candidates: one, MinSimilarity: 1.5},
			failure{invalid, fault.ReasonMinSimilarityRange, "min_similarity"}},
		{"min_similarity NaN", &pb.RankRequest{Query: one[0], Candidates: one, MinSimilarity: nan},
			failure{invalid, fault.ReasonMinSimilarityRange, "min_similarity"}},
		{"no pairs", &pb.BatchCompareRequest{}, failure{invalid, fault.ReasonNoItems, "pairs"}},
		{"no candidates", &pb.RankRequest{Query: one[0]}, failure{invalid, fault.ReasonNoItems, "candidates"}},
		{"no images", &pb.EmbedRequest{}, failure{invalid, fault.ReasonNoItems, "images"}},
		{"65 pairs", &pb.BatchCompareRequest{Pairs: slices.Repeat([]*pb.ImagePair{pair}, 65)},
			failure{invalid, fault.ReasonTooManyItems, "pairs"}},
		{"257 candidates", &pb.RankRequest{Query: one[0], Candidates: slices.Repeat(one, 257)},
			failure{invalid, fault.ReasonTooManyItems, "candidates"}},
		{"129 images", &pb.EmbedRequest{Images: slices.Repeat(one, 129)}, failure{invalid, fault.ReasonTooManyItems, "images"}},
		{"17 MiB", &pb.CompareRequest{ImageA: encoded(make([]byte, 17<<20))}, failure{codes.ResourceExhausted, "", ""}},
	}
}

// call makes the call that the request belongs to.
func (r *running) call(ctx context.Context, req proto.Message) (err error) {
	switch req := req.(type) {
	case *pb.CompareRequest:
		_, err = r.Compare(ctx, req)
	case *pb.BatchCompareRequest:
		_, err = r.BatchCompare(ctx, req)
	case *pb.RankRequest:
		_, err = r.Rank(ctx, req)
	case *pb.EmbedRequest:
		_, err = r.Embed(ctx, req)
	case *pb.GetServerInfoRequest:
		_, err = r.GetServerInfo(ctx, req)
	}
	return err
}

// TestEmbeddingsBelowZero: a model with a projection makes some, and none beyond its
// bounds.
func TestEmbeddingsBelowZero(t *testing.T) {
	r := serveBare(t, server.Config{})
	info := modelInfo
	info.EmbeddingMin = -embeddingMax
	if err := setModel(r.server, &fakeModel{}, info); err != nil {
		t.Fatal(err)
	}
	for value, wantOK := range map[float32]bool{-embeddingMax: true, embeddingMax: true, -embeddingMax - 1: false, embeddingMax + 1: false} {
		values := make([]float32, embeddingLength)
		values[3] = value
		err := r.call(t.Context(), &pb.CompareRequest{ImageA: embedding(modelDigest, values...), ImageB: grayImage(1)})
		want := failure{invalid, fault.ReasonEmbeddingValue, "image_a"}
		if wantOK && err != nil || !wantOK && (failureOf(err) != want || !strings.Contains(err.Error(), "expected -1000 to 1000")) {
			t.Errorf("Compare with an embedding of %v = %v, want it taken: %t", value, err, wantOK)
		}
	}
}

func TestRefusals(t *testing.T) {
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	for _, tt := range slices.Concat(imageRefusals(), requestRefusals()) {
		t.Run(tt.name, func(t *testing.T) {
			before := model.encodedImages()
			err := r.call(t.Context(), tt.give)
			if diff := cmp.Diff(tt.want, failureOf(err)); diff != "" {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
			if n := model.encodedImages() - before; n != 0 {
				t.Errorf("%d images were encoded for a call that was refused", n)
			}
			r.checkAnswers(t)
		})
	}
}

func TestRefusalTellsLimitAndCount(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	err := r.call(t.Context(), &pb.EmbedRequest{Images: slices.Repeat([]*pb.Image{grayImage(1)}, 129)})
	info := detail[*errdetails.ErrorInfo](t, err)
	if info.GetDomain() != "siamese.v1" {
		t.Errorf("domain = %q, want siamese.v1", info.GetDomain())
	}
	if diff := cmp.Diff(map[string]string{"count": "129", "limit": "128"}, info.GetMetadata()); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestNoModelNoAnswers(t *testing.T) {
	r := serveBare(t, server.Config{})
	image := grayImage(1)
	for _, req := range []proto.Message{
		&pb.CompareRequest{ImageA: image, ImageB: image},
		&pb.BatchCompareRequest{Pairs: []*pb.ImagePair{{ImageA: image, ImageB: image}}},
		&pb.RankRequest{Query: image, Candidates: []*pb.Image{image}},
		&pb.EmbedRequest{Images: []*pb.Image{image}},
		&pb.GetServerInfoRequest{},
	} {
		want := failure{codes.Unavailable, fault.ReasonNotReady, ""}
		if diff := cmp.Diff(want, failureOf(r.call(t.Context(), req))); diff != "" {
			t.Errorf("%T (-want +got):\n%s", req, diff)
		}
	}
	if err := setModel(r.server, &fakeModel{}, modelInfo); err != nil {
		t.Fatal(err)
	}
	r.checkAnswers(t)
}

func TestMessagesAreText(t *testing.T) {
	// A message that is no UTF-8 could not be sent at all.
	r := serve(t, server.Config{}, &fakeModel{})
	for _, junk := range [][]byte{{0xff, 0xfe, 0xfd}, bytes.Repeat([]byte{0x80}, 40), []byte("RIFF\xff\xff\xff\xffWEBPVP8 \xff")} {
		err := r.call(t.Context(), &pb.CompareRequest{ImageA: encoded(junk), ImageB: grayImage(1)})
		if got := failureOf(err); got.Code != invalid || got.Reason == "" {
			t.Errorf("Compare(%q) = %v, want INVALID_ARGUMENT with a reason", junk, err)
		}
	}
}
