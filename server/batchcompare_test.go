package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

func score(similarity float32) *pb.PairResult {
	return &pb.PairResult{Outcome: &pb.PairResult_Score{
		Score: &pb.PairScore{Similarity: similarity, Same: similarity >= threshold},
	}}
}

func pairError(f failure) *pb.PairResult {
	return &pb.PairResult{Outcome: &pb.PairResult_Error{
		Error: &pb.ItemError{Code: int32(f.Code), Reason: f.Reason, Field: f.Field},
	}}
}

// withoutMessage leaves an item's text, which is for people, out of comparison.
var withoutMessage = protocmp.IgnoreFields(&pb.ItemError{}, "message")

func TestBatchCompareEncodesEachImageOnceAndAnswersNeighboursOfBadPairs(t *testing.T) {
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	got, err := r.BatchCompare(t.Context(), &pb.BatchCompareRequest{Pairs: []*pb.ImagePair{
		{ImageA: grayImage(10), ImageB: grayImage(20)},
		{ImageA: grayImage(20), ImageB: encoded([]byte("no picture at all"))},
		{ImageA: grayImage(20), ImageB: encoded(withComment(gray(10)))},
		{ImageA: grayImage(99)}, // 99 is in no pair that can be scored
		{ImageA: embedding("other", 1, 2), ImageB: grayImage(10)},
		{ImageA: reference("x"), ImageB: grayImage(10)},
		{ImageA: grayEmbedding(40), ImageB: grayImage(10)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	invalid := codes.InvalidArgument
	checkProto(t, &pb.BatchCompareResponse{
		Results: []*pb.PairResult{
			score(graySimilarity(10, 20)),
			pairError(failure{invalid, string(imaging.ReasonFormatUnknown), "pairs[1].image_b"}),
			score(graySimilarity(10, 20)),
			pairError(failure{invalid, fault.ReasonImageUnset, "pairs[3].image_b"}),
			pairError(failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "pairs[4].image_a"}),
			pairError(failure{invalid, fault.ReasonReferenceOutsideStream, "pairs[5].image_a"}),
			score(graySimilarity(40, 10)),
		},
		Threshold: threshold, Model: modelReference, EncodedImages: 2,
	}, got, withoutMessage, protocmp.IgnoreFields(&pb.BatchCompareResponse{}, "timings"))
	if model.encodedImages() != 2 || model.compareRuns() != 1 {
		t.Errorf("%d images encoded, %d runs of the head, want 2 and 1", model.encodedImages(), model.compareRuns())
	}
	for i, result := range got.GetResults() {
		if e := result.GetError(); e != nil && e.GetMessage() == "" {
			t.Errorf("pair %d failed without a message", i)
		}
	}
}

func TestBatchCompareOfBadPairsAloneRunsNothing(t *testing.T) {
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	got, err := r.BatchCompare(t.Context(), &pb.BatchCompareRequest{Pairs: []*pb.ImagePair{{ImageA: grayImage(1)}}})
	if err != nil {
		t.Fatal(err)
	}
	if got.GetResults()[0].GetError() == nil || model.encodedImages() != 0 || model.compareRuns() != 0 {
		t.Errorf("result %v, %d encoded, %d compared, want an error and nothing run",
			got.GetResults()[0], model.encodedImages(), model.compareRuns())
	}
}

func TestBatchCompareSendsPreparedPicturesWhereAsked(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	got, err := r.BatchCompare(t.Context(), &pb.BatchCompareRequest{
		Pairs:   []*pb.ImagePair{{ImageA: grayImage(10), ImageB: grayImage(20)}},
		Options: &pb.CompareOptions{IncludePrepared: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkPrepared(t, got.GetResults()[0].GetScore().GetPreparedAPng(), 10)
	checkPrepared(t, got.GetResults()[0].GetScore().GetPreparedBPng(), 20)
}

func TestTheLargestCallsFitAnEmptyQueue(t *testing.T) {
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	batch := &pb.BatchCompareRequest{}
	for i := range 64 {
		batch.Pairs = append(batch.Pairs, &pb.ImagePair{ImageA: grayImage(byte(2 * i)), ImageB: grayImage(byte(2*i + 1))})
	}
	got, err := r.BatchCompare(t.Context(), batch)
	if err != nil || got.GetEncodedImages() != 128 {
		t.Errorf("BatchCompare of 64 pairs = %d encoded, %v, want 128", got.GetEncodedImages(), err)
	}
	rank := &pb.RankRequest{Query: encoded(noise(20, 1))}
	for i := range 256 {
		rank.Candidates = append(rank.Candidates, grayImage(byte(i)))
	}
	ranked, err := r.Rank(t.Context(), rank)
	if err != nil || ranked.GetEncodedImages() != 257 || len(ranked.GetRanked()) != 256 {
		t.Errorf("Rank of 256 candidates = %d encoded, %d ranked, %v", ranked.GetEncodedImages(), len(ranked.GetRanked()), err)
	}
}
