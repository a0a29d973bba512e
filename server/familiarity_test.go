package server_test

import (
	"math"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

// byLevel says how familiar an image is by its mean level of grey, 0..1.
type byLevel struct {
	of    func(level float32) float32
	bound float32
	asked atomic.Int64 // images
	seen  atomic.Int64 // those of them that came with pixels
}

func (f *byLevel) Of(pixels []byte, embedding []float32) float32 {
	f.asked.Add(1)
	if pixels != nil {
		f.seen.Add(1)
	}
	var sum float64
	for _, v := range embedding {
		sum += float64(v)
	}
	return f.of(float32(sum / float64(len(embedding))))
}

func (f *byLevel) Bound() float32 { return f.bound }

// darkFamiliarity is that of a model which knows dark pictures: those above three
// quarters of white are foreign to it.
func darkFamiliarity() *byLevel {
	return &byLevel{of: func(level float32) float32 { return 1 - level }, bound: 0.25}
}

// darkInfo is modelInfo of a model that knows dark pictures.
func darkInfo() server.ModelInfo {
	info := modelInfo
	info.ServingName, info.Familiarity = "dark", darkFamiliarity()
	return info
}

// serveDark starts a server with a model that knows dark pictures.
func serveDark(t *testing.T, cfg server.Config, info server.ModelInfo) *running {
	t.Helper()
	r := serveBare(t, cfg)
	if err := setModel(r.server, &fakeModel{}, info); err != nil {
		t.Fatal(err)
	}
	return r
}

// darkly is how familiar a level of grey is to the dark model.
func darkly(level byte) *pb.Familiarity {
	value := 1 - float32(level)/255
	return &pb.Familiarity{Value: value, Foreign: value < 0.25}
}

const (
	darkFirst     = "The first image is unlike the pictures that the model dark knows (familiarity 0, bound 0.25): the similarity means little."
	darkSecond    = "The second image is unlike the pictures that the model dark knows (familiarity 0.007, bound 0.25): the similarity means little."
	darkBoth      = "Both images are unlike the pictures that the model dark knows (familiarity 0 and 0.007, bound 0.25): the similarity means little."
	darkCandidate = "The candidate is unlike the pictures that the model dark knows (familiarity 0, bound 0.25): the similarity means little."
)

// darkWarning is that of an image which is white, by what people call it.
func darkWarning(subject string) string {
	return subject + " is unlike the pictures that the model dark knows (familiarity 0, bound 0.25): similarities with it mean little."
}

func TestCompareTellsFamiliarity(t *testing.T) {
	tests := []struct {
		name        string
		giveA       *pb.Image
		giveB       *pb.Image
		a, b        byte // levels
		wantWarning string
	}{
		{"both are known", grayImage(10), grayImage(100), 10, 100, ""},
		{"at the bound", grayImage(10), grayImage(191), 10, 191, ""},
		{"the first is foreign", grayImage(255), grayImage(100), 255, 100, darkFirst},
		{"the second is foreign", grayImage(100), grayImage(253), 100, 253, darkSecond},
		{"both are foreign", grayImage(255), grayImage(253), 255, 253, darkBoth},
		{"the first, as an embedding", grayEmbedding(255), grayImage(100), 255, 100, darkFirst},
		{"the second, as an embedding", rawGray(100), grayEmbedding(253), 100, 253, darkSecond},
	}
	for _, cache := range []server.Config{{}, withCache} {
		info := darkInfo()
		r := serveDark(t, cache, info)
		for range 2 { // the second time from the cache, where there is one
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					told := info.Familiarity.(*byLevel)
					before, seenBefore := told.asked.Load(), told.seen.Load()
					got, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: tt.giveA, ImageB: tt.giveB})
					if err != nil {
						t.Fatal(err)
					}
					checkProto(t, &pb.CompareResponse{
						Similarity: graySimilarity(tt.a, tt.b), Same: graySimilarity(tt.a, tt.b) >= threshold, Threshold: threshold,
						Model: modelReference, FamiliarityA: darkly(tt.a), FamiliarityB: darkly(tt.b), Warning: tt.wantWarning,
					}, got, protocmp.IgnoreFields(&pb.CompareResponse{}, "timings"))
					asked, seen := told.asked.Load()-before, told.seen.Load()-seenBefore
					if asked > 2 || cache.CacheBytes == 0 && asked != 2 {
						t.Errorf("familiarity was asked for %d times, want once for each image that the cache does not know", asked)
					}
					embeddings := int64(0)
					for _, image := range []*pb.Image{tt.giveA, tt.giveB} {
						if image.GetEmbedding() != nil {
							embeddings++
						}
					}
					if asked-seen != embeddings {
						t.Errorf("%d of %d images came without pixels, want %d, the embeddings", asked-seen, asked, embeddings)
					}
				})
			}
		}
	}
}

// TestModelThatDoesNotTell: its replies are as before.
func TestModelThatDoesNotTell(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	got, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: grayImage(255), ImageB: grayImage(0)})
	if err != nil || got.GetFamiliarityA() != nil || got.GetFamiliarityB() != nil || got.GetWarning() != "" {
		t.Errorf("Compare = %v, %v; want neither familiarity nor a warning", got, err)
	}
}

func TestBatchCompareTellsFamiliarity(t *testing.T) {
	info := darkInfo()
	r := serveDark(t, server.Config{}, info)
	got, err := r.BatchCompare(t.Context(), &pb.BatchCompareRequest{Pairs: []*pb.ImagePair{
		{ImageA: grayImage(255), ImageB: grayImage(100)},
		{ImageA: grayImage(100), ImageB: grayImage(10)},
		{ImageA: grayImage(100), ImageB: grayImage(253)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := func(a, b byte, warning string) *pb.PairResult {
		result := score(graySimilarity(a, b))
		result.GetScore().FamiliarityA, result.GetScore().FamiliarityB, result.GetScore().Warning = darkly(a), darkly(b), warning
		return result
	}
	checkProto(t, &pb.BatchCompareResponse{
		Results:   []*pb.PairResult{want(255, 100, darkFirst), want(100, 10, ""), want(100, 253, darkSecond)},
		Threshold: threshold, Model: modelReference, EncodedImages: 4,
	}, got, protocmp.IgnoreFields(&pb.BatchCompareResponse{}, "timings"))
	if asked := info.Familiarity.(*byLevel).asked.Load(); asked != 4 {
		t.Errorf("familiarity was asked for %d times, want once for each image", asked)
	}
}

func TestRankTellsFamiliarity(t *testing.T) {
	r := serveDark(t, server.Config{}, darkInfo())
	for _, query := range []byte{100, 255} {
		got, err := r.Rank(t.Context(), &pb.RankRequest{
			Query: grayImage(query), Candidates: []*pb.Image{grayImage(255), grayImage(90), grayEmbedding(0)},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := &pb.RankResponse{Threshold: threshold, Model: modelReference, EncodedImages: 3, Familiarity: darkly(query)}
		order := []byte{90, 0, 255}
		if query == 255 {
			want.Warning, want.EncodedImages, order = darkWarning("The query"), 2, []byte{255, 90, 0}
		}
		for _, level := range order {
			c := candidate(map[byte]uint32{255: 0, 90: 1, 0: 2}[level], graySimilarity(query, level))
			if c.Familiarity = darkly(level); level == 255 {
				c.Warning = darkCandidate
			}
			want.Ranked = append(want.Ranked, c)
		}
		checkProto(t, want, got, protocmp.IgnoreFields(&pb.RankResponse{}, "timings"))
	}
}

func TestEmbedTellsFamiliarity(t *testing.T) {
	r := serveDark(t, server.Config{}, darkInfo())
	got, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{grayImage(51), grayEmbedding(255), {}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []*pb.EmbedResult{
		{Familiarity: darkly(51)},
		{Familiarity: darkly(255), Warning: darkWarning("The image")},
		{},
	} {
		want.Outcome = got.GetResults()[i].GetOutcome()
		checkProto(t, want, got.GetResults()[i])
	}
}

func TestStreamTellsFamiliarity(t *testing.T) {
	r := serveDark(t, server.Config{}, darkInfo())
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	steps := []struct {
		give *pb.StreamCompareRequest
		want *pb.StreamCompareResponse
	}{
		{set("black", grayImage(0)), referenceSet("black", darkly(0), "")},
		{set("white", grayEmbedding(255)), referenceSet("white", darkly(255), darkWarning("The reference"))},
		{frame(1, grayImage(100)), frameTold(1, darkly(100), "", scored("black", graySimilarity(100, 0)), foreign(scored("white", graySimilarity(100, 255))))},
		{frame(2, grayImage(255), "black"), frameTold(2, darkly(255), darkWarning("The frame"), scored("black", graySimilarity(255, 0)))},
		{frame(3, reference("white"), "black"), frameTold(3, darkly(255), darkWarning("The frame"), scored("black", graySimilarity(255, 0)))},
		{pair(4, reference("white"), grayImage(100)), pairTold(4, graySimilarity(255, 100), darkly(255), darkly(100), darkFirst)},
	}
	for _, step := range steps {
		checkProto(t, step.want, c.ask(step.give), withoutTimings)
	}
	if rest, err := c.end(); len(rest) != 0 || err != nil {
		t.Errorf("end of stream = %v, %v, want OK", rest, err)
	}
}

func referenceSet(name string, familiarity *pb.Familiarity, warning string) *pb.StreamCompareResponse {
	answer := setAnswer(name)
	answer.GetReferenceSet().Familiarity, answer.GetReferenceSet().Warning = familiarity, warning
	return answer
}

func frameTold(id uint64, familiarity *pb.Familiarity, warning string, scores ...*pb.ReferenceScore) *pb.StreamCompareResponse {
	answer := frameAnswer(id, scores...)
	answer.GetFrameScored().Familiarity, answer.GetFrameScored().Warning = familiarity, warning
	return answer
}

func pairTold(id uint64, similarity float32, a, b *pb.Familiarity, warning string) *pb.StreamCompareResponse {
	answer := pairAnswer(id, similarity)
	told := answer.GetPairScored().GetScore()
	told.FamiliarityA, told.FamiliarityB, told.Warning = a, b, warning
	return answer
}

func foreign(score *pb.ReferenceScore) *pb.ReferenceScore {
	score.Foreign = true
	return score
}

// TestFamiliarityIsCounted: each image of a call once, whatever it is held against;
// those of which no score is made are not.
func TestFamiliarityIsCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := serveDark(t, server.Config{Metrics: registry}, darkInfo())
	if _, err := r.Rank(t.Context(), &pb.RankRequest{Query: grayImage(255), Candidates: []*pb.Image{
		grayImage(254), grayImage(10), grayImage(10), grayEmbedding(20), {},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.BatchCompare(t.Context(), &pb.BatchCompareRequest{Pairs: []*pb.ImagePair{{ImageA: grayImage(255)}}}); err != nil {
		t.Fatal(err)
	}
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	c.ask(set("a", grayImage(253)))
	c.ask(frame(1, grayImage(1)))
	c.ask(frame(2, reference("a")))
	if _, err := c.end(); err != nil {
		t.Fatal(err)
	}
	_ = r.stop()
	checkScrape(t, scrape{
		"siamese_images_familiarity_total{foreign=false,model=dark}": 3,
		"siamese_images_familiarity_total{foreign=true,model=dark}":  3,
	}, gather(t, registry).of("siamese_images_familiarity"))
}

// TestFamiliarityThatFailsIsTheServersFault: nobody is told nonsense, and the server goes
// on.
func TestFamiliarityThatFailsIsTheServersFault(t *testing.T) {
	for name, of := range map[string]func(float32) float32{
		"below 0":  func(float32) float32 { return -0.1 },
		"above 1":  func(float32) float32 { return 1.1 },
		"NaN":      func(float32) float32 { return float32(math.NaN()) },
		"a panic":  func(float32) float32 { panic(errModel) },
		"infinity": func(float32) float32 { return float32(math.Inf(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			info := darkInfo()
			info.Familiarity = &byLevel{of: of}
			r := serveDark(t, server.Config{}, info)
			internal := failure{Code: codes.Internal, Reason: fault.ReasonInternal}
			for range 2 {
				_, err := r.Compare(t.Context(), compareRequest(grayImage(1), grayEmbedding(2)))
				if diff := cmp.Diff(internal, failureOf(err)); diff != "" {
					t.Errorf("Compare (-want +got):\n%s", diff)
				}
			}
			c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
			for range 2 {
				checkProto(t, failedReference("a", internal), c.ask(set("a", grayImage(1))), withoutTimings)
			}
			if _, err := c.end(); err != nil {
				t.Errorf("end of stream = %v, want OK", err)
			}
		})
	}
}
