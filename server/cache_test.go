package server_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// withCache has room for some hundred of the fake network's embeddings.
var withCache = server.Config{CacheBytes: 100_000}

// ask compares two images and returns how many the encoder ran for it.
func (r *running) ask(t *testing.T, model *fakeModel, a, b *pb.Image, options *pb.CompareOptions) (*pb.CompareResponse, int) {
	t.Helper()
	before := model.encodedImages()
	got, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: a, ImageB: b, Options: options})
	if err != nil {
		t.Fatalf("Compare: %v", err)
	}
	return got, model.encodedImages() - before
}

func TestCacheSavesEncoding(t *testing.T) {
	prepared := &pb.CompareOptions{IncludePrepared: true}
	a, b := encoded(gray(9)), grayImage(80)
	tests := []struct {
		name        string
		give        *pb.Image
		giveOptions *pb.CompareOptions
		wantEncoded int
		wantDecode  bool // whether the picture has to be decoded for it
	}{
		{"the same bytes", a, nil, 0, false},
		{"the same pixels in other bytes", encoded(withComment(gray(9))), nil, 0, true},
		{"the other bytes again", encoded(withComment(gray(9))), nil, 0, false},
		{"raw pixels", rawGray(9), nil, 0, true},
		{"raw pixels again", rawGray(9), nil, 0, false},
		{"the picture is asked for", a, prepared, 0, true},
		{"other pixels", grayImage(10), nil, 1, true},
	}
	model := &fakeModel{}
	r := serve(t, withCache, model)
	if _, n := r.ask(t, model, a, b, nil); n != 2 {
		t.Errorf("%d images were encoded at first, want 2", n)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, n := r.ask(t, model, tt.give, grayEmbedding(80), tt.giveOptions)
			if n != tt.wantEncoded {
				t.Errorf("%d images were encoded, want %d", n, tt.wantEncoded)
			}
			if decoded := got.GetTimings().GetDecode().AsDuration() > 0; decoded != tt.wantDecode {
				t.Errorf("decoded = %v, want %v", decoded, tt.wantDecode)
			}
			level := byte(9 + tt.wantEncoded)
			checkProto(t, graySimilarity(level, 80), got.GetSimilarity())
			if tt.giveOptions != nil {
				checkPrepared(t, got.GetPreparedAPng(), 9)
			}
		})
	}
}

func TestCacheServesEveryCall(t *testing.T) {
	model := &fakeModel{}
	r := serve(t, withCache, model)
	r.ask(t, model, grayImage(10), grayImage(20), nil)
	embedded, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{grayImage(20), grayImage(10)}})
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, grayEmbedding(20).GetEmbedding(), embedded.GetResults()[0].GetEmbedding())
	ranked, err := r.Rank(t.Context(), &pb.RankRequest{Query: grayImage(10), Candidates: []*pb.Image{grayImage(20), grayImage(10)}})
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, []*pb.RankedCandidate{candidate(1, 1), candidate(0, graySimilarity(10, 20))}, ranked.GetRanked())
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	checkProto(t, setAnswer("a"), c.ask(set("a", grayImage(10))))
	checkProto(t, frameAnswer(1, scored("a", graySimilarity(20, 10))), c.ask(frame(1, grayImage(20))), withoutTimings)
	if got := model.encodedImages(); got != 2 || embedded.GetEncodedImages() != 0 || ranked.GetEncodedImages() != 0 {
		t.Errorf("%d images were encoded, %d and %d are told, want 2, 0, 0",
			got, embedded.GetEncodedImages(), ranked.GetEncodedImages())
	}
}

// Pictures whose embeddings are known take no room in the queue, even where they
// have to be prepared to be sent back.
func TestKnownPicturesNeedNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		model := &fakeModel{maxBatch: 1}
		config := smallQueue
		config.CacheBytes = withCache.CacheBytes
		r := serve(t, config, model)
		known := &pb.EmbedRequest{Images: []*pb.Image{grayImage(10), grayImage(20)}}
		if err := r.call(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		model.encode = blocked.encode
		var group sync.WaitGroup
		for _, images := range [][]*pb.Image{{grayImage(1)}, {grayImage(2), grayImage(3)}} {
			group.Go(func() {
				if err := r.call(t.Context(), &pb.EmbedRequest{Images: images}); err != nil {
					t.Errorf("a call that was let in failed: %v", err)
				}
			})
			synctest.Wait() // the second fills the queue
		}
		known.IncludePrepared = true
		got, err := r.Embed(t.Context(), known)
		if err != nil {
			t.Errorf("known pictures while the queue is full = %v, want an answer", err)
		}
		checkPrepared(t, got.GetResults()[0].GetPreparedPng(), 10)
		blocked.open()
		group.Wait()
	})
}

func TestWithoutCacheNothingIsKept(t *testing.T) {
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	for range 2 {
		if _, n := r.ask(t, model, grayImage(1), grayImage(2), nil); n != 2 {
			t.Errorf("%d images were encoded, want 2", n)
		}
	}
}

// What a broken run has made must not outlive it.
func TestCacheKeepsNoBrokenEmbedding(t *testing.T) {
	model := &fakeModel{}
	broken := true
	model.spoilEmbeddings = func(values []float32) []float32 {
		if broken {
			values[0] = float32(math.NaN())
		}
		return values
	}
	r := serve(t, withCache, model)
	_, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: grayImage(10), ImageB: grayImage(200)})
	if got := failureOf(err).Code; got != codes.Internal {
		t.Fatalf("Compare with a broken network = %v, want INTERNAL", err)
	}
	broken = false
	r.checkAnswers(t)
}

// Two callers with the same images at the same time: one run for both, also
// when the one who came first leaves.
func TestCallersShareImagesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		model := &fakeModel{encode: blocked.encode}
		r := serve(t, server.Config{}, model)
		req := &pb.EmbedRequest{Images: []*pb.Image{grayImage(1), grayImage(2)}}
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { left <- r.call(ctx, req) }()
		synctest.Wait()
		var got *pb.EmbedResponse
		stayed := make(chan error)
		go func() {
			var err error
			got, err = r.Embed(t.Context(), req)
			stayed <- err
		}()
		synctest.Wait()
		cancel()
		if code := failureOf(<-left).Code; code != codes.Canceled {
			t.Errorf("the first caller = %v, want CANCELLED", code)
		}
		synctest.Wait()
		blocked.open()
		if err := <-stayed; err != nil {
			t.Fatalf("the second caller = %v, want none", err)
		}
		checkProto(t, grayEmbedding(2).GetEmbedding(), got.GetResults()[1].GetEmbedding())
		if model.encodedImages() != 2 || got.GetEncodedImages() != 0 {
			t.Errorf("%d images were encoded, %d of them for the second caller, want 2 and 0",
				model.encodedImages(), got.GetEncodedImages())
		}
	})
}
