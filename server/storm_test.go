package server_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// stormConfig has images forgotten and known again.
var stormConfig = server.Config{CacheBytes: 4_000}

// unhurried is a network that takes a random while, whose runs overlap, mix callers
// and share images.
func unhurried() *fakeModel {
	return &fakeModel{maxBatch: 3, runners: 2, encode: func(_ context.Context, images int) error {
		time.Sleep(time.Duration(images)*10*time.Millisecond + time.Duration(rand.IntN(20))*time.Millisecond)
		return nil
	}}
}

// brokenLevel is the grey of which the network of the test makes NaN.
const brokenLevel = 13

// pairOf is one random pair with its outcome, whatever else is served.
type pairOf struct {
	a, b *pb.Image
	want float32
	code codes.Code
}

func randomPair(random *rand.Rand) pairOf {
	a, b := byte(20+random.UintN(40)), byte(20+random.UintN(40))
	p := pairOf{a: grayImage(a), b: grayImage(b), want: graySimilarity(a, b)}
	switch random.IntN(6) {
	case 0:
		p.b, p.code = encoded(gray(b)[:40]), codes.InvalidArgument
	case 1:
		p.a, p.code = grayImage(brokenLevel), codes.Internal
	}
	return p
}

// Whatever else is in the same run, each pair is answered as if it were alone,
// and what is wrong with one is told to its caller alone.
func TestRandomPairsAreAnsweredAsIfAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := unhurried()
		model.spoilEmbeddings = func(values []float32) []float32 {
			for embedding := range slices.Chunk(values, embeddingLength) {
				if embedding[0] == float32(brokenLevel)/255 {
					embedding[3] = float32(math.NaN())
				}
			}
			return values
		}
		r := serve(t, stormConfig, model)
		var group sync.WaitGroup
		for caller := range 16 {
			group.Go(func() {
				random := rand.New(rand.NewPCG(2, uint64(caller)))
				for range 15 {
					r.checkPair(t, randomPair(random))
				}
			})
		}
		group.Wait()
	})
}

func (r *running) checkPair(t *testing.T, p pairOf) {
	got, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: p.a, ImageB: p.b})
	if code := failureOf(err).Code; code != p.code {
		t.Errorf("Compare = %v, want code %v", err, p.code)
		return
	}
	if err == nil && !cmp.Equal(p.want, got.GetSimilarity(), approx) {
		t.Errorf("similarity = %v, want %v", got.GetSimilarity(), p.want)
	}
}

// Half of the callers leave at random moments. Nothing may stay behind: synctest
// looks for goroutines, the last calls for places in queue, pool and window.
func TestCancelStormLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, stormConfig, unhurried())
		var group sync.WaitGroup
		for caller := range 40 {
			group.Go(func() {
				random := rand.New(rand.NewPCG(3, uint64(caller)))
				for range 5 {
					if err := r.fickleCall(t, random); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		synctest.Wait()
		embed := &pb.EmbedRequest{}
		for level := range 128 {
			embed.Images = append(embed.Images, encoded(noise(20, uint32(level))))
		}
		if err := r.call(t.Context(), embed); err != nil {
			t.Errorf("the largest call after the storm = %v, want none", err)
		}
		r.checkAnswers(t)
	})
}

// fickleCall makes a random call, which half of the times is given up within
// the 100 ms that a call takes about. It returns what went wrong otherwise.
func (r *running) fickleCall(t *testing.T, random *rand.Rand) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	leaves := random.IntN(2) == 0
	if leaves {
		timer := time.AfterFunc(time.Duration(random.IntN(100))*time.Millisecond, cancel)
		defer timer.Stop()
	}
	var images []*pb.Image
	for range 1 + random.IntN(4) {
		images = append(images, grayImage(byte(random.UintN(256))))
	}
	var err error
	switch random.IntN(3) {
	case 0:
		_, err = r.Embed(ctx, &pb.EmbedRequest{Images: images})
	case 1:
		_, err = r.Rank(ctx, &pb.RankRequest{Query: images[0], Candidates: images})
	default:
		err = r.fickleStream(ctx, images)
	}
	if leaves && failureOf(err).Code == codes.Canceled {
		return nil
	}
	if err != nil {
		return fmt.Errorf("a call of %d images, leaves %v: %w", len(images), leaves, err)
	}
	return nil
}

// fickleStream sends the images as frames and takes their answers.
func (r *running) fickleStream(ctx context.Context, images []*pb.Image) error {
	stream, err := r.StreamCompare(ctx)
	if err != nil {
		return err
	}
	messages := []*pb.StreamCompareRequest{
		{Message: &pb.StreamCompareRequest_Opening{Opening: &pb.StreamOpening{}}},
		set("a", images[0]),
	}
	for id, image := range images {
		messages = append(messages, frame(uint64(id), image))
	}
	for _, message := range messages {
		if stream.Send(message) != nil {
			break // Recv tells why
		}
	}
	_ = stream.CloseSend()
	c := &streamClient{stream: stream}
	answers, err := c.rest()
	if err == nil && len(answers) != len(messages) {
		return fmt.Errorf("%d answers to %d messages", len(answers), len(messages))
	}
	return err
}
