package chaos_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

// aloneTolerance is how far the similarity of a pair may be from that of its two
// pictures encoded one by one: sums of another batch are added up in another
// order.
const aloneTolerance = 1e-5

// TestConcurrentPairsAreAnsweredAsIfAlone: whatever runs a picture shares, and
// whatever is wrong with others, the real network's answer is the one that it
// gives the pair alone.
func TestConcurrentPairsAreAnsweredAsIfAlone(t *testing.T) {
	server := observe(t, "--cache-bytes", "0")
	p := newPairStorm(t, siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address)))
	before := server.metric(t, "siamese_batch_images_count")
	encoded := server.metric(t, "siamese_batch_images_sum")
	var callers sync.WaitGroup
	calls := byForm(2, 40)
	for caller := range uint64(16) {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(caller, 2))
			for range calls {
				p.compare(t, random)
				p.batchCompare(t, random)
			}
		})
	}
	callers.Wait()
	runs := server.metric(t, "siamese_batch_images_count") - before
	figure(t, "random pairs of 16 callers: %d scored, %d refused, %.1f images a run, farthest from its lone answer %.1e (bar %.0e)",
		p.scored, p.refused, (server.metric(t, "siamese_batch_images_sum")-encoded)/runs, p.farthest, aloneTolerance)
	if p.scored == 0 || p.refused == 0 {
		t.Errorf("%d pairs were scored and %d refused, want some of each", p.scored, p.refused)
	}
}

// pairStorm knows the lone answer of each pair of its pictures.
type pairStorm struct {
	service  siamesev1.SiameseServiceClient
	pictures []*siamesev1.Image
	alone    map[[2]int]float64
	broken   []*siamesev1.Image

	mu              sync.Mutex // guards all below
	scored, refused int
	farthest        float64
}

// stormPictures is how many of the drawings are used; each costs an encode.
const stormPictures = 12

func newPairStorm(t *testing.T, service siamesev1.SiameseServiceClient) *pairStorm {
	t.Helper()
	p := &pairStorm{service: service, alone: make(map[[2]int]float64)}
	var embeddings []*siamesev1.Image
	for _, pair := range fixture.Pairs(t)[:stormPictures] {
		picture := fixture.Encoded(t, filepath.Join(proctest.Root, pair[len(embeddings)%2]))
		got, err := service.Embed(t.Context(), &siamesev1.EmbedRequest{Images: []*siamesev1.Image{picture}})
		if err != nil {
			t.Fatal(err)
		}
		embedding := got.GetResults()[0].GetEmbedding()
		p.pictures = append(p.pictures, picture)
		embeddings = append(embeddings, &siamesev1.Image{Source: &siamesev1.Image_Embedding{Embedding: embedding}})
	}
	for a := range embeddings {
		for b := range embeddings {
			got, err := service.Compare(t.Context(), &siamesev1.CompareRequest{ImageA: embeddings[a], ImageB: embeddings[b]})
			if err != nil {
				t.Fatal(err)
			}
			p.alone[[2]int{a, b}] = float64(got.GetSimilarity())
		}
	}
	good := proctest.ReadFile(t, proctest.GlyphA)
	for _, data := range [][]byte{nil, good[:len(good)/2], []byte("no picture at all")} {
		p.broken = append(p.broken, &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: data}})
	}
	return p
}

// randomPair is a pair with its lone answer; ok is false where one of its images
// is broken.
func (p *pairStorm) randomPair(random *rand.Rand) (pair *siamesev1.ImagePair, want float64, ok bool) {
	a, b := random.IntN(len(p.pictures)), random.IntN(len(p.pictures))
	pair = &siamesev1.ImagePair{ImageA: p.pictures[a], ImageB: p.pictures[b]}
	if random.IntN(4) > 0 {
		return pair, p.alone[[2]int{a, b}], true
	}
	pair.ImageB = p.broken[random.IntN(len(p.broken))]
	return pair, 0, false
}

func (p *pairStorm) compare(t *testing.T, random *rand.Rand) {
	pair, want, ok := p.randomPair(random)
	got, err := p.service.Compare(t.Context(), &siamesev1.CompareRequest{ImageA: pair.GetImageA(), ImageB: pair.GetImageB()})
	if err := p.check(status.Code(err), float64(got.GetSimilarity()), want, ok); err != nil {
		t.Errorf("Compare: %v", err)
	}
}

func (p *pairStorm) batchCompare(t *testing.T, random *rand.Rand) {
	request := &siamesev1.BatchCompareRequest{}
	wants, oks := make([]float64, 3), make([]bool, 3)
	for i := range wants {
		var pair *siamesev1.ImagePair
		pair, wants[i], oks[i] = p.randomPair(random)
		request.Pairs = append(request.Pairs, pair)
	}
	got, err := p.service.BatchCompare(t.Context(), request)
	if err != nil || len(got.GetResults()) != len(wants) {
		t.Errorf("BatchCompare = %d results, %v; want %d", len(got.GetResults()), err, len(wants))
		return
	}
	for i, result := range got.GetResults() {
		code := codes.Code(result.GetError().GetCode())
		if err := p.check(code, float64(result.GetScore().GetSimilarity()), wants[i], oks[i]); err != nil {
			t.Errorf("BatchCompare, pair %d: %v", i, err)
		}
	}
}

// check counts an answer and tells what is wrong with it.
func (p *pairStorm) check(code codes.Code, got, want float64, ok bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !ok:
		p.refused++
		if code != codes.InvalidArgument {
			return fmt.Errorf("a broken image is answered by %v, want INVALID_ARGUMENT", code)
		}
	case code != codes.OK:
		return fmt.Errorf("a good pair failed with %v, want an answer", code)
	default:
		p.scored++
		p.farthest = max(p.farthest, math.Abs(got-want))
		if math.Abs(got-want) > aloneTolerance {
			return fmt.Errorf("similarity %v, alone %v: more than %v apart", got, want, aloneTolerance)
		}
	}
	return nil
}
