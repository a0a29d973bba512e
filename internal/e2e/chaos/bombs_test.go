package chaos_test

import (
	"context"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

// bombGrowth is what the peak of resident memory may grow by for a bomb.
const bombGrowth = 50 << 20

// TestBombsAreRefused sends each bomb to a real server, first one by one, then
// all at once: each is the caller's fault and takes next to no memory.
func TestBombsAreRefused(t *testing.T) {
	server := observe(t)
	b := &bomber{server, siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address)), fixture.Encoded(t, proctest.GlyphA)}
	if _, err := b.service.Compare(t.Context(), &siamesev1.CompareRequest{ImageA: b.good, ImageB: fixture.Encoded(t, proctest.GlyphB)}); err != nil {
		t.Fatal(err)
	}
	all := bombs(t)
	worst, most := "", int64(0)
	for _, bomb := range all {
		grown := b.peak(t, func() {
			for range 3 { // memory that is used again is cleared, and so becomes resident
				b.send(t, bomb)
			}
		})
		if grown > most {
			worst, most = bomb.name, grown
		}
		if grown > bombGrowth {
			t.Errorf("%s: the peak of resident memory grew by %d MB, want at most %d", bomb.name, grown>>20, bombGrowth>>20)
		}
	}
	together := b.peak(t, func() { b.sendTogether(t, all) })
	packed := b.peak(t, func() { b.sendPacked(t) })
	figure(t, "%d bombs: all refused with INVALID_ARGUMENT, the peak of resident memory grew by at most %d MB for one (%s), %d MB for all at once, %d MB for a gzip bomb (bar %d)",
		len(all), most>>20, worst, together>>20, packed>>20, bombGrowth>>20)
	if max(together, packed) > bombGrowth {
		t.Errorf("the peak of resident memory grew by %d MB for all at once, %d MB for a gzip bomb, want at most %d", together>>20, packed>>20, bombGrowth>>20)
	}
}

// bomber sends bombs beside a good picture.
type bomber struct {
	server  *observed
	service siamesev1.SiameseServiceClient
	good    *siamesev1.Image
}

// peak is how far resident memory went beyond what it was while do ran.
func (b *bomber) peak(t *testing.T, do func()) int64 {
	t.Helper()
	b.server.forgetPeak(t)
	before := b.server.memory(t, "VmRSS")
	do()
	return b.server.memory(t, "VmHWM") - before
}

func (b *bomber) send(t *testing.T, bomb bomb) {
	t.Helper()
	image := &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: bomb.give}}
	if err := b.compare(t.Context(), image); status.Code(err) != codes.InvalidArgument {
		t.Errorf("%s (%d bytes): Compare = %v, want INVALID_ARGUMENT", bomb.name, len(bomb.give), err)
	}
	if err := b.compare(t.Context(), b.good); err != nil {
		t.Errorf("%s: the call after it = %v, want an answer", bomb.name, err)
	}
}

func (b *bomber) sendTogether(t *testing.T, all []bomb) {
	t.Helper()
	var callers sync.WaitGroup
	for _, bomb := range all {
		callers.Go(func() { b.send(t, bomb) })
	}
	callers.Wait()
}

// sendPacked sends a message that unpacks to more than the server takes. gRPC
// refuses it before it is an image.
func (b *bomber) sendPacked(t *testing.T) {
	t.Helper()
	zeros := &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: make([]byte, 64<<20)}}
	if err := b.compare(t.Context(), zeros, grpc.UseCompressor(gzip.Name)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("gzip bomb: Compare = %v, want RESOURCE_EXHAUSTED", err)
	}
}

func (b *bomber) compare(ctx context.Context, image *siamesev1.Image, options ...grpc.CallOption) error {
	_, err := b.service.Compare(ctx, &siamesev1.CompareRequest{ImageA: b.good, ImageB: image}, options...)
	return err
}
