package server_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

func candidate(index uint32, similarity float32) *pb.RankedCandidate {
	return &pb.RankedCandidate{Index: index, Similarity: similarity, Same: similarity >= threshold}
}

func TestRankOrdersAndCuts(t *testing.T) {
	near, far := graySimilarity(100, 90), graySimilarity(100, 200)
	tests := []struct {
		name      string
		giveTopK  uint32
		giveLeast float32
		want      []*pb.RankedCandidate
	}{
		{"all, ties in the order given", 0, 0, []*pb.RankedCandidate{
			candidate(3, 1), candidate(1, near), candidate(2, near), candidate(5, near), candidate(0, far),
		}},
		{"the two best", 2, 0, []*pb.RankedCandidate{candidate(3, 1), candidate(1, near)}},
		{"more than there are", 99, 0, []*pb.RankedCandidate{
			candidate(3, 1), candidate(1, near), candidate(2, near), candidate(5, near), candidate(0, far),
		}},
		{"none below", 0, near, []*pb.RankedCandidate{
			candidate(3, 1), candidate(1, near), candidate(2, near), candidate(5, near),
		}},
		{"both", 3, near, []*pb.RankedCandidate{candidate(3, 1), candidate(1, near), candidate(2, near)}},
	}
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := model.encodedImages()
			got, err := r.Rank(t.Context(), &pb.RankRequest{
				Query: grayImage(100),
				Candidates: []*pb.Image{
					grayImage(200), grayImage(90), grayImage(90), grayImage(100),
					encoded(gray(7)[:30]), encoded(withComment(gray(90))),
				},
				TopK: tt.giveTopK, MinSimilarity: tt.giveLeast,
			})
			if err != nil {
				t.Fatal(err)
			}
			checkProto(t, &pb.RankResponse{
				Ranked: tt.want,
				Errors: []*pb.CandidateError{{Index: 4, Error: &pb.ItemError{
					Code: int32(codes.InvalidArgument), Reason: string(imaging.ReasonUndecodable), Field: "candidates[4]",
				}}},
				Threshold: threshold, Model: modelReference, EncodedImages: 3,
			}, got, withoutMessage, protocmp.IgnoreFields(&pb.RankResponse{}, "timings"))
			if n := model.encodedImages() - before; n != 3 {
				t.Errorf("%d images were encoded, want 3: the query is among the candidates", n)
			}
		})
	}
}

// Sorting a few is stable by accident, so this takes many.
func TestRankKeepsTheOrderOfEqualsAmongMany(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	req := &pb.RankRequest{Query: grayEmbedding(100)}
	var near, far []uint32
	for i := range uint32(100) {
		if i%3 == 0 {
			req.Candidates = append(req.Candidates, grayEmbedding(90))
			near = append(near, i)
		} else {
			req.Candidates = append(req.Candidates, grayEmbedding(200))
			far = append(far, i)
		}
	}
	ranked, err := r.Rank(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint32
	for _, c := range ranked.GetRanked() {
		got = append(got, c.GetIndex())
	}
	if diff := cmp.Diff(slices.Concat(near, far), got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestRankOfBadCandidatesAloneEncodesNothing(t *testing.T) {
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	got, err := r.Rank(t.Context(), &pb.RankRequest{Query: grayImage(1), Candidates: []*pb.Image{nil, encoded(nil)}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetRanked()) != 0 || len(got.GetErrors()) != 2 || model.encodedImages() != 0 {
		t.Errorf("%d ranked, %d errors, %d encoded, want 0, 2, 0",
			len(got.GetRanked()), len(got.GetErrors()), model.encodedImages())
	}
}

func TestRankSendsPreparedPicturesWhereAsked(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	got, err := r.Rank(t.Context(), &pb.RankRequest{
		Query:      grayImage(100),
		Candidates: []*pb.Image{grayImage(200), grayImage(90)},
		Options:    &pb.CompareOptions{IncludePrepared: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkPrepared(t, got.GetPreparedQueryPng(), 100)
	checkPrepared(t, got.GetRanked()[0].GetPreparedPng(), 90)
	checkPrepared(t, got.GetRanked()[1].GetPreparedPng(), 200)
}
