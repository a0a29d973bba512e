package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

// lightModel is a network that knows light pictures. Of 8x8 pixels it makes one
// number, their mean, 0..1; a similarity is 1-|a-b|.
type lightModel struct {
	encode  func(ctx context.Context, images int) error // as fakeModel's
	encoded atomic.Int64
}

const (
	lightSide      = 8
	lightThreshold = float32(0.9)
	lightDigest    = "1161127"
)

func (m *lightModel) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	const imageBytes = lightSide * lightSide * 3
	m.encoded.Add(int64(len(pixels) / imageBytes))
	if m.encode != nil {
		if err := m.encode(ctx, len(pixels)/imageBytes); err != nil {
			return nil, err
		}
	}
	var embeddings []float32
	for image := range slices.Chunk(pixels, imageBytes) {
		sum := 0
		for _, v := range image {
			sum += int(v)
		}
		embeddings = append(embeddings, float32(sum)/(255*imageBytes))
	}
	return embeddings, nil
}

func (m *lightModel) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	similarities := make([]float32, len(a))
	for i := range a {
		similarities[i] = 1 - float32(math.Abs(float64(a[i]-b[i])))
	}
	return similarities, nil
}

func lightSimilarity(a, b byte) float32 { return 1 - float32(math.Abs(float64(a)-float64(b)))/255 }

// lightly is how familiar a level of grey is to the light model.
func lightly(level byte) *pb.Familiarity {
	value := float32(level) / 255
	return &pb.Familiarity{Value: value, Foreign: value < 0.25}
}

func lightEmbedding(level byte) *pb.Image { return embedding(lightDigest, float32(level)/255) }

var lightReference = &pb.ModelReference{Name: "light", Version: "light", Digest: lightDigest}

func lightInfo() server.ModelInfo {
	return server.ModelInfo{
		ServingName: "light", Name: "light", Version: "light", Digest: lightDigest, Height: lightSide, Width: lightSide,
		EmbeddingLength: 1, EmbeddingMax: 1, Threshold: lightThreshold,
		Familiarity: &byLevel{of: func(level float32) float32 { return level }, bound: 0.25},
	}
}

// auto is a server of which "auto" chooses between two models; the dark one is tried
// first. A level of 64 to 191 is familiar to both, one above that to the light one
// alone, one below to the dark one alone.
type auto struct {
	*running
	dark  *fakeModel
	light *lightModel
}

func serveAuto(t *testing.T, cfg server.Config) *auto {
	t.Helper()
	return serveAutoOf(t, cfg, &auto{dark: &fakeModel{}, light: &lightModel{}})
}

func serveAutoOf(t *testing.T, cfg server.Config, a *auto) *auto {
	t.Helper()
	cfg.Models = []string{"dark", "light"}
	cfg.AutoModels, cfg.DefaultModel = cfg.Models, server.Auto
	a.running = serveBare(t, cfg)
	if err := addAuto(a.server, a.dark, a.light); err != nil {
		t.Fatal(err)
	}
	return a
}

// addAuto gives a server both models, with runs as large as the dark one says.
func addAuto(s *server.Server, dark *fakeModel, light *lightModel) error {
	darkInfo, lightInfo := darkInfo(), lightInfo()
	darkInfo.MaxBatch, lightInfo.MaxBatch = dark.maxBatch, dark.maxBatch
	return errors.Join(
		s.AddModel(dark, darkInfo),
		s.AddModel(light, lightInfo),
		s.Router("dark").Route(darkInfo.Version, nil),
		s.Router("light").Route(lightInfo.Version, nil),
	)
}

// checkEncoded compares how many images each model has encoded since it was last
// asked.
func (a *auto) checkEncoded(t *testing.T, dark, light int) {
	t.Helper()
	if d, l := a.dark.encodedImages(), int(a.light.encoded.Swap(0)); d != dark || l != light {
		t.Errorf("the dark model encoded %d images and the light one %d, want %d and %d", d, l, dark, light)
	}
	a.dark.mu.Lock()
	a.dark.encoded = 0
	a.dark.mu.Unlock()
}

// compared is what the dark model, or the light one, says of two levels.
func compared(isLight bool, a, b byte, warning string) *pb.CompareResponse {
	if isLight {
		return &pb.CompareResponse{
			Similarity: lightSimilarity(a, b), Same: lightSimilarity(a, b) >= lightThreshold, Threshold: lightThreshold,
			Model: lightReference, FamiliarityA: lightly(a), FamiliarityB: lightly(b), Warning: warning,
		}
	}
	return &pb.CompareResponse{
		Similarity: graySimilarity(a, b), Same: graySimilarity(a, b) >= threshold, Threshold: threshold,
		Model: modelReference, FamiliarityA: darkly(a), FamiliarityB: darkly(b), Warning: warning,
	}
}

const lightSecond = "The second image is unlike the pictures that the model light knows (familiarity 0.039, bound 0.25): the similarity means little."

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

// TestAutoTellsTimesOfBothModels: of an encode by each.
func TestAutoTellsTimesOfBothModels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(took time.Duration) func(context.Context, int) error {
			return func(context.Context, int) error { time.Sleep(took); return nil } // fake time
		}
		r := serveAutoOf(t, server.Config{}, &auto{dark: &fakeModel{encode: slow(time.Second)}, light: &lightModel{encode: slow(3 * time.Second)}})
		got, err := r.Compare(t.Context(), compareRequest(grayImage(250), grayImage(240)))
		if err != nil {
			t.Fatal(err)
		}
		if took := got.GetTimings().GetEncode().AsDuration(); took != 4*time.Second {
			t.Errorf("encode = %v, want 4s", took)
		}
	})
}

func TestAutoCountsImagesByTheModelThatKnowsThem(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := serveAuto(t, server.Config{Metrics: registry})
	if _, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{
		grayImage(10), grayImage(250), grayImage(249), grayEmbedding(255),
	}}); err != nil {
		t.Fatal(err)
	}
	_ = r.stop()
	checkScrape(t, scrape{
		"siamese_images_familiarity_total{foreign=false,model=dark}":  1,
		"siamese_images_familiarity_total{foreign=false,model=light}": 2,
		"siamese_images_familiarity_total{foreign=true,model=dark}":   1,
	}, gather(t, registry).of("siamese_images_familiarity"))
}

var errLight = errors.New("secret: the light went out")

// TestAutoFailsWithItsSecondModel: the call fails as with the first, and neither
// queue keeps a place.
func TestAutoFailsWithItsSecondModel(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := serveAutoOf(t, server.Config{Metrics: registry}, &auto{dark: &fakeModel{}, light: &lightModel{
		encode: func(context.Context, int) error { return errLight },
	}})
	_, err := r.Compare(t.Context(), compareRequest(grayImage(250), grayImage(240)))
	if diff := cmp.Diff(failure{codes.Internal, fault.ReasonInternal, ""}, failureOf(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	checkEmptyQueues(t, registry)
	r.checkAnswers(t, 10, 20)
}

// checkEmptyQueues wants nothing to wait and no place to be held.
func checkEmptyQueues(t *testing.T, registry *prometheus.Registry) {
	t.Helper()
	got := gather(t, registry)
	for _, name := range []string{"siamese_queue_images", "siamese_queue_reserved_images", "siamese_encoder_images"} {
		checkScrape(t, scrape{}, got.of(name))
	}
}

// checkAnswers makes sure that the first model answers.
func (a *auto) checkAnswers(t *testing.T, x, y byte) {
	t.Helper()
	got, err := a.Compare(t.Context(), compareRequest(grayImage(x), grayImage(y)))
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, compared(false, x, y, ""), got, protocmp.IgnoreFields(&pb.CompareResponse{}, "timings"))
}

// blockedLight starts a server whose light model has an image under way, for as long
// as the gate is shut, and two that wait: as many as may.
func blockedLight(t *testing.T) (*auto, *prometheus.Registry, gate) {
	t.Helper()
	registry, blocked := prometheus.NewRegistry(), make(gate)
	cfg := smallQueue
	cfg.Metrics = registry
	r := serveAutoOf(t, cfg, &auto{dark: &fakeModel{maxBatch: 1}, light: &lightModel{encode: blocked.encode}})
	for _, levels := range [][]byte{{201}, {202, 203}} {
		var images []*pb.Image
		for _, level := range levels {
			images = append(images, grayImage(level))
		}
		go func() { _ = r.call(t.Context(), &pb.EmbedRequest{Images: images, Model: "light"}) }()
		synctest.Wait()
	}
	return r, registry, blocked
}

// TestAutoIsRefusedWhereItsSecondModelHasNoRoom: of an image that the second has to
// encode, whether that is known before or after the first has done so.
func TestAutoIsRefusedWhereItsSecondModelHasNoRoom(t *testing.T) {
	for name, give := range map[string]*pb.CompareRequest{
		"foreign to the first":   compareRequest(grayImage(250), grayImage(249)),
		"held to an embedding":   compareRequest(grayImage(10), lightEmbedding(200)),
		"one foreign, one known": compareRequest(grayImage(10), grayImage(255)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, registry, blocked := blockedLight(t)
				_, err := r.Compare(t.Context(), give)
				if diff := cmp.Diff(failure{codes.ResourceExhausted, fault.ReasonQueueFull, ""}, failureOf(err)); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				checkScrape(t, scrape{}, gather(t, registry).of("siamese_queue_reserved_images"))
				r.checkAnswers(t, 11, 12) // the first alone
				blocked.open()
				synctest.Wait()
				checkEmptyQueues(t, registry)
				if _, err := r.Compare(t.Context(), give); err != nil {
					t.Errorf("Compare with room = %v, want an answer", err)
				}
			})
		})
	}
}

// TestAutoIsCancelledWhileItsSecondModelIsBusy: the images leave its queue.
func TestAutoIsCancelledWhileItsSecondModelIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry, blocked := prometheus.NewRegistry(), make(gate)
		r := serveAutoOf(t, server.Config{Metrics: registry}, &auto{dark: &fakeModel{maxBatch: 1}, light: &lightModel{encode: blocked.encode}})
		go func() { _ = r.call(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{grayImage(201)}, Model: "light"}) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := r.Compare(ctx, compareRequest(grayImage(250), grayImage(240)))
			failed <- err
		}()
		synctest.Wait()
		checkScrape(t, scrape{"siamese_queue_images": 2, "siamese_encoder_images": 1}, twoOf(gather(t, registry)))
		cancel()
		if err := <-failed; failureOf(err).Code != codes.Canceled {
			t.Errorf("Compare = %v, want CANCELLED", err)
		}
		synctest.Wait()
		checkScrape(t, scrape{"siamese_encoder_images": 1}, twoOf(gather(t, registry)))
		blocked.open()
	})
}

// twoOf is what waits and what is under way, of all models.
func twoOf(s scrape) scrape {
	found := make(scrape)
	for _, name := range []string{"siamese_queue_images", "siamese_queue_reserved_images", "siamese_encoder_images"} {
		for _, value := range s.of(name) {
			found[name] += value
		}
	}
	return found
}

func TestAutoStream(t *testing.T) {
	r := serveAuto(t, server.Config{})
	c, opened := r.openStream(t.Context(), t, &pb.StreamOpening{})
	checkProto(t, &pb.StreamOpened{Window: 8, MaxReferences: 16, Threshold: threshold, Model: modelReference}, opened)
	light := func(name string, a, b byte) *pb.ReferenceScore {
		return &pb.ReferenceScore{
			Reference: name, Similarity: lightSimilarity(a, b), Same: lightSimilarity(a, b) >= lightThreshold, Model: lightReference,
		}
	}
	steps := []struct {
		name        string
		give        *pb.StreamCompareRequest
		want        *pb.StreamCompareResponse
		dark, light int // images encoded
	}{
		{"a reference by both", set("black", grayImage(0)), referenceSet("black", darkly(0), ""), 1, 1},
		{"another one", set("white", grayImage(255)), referenceSet("white", lightly(255), ""), 1, 1},
		{
			"a frame that the first knows", frame(1, grayImage(100), "black"),
			frameTold(1, darkly(100), "", scored("black", graySimilarity(100, 0))), 1, 0,
		},
		{
			"a frame that is foreign to the first", frame(2, grayImage(250), "white"),
			frameTold(2, lightly(250), "", light("white", 250, 255)), 1, 1,
		},
		{
			"against both", frame(3, grayImage(240), "black", "white"),
			// With black the dark model knows the frame by 0.059, the light one black by 0.
			frameTold(3, lightly(240), "", foreign(scored("black", graySimilarity(240, 0))), light("white", 240, 255)), 1, 1,
		},
		{
			"a pair", pair(4, grayImage(230), grayImage(235)),
			&pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_PairScored{PairScored: &pb.PairScored{
				Id: 4, CapturedAt: capturedAt(4), Score: scoreOf(compared(true, 230, 235, ""), lightReference),
			}}}, 2, 2,
		},
		{
			"a pair with a reference", pair(5, reference("white"), grayImage(236)),
			&pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_PairScored{PairScored: &pb.PairScored{
				Id: 5, CapturedAt: capturedAt(5), Score: scoreOf(compared(true, 255, 236, ""), lightReference),
			}}}, 1, 1,
		},
		{"a reference as an embedding", set("light", lightEmbedding(120)), referenceSet("light", lightly(120), ""), 0, 0},
		{
			"a frame that the first knows, against it", frame(6, grayImage(101), "light"),
			frameTold(6, lightly(101), "", light("light", 101, 120)), 1, 1,
		},
		{
			"an embedding as a frame, of the same model", frame(7, lightEmbedding(130), "light", "white"),
			frameTold(7, lightly(130), "", light("light", 130, 120), light("white", 130, 255)), 0, 0,
		},
		{
			"of another model", frame(8, grayEmbedding(130), "white", "light"),
			failedFrame(8, failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "frame.image"}), 0, 0,
		},
		{
			"a pair of two models' embeddings", pair(9, grayEmbedding(1), reference("light")),
			failedFrame(9, failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "pair.image_b"}), 0, 0,
		},
		{
			"an embedding of neither", set("x", embedding("other", 1)),
			failedReference("x", failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "set_reference.image"}), 0, 0,
		},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			checkProto(t, step.want, c.ask(step.give), withoutTimings)
			r.checkEncoded(t, step.dark, step.light)
		})
	}
	if rest, err := c.end(); len(rest) != 0 || err != nil {
		t.Errorf("end of stream = %v, %v, want OK", rest, err)
	}
}

// TestAutoStreamIsCompareOfEachPair: a frame's scores are those of unary calls, though
// references are encoded by all models.
func TestAutoStreamIsCompareOfEachPair(t *testing.T) {
	r := serveAuto(t, server.Config{})
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	images := make(map[string]*pb.Image)
	for level := 0; level < 256; level += 51 {
		name := fmt.Sprint(level)
		images[name] = grayImage(byte(level))
		if got := c.ask(set(name, images[name])).GetReferenceSet(); got.GetFamiliarity().GetForeign() {
			t.Errorf("reference of level %d: %v, want it known to one of the models", level, got)
		}
	}
	for level := 0; level < 256; level += 15 {
		frame := c.ask(frame(uint64(level), grayImage(byte(level)))).GetFrameScored()
		for _, score := range frame.GetScores() {
			alone, err := r.Compare(t.Context(), compareRequest(grayImage(byte(level)), images[score.GetReference()]))
			if err != nil {
				t.Fatal(err)
			}
			want := &pb.ReferenceScore{
				Reference: score.GetReference(), Similarity: alone.GetSimilarity(), Same: alone.GetSame(),
				// Foreign may be the frame to this model, while it is known to another one.
				Foreign: alone.GetFamiliarityB().GetForeign() || alone.GetFamiliarityA().GetForeign() && !frame.GetFamiliarity().GetForeign(),
			}
			if alone.GetModel().GetDigest() != modelDigest {
				want.Model = alone.GetModel()
			}
			checkProto(t, want, score)
		}
	}
	if _, err := c.end(); err != nil {
		t.Error(err)
	}
}

// TestAutoStreamOfEmbeddings: where all references are embeddings of one model, frames
// are encoded by that alone.
func TestAutoStreamOfEmbeddings(t *testing.T) {
	r := serveAuto(t, server.Config{})
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{
		References: []*pb.SetReference{{Name: "a", Image: lightEmbedding(200)}},
		Options:    &pb.CompareOptions{IncludePrepared: true, Threshold: proto.Float32(0.5)},
	})
	c.receive()
	got := c.ask(frame(1, grayImage(100))).GetFrameScored()
	checkSide(t, got.GetPreparedPng(), lightSide)
	checkProto(t, []*pb.ReferenceScore{{
		Reference: "a", Similarity: lightSimilarity(100, 200), Same: true, Model: lightReference,
	}}, got.GetScores())
	r.checkEncoded(t, 0, 1)
	for level, side := range map[byte]int{10: inputSide, 250: lightSide} {
		checkSide(t, c.ask(set("b", grayImage(level))).GetReferenceSet().GetPreparedPng(), side)
		got := c.ask(frame(2, encoded(withComment(gray(level))), "b")).GetFrameScored()
		checkSide(t, got.GetPreparedPng(), side)
	}
	if _, err := c.end(); err != nil {
		t.Error(err)
	}
}

// TestAutoStreamWaitsForItsSecondModel: a full queue slows it down.
func TestAutoStreamWaitsForItsSecondModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, registry, blocked := blockedLight(t)
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{
			References: []*pb.SetReference{{Name: "a", Image: grayEmbedding(0)}},
		})
		c.receive()
		for id := range uint64(20) {
			c.send(frame(id, grayImage(byte(210+id))))
		}
		synctest.Wait()
		blocked.open()
		for id := range uint64(20) {
			if got := c.receive().GetFrameScored(); got.GetId() != id || len(got.GetScores()) != 1 {
				t.Errorf("answer %d = %v, want a score", id, got)
			}
		}
		if _, err := c.end(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		checkEmptyQueues(t, registry)
	})
}

// TestAutoStreamEndsWithEitherModel: it is told when one of its models is to go, and
// holds both until it has ended.
func TestAutoStreamEndsWithEitherModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveAuto(t, server.Config{})
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		next := lightInfo()
		next.Version = "lighter"
		if err := errors.Join(r.server.AddModel(&lightModel{}, next), r.server.Router("light").Route(next.Version, nil)); err != nil {
			t.Fatal(err)
		}
		wait, err := r.server.RemoveModel("light", "light")
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		go func() { wait(); close(gone) }()
		if c.receive().GetDraining() == nil {
			t.Error("the stream was not told that one of its models is to go")
		}
		synctest.Wait()
		select {
		case <-gone:
			t.Error("the model is gone while a stream is on it")
		default:
		}
		if _, err := c.rest(); failureOf(err).Reason != fault.ReasonDraining {
			t.Errorf("end of stream = %v, want %s", err, fault.ReasonDraining)
		}
		<-gone
		got, err := r.Compare(t.Context(), compareRequest(grayImage(250), grayImage(240)))
		if err != nil || got.GetModel().GetVersion() != next.Version {
			t.Errorf("Compare = %v, %v; want an answer of version %q", got, err, next.Version)
		}
	})
}

// TestAutoUnderLoad: calls and streams of all kinds at a time, with the right answers.
func TestAutoUnderLoad(t *testing.T) {
	r := serveAuto(t, withCache)
	done := make(chan error)
	const callers = 8
	for caller := range callers {
		go func() {
			for i := range 30 {
				a, b := byte(8*i), byte(255-7*i-caller)
				if _, err := r.Compare(t.Context(), compareRequest(grayImage(a), grayImage(b))); err != nil {
					done <- err
					return
				}
				if err := r.call(t.Context(), &pb.RankRequest{Query: grayImage(a), Candidates: []*pb.Image{grayImage(b), lightEmbedding(b), grayEmbedding(b)}}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
