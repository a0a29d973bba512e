package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

func TestAutoComparesByTheModelThatKnowsBothImages(t *testing.T) {
	const dark, light = false, true
	tests := []struct {
		name                string
		giveA, giveB        *pb.Image
		want                *pb.CompareResponse
		wantDark, wantLight int // images encoded
	}{
		{"both are known to the first", grayImage(10), grayImage(180), compared(dark, 10, 180, ""), 2, 0},
		{"both are foreign to the first", grayImage(240), grayImage(250), compared(light, 240, 250, ""), 2, 2},
		{"the same picture twice", grayImage(249), encoded(withComment(gray(249))), compared(light, 249, 249, ""), 1, 1},
		{"one is known to the first alone", grayImage(20), grayImage(253), compared(dark, 20, 253, darkSecond), 2, 1},
		{"an embedding of the first", grayEmbedding(30), grayImage(253), compared(dark, 30, 253, darkSecond), 1, 0},
		{"an embedding of the other", lightEmbedding(240), grayImage(200), compared(light, 240, 200, ""), 0, 1},
		{"and a picture that is foreign to it", lightEmbedding(240), grayImage(10), compared(light, 240, 10, lightSecond), 0, 1},
		{"two embeddings of the other", lightEmbedding(100), lightEmbedding(120), compared(light, 100, 120, ""), 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := serveAuto(t, withCache)
			for i, model := range []string{"", "auto", "auto"} {
				got, err := r.Compare(t.Context(), &pb.CompareRequest{
					ImageA: tt.giveA, ImageB: tt.giveB, Options: &pb.CompareOptions{Model: model},
				})
				if err != nil {
					t.Fatal(err)
				}
				checkProto(t, tt.want, got, protocmp.IgnoreFields(&pb.CompareResponse{}, "timings"))
				if i == 0 {
					r.checkEncoded(t, tt.wantDark, tt.wantLight)
				} else {
					r.checkEncoded(t, 0, 0) // each model's cache has them
				}
			}
		})
	}
}

// TestAutoWhereOnlyOneModelIsLoaded: that one answers alone, until there are both.
func TestAutoWhereOnlyOneModelIsLoaded(t *testing.T) {
	for _, first := range []string{"dark", "light"} {
		t.Run(first, func(t *testing.T) {
			names := []string{"dark", "light"}
			r := &auto{running: serveBare(t, server.Config{Models: names, AutoModels: names, DefaultModel: server.Auto})}
			r.dark, r.light = &fakeModel{}, &lightModel{}
			models := map[string]server.Model{"dark": r.dark, "light": r.light}
			infos := map[string]server.ModelInfo{"dark": darkInfo(), "light": lightInfo()}
			for i, name := range []string{first, map[string]string{"dark": "light", "light": "dark"}[first]} {
				if err := errors.Join(r.server.AddModel(models[name], infos[name]), r.server.Router(name).Route(infos[name].Version, nil)); err != nil {
					t.Fatal(err)
				}
				got, err := r.Compare(t.Context(), compareRequest(grayImage(250), grayImage(249)))
				if err != nil {
					t.Fatal(err)
				}
				isLight, warning := true, ""
				if i == 0 && first == "dark" {
					isLight = false
					warning = "Both images are unlike the pictures that the model dark knows (familiarity 0.019 and 0.023, bound 0.25): the similarity means little."
				}
				checkProto(t, compared(isLight, 250, 249, warning), got, protocmp.IgnoreFields(&pb.CompareResponse{}, "timings"))
			}
		})
	}
}

// TestAutoBesideADefaultModel: calls choose it by its name.
func TestAutoBesideADefaultModel(t *testing.T) {
	names := []string{"dark", "light"}
	r := serveBare(t, server.Config{Models: names, AutoModels: names})
	if err := addAuto(r.server, &fakeModel{}, &lightModel{}); err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]*pb.ModelReference{
		"": modelReference, "auto": lightReference, "dark": modelReference, "light/light": lightReference,
	} {
		got, err := r.Compare(t.Context(), &pb.CompareRequest{
			ImageA: grayImage(250), ImageB: grayImage(249), Options: &pb.CompareOptions{Model: model},
		})
		if err != nil {
			t.Fatal(err)
		}
		checkProto(t, want, got.GetModel())
	}
}

// TestAutoIsSymmetric: which image is the first makes no difference.
func TestAutoIsSymmetric(t *testing.T) {
	r := serveAuto(t, server.Config{})
	levels := []byte{0, 60, 128, 200, 255}
	for _, a := range levels {
		for _, b := range levels {
			forth, err := r.Compare(t.Context(), compareRequest(grayImage(a), grayImage(b)))
			if err != nil {
				t.Fatal(err)
			}
			back, err := r.Compare(t.Context(), compareRequest(grayImage(b), grayImage(a)))
			if err != nil {
				t.Fatal(err)
			}
			if forth.GetSimilarity() != back.GetSimilarity() || forth.GetModel().GetName() != back.GetModel().GetName() {
				t.Errorf("levels %d and %d: %v by %s, the other way round %v by %s", a, b,
					forth.GetSimilarity(), forth.GetModel().GetName(), back.GetSimilarity(), back.GetModel().GetName())
			}
		}
	}
}

func TestAutoKeepsTheCallersThreshold(t *testing.T) {
	r := serveAuto(t, server.Config{})
	got, err := r.Compare(t.Context(), &pb.CompareRequest{
		ImageA: grayImage(230), ImageB: grayImage(250), Options: &pb.CompareOptions{Threshold: proto.Float32(0.95)},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := compared(true, 230, 250, "")
	want.Threshold, want.Same = 0.95, false
	checkProto(t, want, got, protocmp.IgnoreFields(&pb.CompareResponse{}, "timings"))
}

func TestAutoRefusesWhatNoModelCanCompare(t *testing.T) {
	tests := []struct {
		name         string
		giveA, giveB *pb.Image
		want         failure
		wantMessage  string
	}{
		{
			"embeddings of two models", grayEmbedding(10), lightEmbedding(10), failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "image_b"},
			`image_b: received embeddings of models "5ca1ab1e" and "1161127" to be compared, expected both of one model`,
		},
		{
			"an embedding of neither", embedding("other", 1), grayImage(1), failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "image_a"},
			`image_a: received an embedding of model "other", expected one of model "5ca1ab1e" or "1161127"`,
		},
		{
			"the other's embedding of a wrong length", grayImage(1), embedding(lightDigest, 1, 2), failure{codes.InvalidArgument, fault.ReasonEmbeddingLength, "image_b"},
			"image_b: received an embedding of 2 numbers, expected 1",
		},
		{
			"a number that the other can't make", grayImage(1), embedding(lightDigest, 2), failure{codes.InvalidArgument, fault.ReasonEmbeddingValue, "image_b"},
			"image_b: received 2 as number 0 of an embedding, expected 0 to 1, what the model can make",
		},
		{
			"no picture, for the other alone", lightEmbedding(1), encoded([]byte("GIF89a")), failure{codes.InvalidArgument, string(imaging.ReasonUndecodable), "image_b"}, "",
		},
	}
	r := serveAuto(t, server.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Compare(t.Context(), compareRequest(tt.giveA, tt.giveB))
			if diff := cmp.Diff(tt.want, failureOf(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if got := status.Convert(err).Message(); tt.wantMessage != "" && got != tt.wantMessage {
				t.Errorf("message = %q, want %q", got, tt.wantMessage)
			}
			r.checkEncoded(t, 0, 0)
		})
	}
}

func TestAutoBatchAnswersEachPairByItsModel(t *testing.T) {
	r := serveAuto(t, server.Config{})
	got, err := r.BatchCompare(t.Context(), &pb.BatchCompareRequest{Pairs: []*pb.ImagePair{
		{ImageA: grayImage(10), ImageB: grayImage(20)},            // dark
		{ImageA: grayImage(250), ImageB: grayImage(240)},          // light
		{ImageA: grayImage(20), ImageB: lightEmbedding(240)},      // light, which has to encode 20
		{ImageA: grayEmbedding(20), ImageB: lightEmbedding(240)},  // neither
		{ImageA: grayImage(253), ImageB: grayImage(10)},           // dark: 10 is not foreign to it
		{ImageA: grayImage(250), ImageB: encoded([]byte("none"))}, // an error
	}})
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, &pb.BatchCompareResponse{
		Results: []*pb.PairResult{
			pairScoreOf(compared(false, 10, 20, ""), nil),
			pairScoreOf(compared(true, 250, 240, ""), lightReference),
			pairScoreOf(compared(true, 20, 240, "The first image is unlike the pictures that the model light knows (familiarity 0.078, bound 0.25): the similarity means little."), lightReference),
			pairError(failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "pairs[3].image_b"}),
			pairScoreOf(compared(false, 253, 10, "The first image is unlike the pictures that the model dark knows (familiarity 0.007, bound 0.25): the similarity means little."), nil),
			pairError(failure{codes.InvalidArgument, string(imaging.ReasonFormatUnknown), "pairs[5].image_b"}),
		},
		Threshold: threshold, Model: modelReference, EncodedImages: 5 + 4,
	}, got, withoutMessage, protocmp.IgnoreFields(&pb.BatchCompareResponse{}, "timings"))
	r.checkEncoded(t, 5, 4)
	if runs := r.dark.compareRuns(); runs != 1 {
		t.Errorf("%d runs of the dark model's head, want 1", runs)
	}
}

// TestAutoBatchIsCompareOfEachPair: what else a request has changes no answer.
func TestAutoBatchIsCompareOfEachPair(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	image := func() *pb.Image {
		level := byte(random.UintN(8) * 36) // few, so that pairs share images
		return []*pb.Image{grayImage(level), grayImage(level), grayEmbedding(level), lightEmbedding(level)}[random.UintN(4)]
	}
	r := serveAuto(t, server.Config{})
	for range 20 {
		batch := &pb.BatchCompareRequest{}
		for range 16 {
			batch.Pairs = append(batch.Pairs, &pb.ImagePair{ImageA: image(), ImageB: image()})
		}
		got, err := r.BatchCompare(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		for i, pair := range batch.GetPairs() {
			alone, err := r.Compare(t.Context(), compareRequest(pair.GetImageA(), pair.GetImageB()))
			if err != nil {
				want := failureOf(err)
				want.Field = fmt.Sprintf("pairs[%d].%s", i, want.Field)
				checkProto(t, pairError(want), got.GetResults()[i], withoutMessage)
				continue
			}
			var other *pb.ModelReference
			if alone.GetModel().GetDigest() != modelDigest {
				other = alone.GetModel()
			}
			checkProto(t, pairScoreOf(alone, other), got.GetResults()[i])
		}
	}
}

// pairScoreOf is a pair's score as Compare would tell it; model is nil where the reply
// names it.
func pairScoreOf(c *pb.CompareResponse, model *pb.ModelReference) *pb.PairResult {
	return &pb.PairResult{Outcome: &pb.PairResult_Score{Score: scoreOf(c, model)}}
}

func scoreOf(c *pb.CompareResponse, model *pb.ModelReference) *pb.PairScore {
	return &pb.PairScore{
		Similarity: c.GetSimilarity(), Same: c.GetSame(), FamiliarityA: c.GetFamiliarityA(), FamiliarityB: c.GetFamiliarityB(),
		Warning: c.GetWarning(), Model: model,
	}
}

// rankedOf is a candidate's score as Compare would tell it of query and candidate.
func rankedOf(index uint32, c *pb.CompareResponse, model *pb.ModelReference, warning string) *pb.RankedCandidate {
	return &pb.RankedCandidate{
		Index: index, Similarity: c.GetSimilarity(), Same: c.GetSame(), Familiarity: c.GetFamiliarityB(), Warning: warning, Model: model,
	}
}

func TestAutoEmbedsByTheModelThatKnowsTheImage(t *testing.T) {
	r := serveAuto(t, server.Config{})
	got, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{
		grayImage(51), grayImage(204), lightEmbedding(0), grayEmbedding(255), {},
	}})
	if err != nil {
		t.Fatal(err)
	}
	embedded := func(image *pb.Image, familiarity *pb.Familiarity, warning string) *pb.EmbedResult {
		return &pb.EmbedResult{
			Outcome: &pb.EmbedResult_Embedding{Embedding: image.GetEmbedding()}, Familiarity: familiarity, Warning: warning,
		}
	}
	checkProto(t, &pb.EmbedResponse{
		Results: []*pb.EmbedResult{
			embedded(grayEmbedding(51), darkly(51), ""),
			embedded(lightEmbedding(204), lightly(204), ""),
			embedded(lightEmbedding(0), lightly(0), "The image is unlike the pictures that the model light knows (familiarity 0, bound 0.25): similarities with it mean little."),
			embedded(grayEmbedding(255), darkly(255), darkWarning("The image")),
			{Outcome: &pb.EmbedResult_Error{Error: &pb.ItemError{Code: 3, Reason: fault.ReasonImageUnset, Field: "images[4]"}}},
		},
		Model: modelReference, EncodedImages: 3,
	}, got, withoutMessage, protocmp.IgnoreFields(&pb.EmbedResponse{}, "timings"))
	r.checkEncoded(t, 2, 1)
}

// TestAutoShowsThePictureOfTheModelThatAnswers, whether it was encoded or known.
func TestAutoShowsThePictureOfTheModelThatAnswers(t *testing.T) {
	r := serveAuto(t, withCache)
	prepared := &pb.CompareOptions{IncludePrepared: true}
	for range 2 {
		for level, side := range map[byte]int{100: inputSide, 250: lightSide} {
			image := encoded(grayOf(40, 30, level))
			compared, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: image, ImageB: image, Options: prepared})
			if err != nil {
				t.Fatal(err)
			}
			batch, err := r.BatchCompare(t.Context(), &pb.BatchCompareRequest{Pairs: []*pb.ImagePair{{ImageA: image, ImageB: image}}, Options: prepared})
			if err != nil {
				t.Fatal(err)
			}
			ranked, err := r.Rank(t.Context(), &pb.RankRequest{Query: image, Candidates: []*pb.Image{image}, Options: prepared})
			if err != nil {
				t.Fatal(err)
			}
			embedded, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{image}, IncludePrepared: true})
			if err != nil {
				t.Fatal(err)
			}
			score := batch.GetResults()[0].GetScore()
			for _, file := range [][]byte{
				compared.GetPreparedAPng(), compared.GetPreparedBPng(), score.GetPreparedAPng(), score.GetPreparedBPng(),
				ranked.GetPreparedQueryPng(), ranked.GetRanked()[0].GetPreparedPng(), embedded.GetResults()[0].GetPreparedPng(),
			} {
				checkSide(t, file, side)
			}
		}
	}
	r.checkEncoded(t, 2, 1)
}

func checkSide(t *testing.T, file []byte, want int) {
	t.Helper()
	config, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil || config.Width != want || config.Height != want {
		t.Errorf("prepared picture of %d bytes is %dx%d, %v; want %d pixels a side", len(file), config.Width, config.Height, err, want)
	}
}
