package scorer_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"siamese/cmd/siamese/internal/scorer"
	siamesev1 "siamese/proto/siamese/v1"
)

// Limits of the server under test.
const (
	maxImageBytes   = 20_000
	maxMessageBytes = 64_000
	maxItems        = 3
	maxPixels       = 10_000
	inputSide       = 8
)

// limited is a server that keeps to its limits and counts what it is asked. The
// similarity of a picture is what its name, which is its whole content, says.
type limited struct {
	siamesev1.UnimplementedSiameseServiceServer
	defaultModel string
	views        uint32 // of a picture, that a call may ask for
	queued       uint32 // images of a call; 0: 100

	mu      sync.Mutex // guards all below
	busy    int        // calls that are refused before one is answered
	calls   map[string]int
	sizes   []int // of the images
	queries []*siamesev1.Image

	viewsAsked []uint32 // by BatchCompares, which come one after another
}

func (l *limited) GetServerInfo(context.Context, *siamesev1.GetServerInfoRequest) (*siamesev1.GetServerInfoResponse, error) {
	model := &siamesev1.ModelInfo{
		Reference: &siamesev1.ModelReference{Name: "card"}, ServingName: "general", InputWidth: inputSide, InputHeight: inputSide,
		EmbeddingLength: 2, Threshold: 0.5, ResizeRule: "shorter-side",
	}
	return &siamesev1.GetServerInfoResponse{
		Model: model, Models: []*siamesev1.ModelInfo{model}, DefaultModel: l.defaultModel,
		Limits: &siamesev1.Limits{
			MaxMessageBytes: maxMessageBytes, MaxImageBytes: maxImageBytes, MaxImagePixels: maxPixels,
			MaxPairs: maxItems, MaxCandidates: maxItems, MaxImages: maxItems, MaxQueuedImages: cmp.Or(l.queued, 100), MemoryBytes: 1 << 30, MaxTestTimeViews: l.views,
		},
	}, nil
}

// admit counts a call of some images, and refuses it where the server is busy.
func (l *limited) admit(call string, most int, items int, images ...*siamesev1.Image) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[call]++
	if l.busy > 0 {
		l.busy--
		busy, err := status.New(codes.ResourceExhausted, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)})
		if err != nil {
			return err
		}
		return busy.Err()
	}
	if items > most {
		return status.Errorf(codes.InvalidArgument, "received %d items, expected at most %d", items, most)
	}
	for _, image := range images {
		if size := len(image.GetEncoded()); size > maxImageBytes {
			return status.Errorf(codes.InvalidArgument, "received %d bytes, expected at most %d", size, maxImageBytes)
		}
		l.sizes = append(l.sizes, len(image.GetEncoded()))
	}
	return nil
}

// similarity is what an image says of itself: "0.25".
func similarity(image *siamesev1.Image) (value float32, ok bool) {
	_, err := fmt.Sscanf(string(image.GetEncoded()), "%g", &value)
	return value, err == nil
}

func (l *limited) Rank(_ context.Context, request *siamesev1.RankRequest) (*siamesev1.RankResponse, error) {
	if err := l.admit("rank", maxItems, len(request.GetCandidates()), request.GetCandidates()...); err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.queries = append(l.queries, request.GetQuery())
	l.mu.Unlock()
	reply := &siamesev1.RankResponse{Threshold: 0.5, Model: &siamesev1.ModelReference{Name: "card"}, Warning: "of the call"}
	for i, candidate := range request.GetCandidates() {
		if value, ok := similarity(candidate); ok {
			reply.Ranked = append(reply.Ranked, &siamesev1.RankedCandidate{Index: uint32(i), Similarity: value, Same: value >= 0.5})
			continue
		}
		reply.Errors = append(reply.Errors, &siamesev1.CandidateError{Index: uint32(i), Error: &siamesev1.ItemError{Reason: "IMAGE_FORMAT_UNKNOWN"}})
	}
	slices.SortFunc(reply.Ranked, func(a, b *siamesev1.RankedCandidate) int { return int(1e6 * (b.GetSimilarity() - a.GetSimilarity())) })
	return reply, nil
}

func (l *limited) BatchCompare(_ context.Context, request *siamesev1.BatchCompareRequest) (*siamesev1.BatchCompareResponse, error) {
	var images []*siamesev1.Image
	for _, pair := range request.GetPairs() {
		images = append(images, pair.GetImageA(), pair.GetImageB())
	}
	if err := l.admit("batch", maxItems, len(request.GetPairs()), images...); err != nil {
		return nil, err
	}
	l.viewsAsked = append(l.viewsAsked, request.GetOptions().GetTestTimeViews())
	reply := &siamesev1.BatchCompareResponse{Threshold: 0.5, Model: &siamesev1.ModelReference{Name: "card"}}
	for i, pair := range request.GetPairs() {
		value, ok := similarity(pair.GetImageB())
		if !ok {
			reply.Results = append(reply.Results, &siamesev1.PairResult{Outcome: &siamesev1.PairResult_Error{Error: &siamesev1.ItemError{
				Code: int32(codes.InvalidArgument), Reason: "IMAGE_FORMAT_UNKNOWN", Field: fmt.Sprintf("pairs[%d].image_b", i),
			}}})
			continue
		}
		reply.Results = append(reply.Results, &siamesev1.PairResult{Outcome: &siamesev1.PairResult_Score{Score: &siamesev1.PairScore{Similarity: value, Same: value >= 0.5}}})
	}
	return reply, nil
}

func (l *limited) Embed(_ context.Context, request *siamesev1.EmbedRequest) (*siamesev1.EmbedResponse, error) {
	if err := l.admit("embed", maxItems, len(request.GetImages()), request.GetImages()...); err != nil {
		return nil, err
	}
	reply := &siamesev1.EmbedResponse{Model: &siamesev1.ModelReference{Name: "card"}}
	for _, image := range request.GetImages() {
		value, _ := similarity(image)
		reply.Results = append(reply.Results, &siamesev1.EmbedResult{
			Outcome: &siamesev1.EmbedResult_Embedding{Embedding: &siamesev1.Embedding{Values: []float32{value, 1}}},
			Warning: "of the query",
		})
	}
	return reply, nil
}

// open starts the server and returns a scorer that asks it, and its notes.
func open(t *testing.T, l *limited, model string) (scorer.Scorer, *bytes.Buffer) {
	t.Helper()
	return openViews(t, l, model, 0)
}

// openViews is open of a scorer that asks for views.
func openViews(t *testing.T, l *limited, model string, views int) (scorer.Scorer, *bytes.Buffer) {
	t.Helper()
	l.calls = make(map[string]int)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessageBytes))
	siamesev1.RegisterSiameseServiceServer(s, l)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	var flags scorer.Flags
	flags.Server, flags.Model, flags.Timeout = listener.Addr().String(), model, time.Minute
	var notes bytes.Buffer
	by, err := flags.Open(t.Context(), &notes, scorer.ScoreFlags{TestTime: views})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := by.Close(); err != nil {
			t.Error(err)
		}
		s.Stop()
		<-served
	})
	return by, &notes
}

// write makes files that say their similarity, padded to a size.
func write(t *testing.T, size int, values ...string) []scorer.Picture {
	t.Helper()
	var made []scorer.Picture
	dir := t.TempDir()
	for i, value := range values {
		path := filepath.Join(dir, fmt.Sprint(i))
		text := value + " " + strings.Repeat("x", max(size-len(value)-1, 0))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		made = append(made, scorer.Picture{Name: path})
	}
	return made
}

// TestRankIsSplit: into calls of what the server takes, merged in order, with the query
// embedded once where one model answers, and calls repeated where the server is busy.
func TestRankIsSplit(t *testing.T) {
	values := []string{"0.1", "0.9", "no number", "0.5", "0.3", "0.7", "0.9"}
	for _, defaultModel := range []string{"general", "auto"} {
		l := &limited{defaultModel: defaultModel, busy: 2}
		by, _ := open(t, l, "")
		candidates := append(write(t, 100, values...), scorer.Picture{Name: "missing"})
		var steps []int
		ranking, err := by.Rank(t.Context(), write(t, 100, "0.5")[0], candidates, func(done int) { steps = append(steps, done) })
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		for _, match := range ranking.Matches {
			order = append(order, match.Index)
			if match.Model != "general" || match.Card != "card" || match.Threshold != 0.5 || match.Same != (match.Similarity >= 0.5) {
				t.Errorf("%s: match %+v, want the model's name, its card's, and the threshold", defaultModel, match)
			}
		}
		if want := []int{1, 6, 5, 3, 4, 0}; !slices.Equal(order, want) {
			t.Errorf("%s: candidates in the order %v, want %v", defaultModel, order, want)
		}
		if len(ranking.Failed) != 2 || ranking.Failed[0].Index != 2 || ranking.Failed[1].Index != 7 {
			t.Errorf("%s: failed %v, want candidates 2 and 7", defaultModel, ranking.Failed)
		}
		if steps[len(steps)-1] != len(candidates) {
			t.Errorf("%s: progress %v, want it to end with %d", defaultModel, steps, len(candidates))
		}
		wantEmbeds, wantWarning := 1, "of the query"
		if defaultModel == "auto" {
			wantEmbeds, wantWarning = 0, "of the call"
		}
		embeds := l.calls["embed"] - map[bool]int{true: 2}[defaultModel == "general"] // the busy ones
		if answered := len(l.queries); answered != 3 || embeds != wantEmbeds || ranking.Warning != wantWarning {
			t.Errorf("%s: %d calls answered, %d embeds, warning %q; want 3, %d, %q", defaultModel, answered, embeds, ranking.Warning, wantEmbeds, wantWarning)
		}
		for _, query := range l.queries {
			if isEmbedding := query.GetEmbedding() != nil; isEmbedding != (wantEmbeds == 1) {
				t.Errorf("%s: the query was sent as %v", defaultModel, query)
			}
		}
	}
}

func TestPairsWithViewsKeepToTheQueue(t *testing.T) {
	l := &limited{defaultModel: "general", views: 8, queued: 40}
	by, _ := openViews(t, l, "", 8)
	var pairs []scorer.Pair
	for _, picture := range write(t, 100, "0.1", "0.9", "0.5", "0.3", "0.7") {
		pairs = append(pairs, scorer.Pair{A: picture, B: picture})
	}
	results, err := by.Pairs(t.Context(), pairs)
	if err != nil || results[4].Similarity != 0.7 {
		t.Fatalf("Pairs = %v, %v, want a similarity of 0.7 as the last", results, err)
	}
	if want := []uint32{8, 8, 8}; !slices.Equal(l.viewsAsked, want) { // 40 images are two pairs of 8 views
		t.Errorf("calls asked for %v views, want %v: at most two pairs a call", l.viewsAsked, want)
	}
}

func TestViewsThatAServerDoesNotScore(t *testing.T) {
	for give, want := range map[uint32]string{0: "at most 1 views", 4: "at most 4 views"} {
		by, _ := openViews(t, &limited{defaultModel: "general", views: give}, "", 5)
		pictures := write(t, 100, "0.1", "0.9")
		if _, err := by.Compare(t.Context(), scorer.Pair{A: pictures[0], B: pictures[1]}, false); err == nil || !strings.Contains(err.Error(), want+" of a picture, want 5") {
			t.Errorf("Compare = %v, want an error with %q", err, want)
		}
	}
}

// TestPairsKeepToTheMessage: pictures of 15,000 bytes go into calls of 64,000.
func TestPairsKeepToTheMessage(t *testing.T) {
	l := &limited{defaultModel: "general"}
	by, _ := open(t, l, "")
	pictures := write(t, 15_000, "0.1", "0.9", "no number", "0.5", "0.3")
	var pairs []scorer.Pair
	for _, b := range pictures {
		pairs = append(pairs, scorer.Pair{A: pictures[0], B: b})
	}
	pairs = append(pairs, scorer.Pair{A: scorer.Picture{Name: "missing"}, B: pictures[0]})
	results, err := by.Pairs(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{0.1, 0.9, 0, 0.5, 0.3, 0} {
		got := results[i]
		if got.Similarity != want || (got.Err != nil) != (want == 0) {
			t.Errorf("pair %d = %v, %v; want %v", i, got.Similarity, got.Err, want)
		}
	}
	if !strings.Contains(results[2].Err.Error(), pictures[2].Name+": IMAGE_FORMAT_UNKNOWN") || !strings.Contains(results[5].Err.Error(), "missing: no such file") {
		t.Errorf("errors %v and %v, want the pictures' names", results[2].Err, results[5].Err)
	}
	if l.calls["batch"] != 3 { // two pairs of 30,000 bytes each
		t.Errorf("%d calls, want 3 of at most two pairs", l.calls["batch"])
	}
}

// TestTooLargeIsSentSmaller: in bytes and in pixels, and said once.
func TestTooLargeIsSentSmaller(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 90, 90))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(random.Uint32())
	}
	var bytesOver, pixelsOver bytes.Buffer
	if err := png.Encode(&bytesOver, noise); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&pixelsOver, image.NewGray(image.Rect(0, 0, 120, 100))); err != nil {
		t.Fatal(err)
	}
	if bytesOver.Len() <= maxImageBytes || pixelsOver.Len() > maxImageBytes {
		t.Fatalf("pictures of %d and %d bytes, want more and less than %d", bytesOver.Len(), pixelsOver.Len(), maxImageBytes)
	}
	pictures := []scorer.Picture{{Name: "bytes.png", Data: bytesOver.Bytes()}, {Name: "pixels.png", Data: pixelsOver.Bytes()}}
	for model, side := range map[string]int{"general": inputSide, "auto": 4 * inputSide} {
		l := &limited{}
		by, notes := open(t, l, model)
		if _, err := by.Rank(t.Context(), pictures[1], pictures, nil); err != nil {
			t.Fatal(err)
		}
		for _, size := range l.sizes {
			if size > 4*side*side+200 { // RGB and what is around it
				t.Errorf("%s: a picture of %d bytes was sent, want one of %d×%d pixels", model, size, side, side)
			}
		}
		if note := notes.String(); strings.Count(note, "\n") != 1 || !strings.Contains(note, "is sent smaller") {
			t.Errorf("%s: notes %q, want one", model, note)
		}
	}
}

// TestEmbedIsSplit: into calls of what the server takes, in order.
func TestEmbedIsSplit(t *testing.T) {
	l := &limited{defaultModel: "auto"}
	by, _ := open(t, l, "")
	embeddings, err := by.Embed(t.Context(), append(write(t, 10, "0.1", "0.2", "0.3", "0.4"), scorer.Picture{Name: "missing"}))
	if err != nil || len(embeddings) != 5 {
		t.Fatalf("Embed = %d embeddings, %v; want 5", len(embeddings), err)
	}
	for i, want := range []float32{0.1, 0.2, 0.3, 0.4} {
		if e := embeddings[i]; e.Err != nil || e.Values[0] != want {
			t.Errorf("embedding %d = %v, %v; want that of %v", i, e.Values, e.Err, want)
		}
	}
	if embeddings[4].Err == nil || l.calls["embed"] != 2 {
		t.Errorf("missing picture: %v, %d calls; want its error and 2 calls", embeddings[4].Err, l.calls["embed"])
	}
}

// TestThumbnails: they are made here of those pictures that ask for one.
func TestThumbnails(t *testing.T) {
	by, _ := open(t, &limited{defaultModel: "general"}, "")
	pictures := write(t, 10, "0.1", "0.2")
	data, err := os.ReadFile(filepath.Join("../../../../testdata/photos", "cat.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	pictures = append(pictures, scorer.Picture{Name: "cat", Data: data, Thumbnail: 48}, scorer.Picture{Name: "broken", Data: []byte("0.3"), Thumbnail: 48})
	embeddings, err := by.Embed(t.Context(), pictures)
	if err != nil || len(embeddings) != 4 {
		t.Fatalf("Embed = %d embeddings, %v; want 4", len(embeddings), err)
	}
	if embeddings[0].Thumbnail != nil || embeddings[3].Err == nil {
		t.Errorf("not asked for: %v, broken: %v; want no thumbnail, and an error", embeddings[0].Thumbnail, embeddings[3].Err)
	}
	if small := embeddings[2].Thumbnail; small == nil || small.Width != 48 || small.Height >= 48 || embeddings[2].Err != nil {
		t.Errorf("cat: %+v, want a thumbnail 48 pixels wide", embeddings[2])
	}
}

// TestBusyForEver: the waiting ends, and the error is the server's.
func TestBusyForEver(t *testing.T) {
	by, _ := open(t, &limited{defaultModel: "general", busy: 1 << 30}, "")
	_, err := by.Embed(t.Context(), write(t, 10, "0.1"))
	if err == nil || !strings.Contains(err.Error(), "busy") {
		t.Errorf("Embed = %v, want the server's words", err)
	}
}
