package server_test

import (
	"testing"

	"google.golang.org/protobuf/testing/protocmp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

func TestAutoRanksByTheModelsThatKnowQueryAndCandidate(t *testing.T) {
	tests := []struct {
		name       string
		give       *pb.RankRequest
		want       *pb.RankResponse
		dark, many int // images encoded by the dark model and the light one
	}{
		{
			"a query that the first knows",
			&pb.RankRequest{Query: grayImage(100), Candidates: []*pb.Image{grayImage(255), grayImage(90), lightEmbedding(110), grayEmbedding(0)}},
			&pb.RankResponse{
				Familiarity: darkly(100), // to the dark model; to the light one it is less
				Ranked: []*pb.RankedCandidate{
					rankedOf(1, compared(false, 100, 90, ""), nil, ""),
					rankedOf(2, compared(true, 100, 110, ""), lightReference, ""),
					rankedOf(3, compared(false, 100, 0, ""), nil, ""),
					rankedOf(0, compared(false, 100, 255, ""), nil, darkCandidate),
				},
			}, 3, 2, // light: the query for the embedding, and 255
		},
		{
			"a query that is foreign to the first",
			&pb.RankRequest{Query: grayImage(255), Candidates: []*pb.Image{grayImage(250), grayImage(128), {}}},
			&pb.RankResponse{
				Familiarity: lightly(255),
				Ranked: []*pb.RankedCandidate{
					rankedOf(0, compared(true, 255, 250, ""), lightReference, ""),
					rankedOf(1, compared(false, 255, 128, ""), nil, "The query is unlike the pictures that the model dark knows (familiarity 0, bound 0.25): the similarity means little."),
				},
				Errors: []*pb.CandidateError{{Index: 2, Error: &pb.ItemError{Code: 3, Reason: fault.ReasonImageUnset, Field: "candidates[2]"}}},
			}, 3, 2,
		},
		{
			"embeddings alone are the candidates",
			&pb.RankRequest{Query: grayImage(255), Candidates: []*pb.Image{lightEmbedding(200), lightEmbedding(250)}},
			&pb.RankResponse{
				Familiarity: lightly(255),
				Ranked: []*pb.RankedCandidate{
					rankedOf(1, compared(true, 255, 250, ""), lightReference, ""),
					rankedOf(0, compared(true, 255, 200, ""), lightReference, ""),
				},
			}, 0, 1,
		},
		{
			"an embedding is the query",
			&pb.RankRequest{Query: lightEmbedding(255), Candidates: []*pb.Image{grayImage(10), grayImage(250), grayEmbedding(10)}},
			&pb.RankResponse{
				Familiarity: lightly(255),
				Ranked: []*pb.RankedCandidate{
					rankedOf(1, compared(true, 255, 250, ""), lightReference, ""),
					rankedOf(0, compared(true, 255, 10, ""), lightReference, "The candidate is unlike the pictures that the model light knows (familiarity 0.039, bound 0.25): the similarity means little."),
				},
				Errors: []*pb.CandidateError{{Index: 2, Error: &pb.ItemError{Code: 9, Reason: fault.ReasonModelMismatch, Field: "candidates[2]"}}},
			}, 0, 2,
		},
		{
			"a query that only one model answers for, and foreign to it",
			&pb.RankRequest{Query: grayImage(255), Candidates: []*pb.Image{grayImage(10)}},
			&pb.RankResponse{
				Familiarity: darkly(255), Warning: darkWarning("The query"),
				Ranked: []*pb.RankedCandidate{rankedOf(0, compared(false, 255, 10, ""), nil, "")},
			}, 2, 1,
		},
	}
	r := serveAuto(t, server.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := r.Rank(t.Context(), tt.give)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Threshold, tt.want.Model, tt.want.EncodedImages = threshold, modelReference, uint32(tt.dark+tt.many)
			checkProto(t, tt.want, got, withoutMessage, protocmp.IgnoreFields(&pb.RankResponse{}, "timings"))
			r.checkEncoded(t, tt.dark, tt.many)
		})
	}
}
