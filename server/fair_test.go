package server_test

import (
	"bytes"
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// perImage is what the fake network takes for an image where it takes time.
const perImage = 500 * time.Millisecond

func takesTime(_ context.Context, images int) error {
	time.Sleep(time.Duration(images) * perImage) // fake time
	return nil
}

// manyImages are n images that no other call has.
func manyImages(n int) []*pb.Image {
	images := make([]*pb.Image, n)
	for i := range images {
		pixels := bytes.Repeat([]byte{byte(i), 0xff}, inputSide*inputSide/2+1)[:inputSide*inputSide]
		images[i] = rawImage(inputSide, inputSide, pb.PixelFormat_PIXEL_FORMAT_GRAY8, pixels)
	}
	return images
}

// rankMany begins the largest Rank, which takes more than two minutes.
func rankMany(ctx context.Context, r *running) <-chan error {
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	go func() {
		defer cancel()
		done <- r.call(ctx, &pb.RankRequest{Query: grayImage(1), Candidates: manyImages(256)})
	}()
	return done
}

// While the largest Rank is under way another call is answered after the run that is
// at work and one more, no matter who makes it.
func TestLargestRankHoldsNobodyUp(t *testing.T) {
	for name, cfg := range map[string]server.Config{"without tokens": {}, "with tokens": {Tokens: newTokenBook()}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := serve(t, cfg, &fakeModel{encode: takesTime, maxBatch: 8})
				ranked := rankMany(as(t.Context(), "a-token"), r)
				for range 20 {
					time.Sleep(1300 * time.Millisecond)
					begun := time.Now()
					if err := r.call(as(t.Context(), "b-token"), compareRequest(grayImage(2), grayImage(3))); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(begun); took > 2*8*perImage {
						t.Errorf("Compare beside a Rank took %v, want at most %v", took, 2*8*perImage)
					}
				}
				if err := <-ranked; err != nil {
					t.Errorf("Rank = %v, want an answer", err)
				}
			})
		})
	}
}

// TestBusyIsNotDead: the watchdog looks while one call keeps the encoder for longer
// than its patience.
func TestBusyIsNotDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := watched
		cfg.WatchdogPeriod = time.Second // looks between any two runs
		r := serve(t, cfg, &fakeModel{encode: takesTime, maxBatch: 8})
		ranked := rankMany(t.Context(), r)
		for seconds := 0; len(ranked) == 0; seconds++ {
			if got := r.health(t, ""); got != healthpb.HealthCheckResponse_SERVING {
				t.Fatalf("health after %d s of a Rank = %v, want SERVING", seconds, got)
			}
			time.Sleep(time.Second)
		}
		if err := <-ranked; err != nil {
			t.Errorf("Rank = %v, want an answer", err)
		}
	})
}

func TestDeadlineHasACeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		r := serve(t, server.Config{MaxDeadline: 90 * time.Second}, &fakeModel{encode: blocked.encode})
		for _, tt := range []struct{ give, want time.Duration }{{time.Hour, 90 * time.Second}, {80 * time.Second, 80 * time.Second}} {
			ctx, cancel := context.WithTimeout(t.Context(), tt.give)
			begun := time.Now()
			err := r.call(ctx, compareRequest(grayImage(1), grayImage(2)))
			cancel()
			if failureOf(err).Code != codes.DeadlineExceeded || time.Since(begun) != tt.want {
				t.Errorf("a call with a deadline of %v = %v after %v, want DEADLINE_EXCEEDED after %v", tt.give, err, time.Since(begun), tt.want)
			}
		}
		blocked.open()
	})
}

// An image is refused by what its decoding takes, from its header alone.
func TestImageThatTakesTooMuchMemoryIsRefused(t *testing.T) {
	file, err := os.ReadFile("../testdata/attacks/memory.jpg") // 375 MB
	if err != nil {
		t.Fatal(err)
	}
	r := serve(t, server.Config{MemoryBytes: 512 << 20}, &fakeModel{})
	picture := &pb.Image{Source: &pb.Image_Encoded{Encoded: file}}
	_, err = r.Compare(t.Context(), &pb.CompareRequest{ImageA: grayImage(1), ImageB: picture})
	want := failure{codes.InvalidArgument, "IMAGE_TOO_COSTLY", "image_b"}
	if diff := cmp.Diff(want, failureOf(err)); diff != "" {
		t.Errorf("Compare: %v (-want +got):\n%s", err, diff)
	}
	r.checkAnswers(t)
}
