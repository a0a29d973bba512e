package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

func TestEmbed(t *testing.T) {
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	got, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{
		grayImage(51), encoded([]byte("GIF89a")), grayImage(51), grayEmbedding(102),
	}})
	if err != nil {
		t.Fatal(err)
	}
	embedded := func(image *pb.Image) *pb.EmbedResult {
		return &pb.EmbedResult{Outcome: &pb.EmbedResult_Embedding{Embedding: image.GetEmbedding()}}
	}
	checkProto(t, &pb.EmbedResponse{
		Results: []*pb.EmbedResult{
			embedded(grayEmbedding(51)),
			{Outcome: &pb.EmbedResult_Error{Error: &pb.ItemError{
				Code: int32(codes.InvalidArgument), Reason: string(imaging.ReasonUndecodable), Field: "images[1]",
			}}},
			embedded(grayEmbedding(51)),
			embedded(grayEmbedding(102)),
		},
		Model: modelReference, EncodedImages: 1,
	}, got, withoutMessage, protocmp.IgnoreFields(&pb.EmbedResponse{}, "timings"))
	if model.encodedImages() != 1 {
		t.Errorf("%d images were encoded, want 1", model.encodedImages())
	}
}

func TestEmbeddingsCanBeSentBackInPlaceOfImages(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	images := []*pb.Image{encoded(noise(50, 1)), encoded(noise(60, 2))}
	made, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: images})
	if err != nil {
		t.Fatal(err)
	}
	var compared [2]*pb.CompareResponse
	for i, pair := range [][]*pb.Image{images, {
		{Source: &pb.Image_Embedding{Embedding: made.GetResults()[0].GetEmbedding()}},
		{Source: &pb.Image_Embedding{Embedding: made.GetResults()[1].GetEmbedding()}},
	}} {
		compared[i], err = r.Compare(t.Context(), &pb.CompareRequest{ImageA: pair[0], ImageB: pair[1]})
		if err != nil {
			t.Fatal(err)
		}
	}
	if compared[0].GetSimilarity() != compared[1].GetSimilarity() {
		t.Errorf("similarity of images %v, of their embeddings %v, want the same",
			compared[0].GetSimilarity(), compared[1].GetSimilarity())
	}
}

func TestEmbedSendsPreparedPicturesWhereAsked(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	got, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{grayImage(33)}, IncludePrepared: true})
	if err != nil {
		t.Fatal(err)
	}
	checkPrepared(t, got.GetResults()[0].GetPreparedPng(), 33)
}
