package chaos_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

const (
	stormCallers = 32
	// stormPatience is the longest that a caller who leaves waits: about what a
	// call takes among this many.
	stormPatience = 300 * time.Millisecond
	// stormGrowth is what memory outside Go may grow by: the slack of C's
	// allocator, as after reloads.
	stormGrowth = 48 << 20
)

// TestCancelStorm has half of the callers leave at random moments: they leave
// nothing behind in the server.
func TestCancelStorm(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	server := observe(t, "--model", models, "--cache-bytes", "0")
	storm := &cancelStorm{service: siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))}
	idle := server.metric(t, "go_goroutines")

	storm.blow(t, byForm(2*time.Second, 30*time.Second), false) // memory finds its level
	server.waitIdle(t, idle+stormSlack)
	goroutines := server.metric(t, "go_goroutines")
	outside, resident := server.metric(t, "siamese_resident_outside_go_bytes"), server.memory(t, "VmRSS")
	calm := storm.calls.Load()

	storm.blow(t, byForm(2*time.Second, time.Minute), true)
	server.waitIdle(t, goroutines)
	grownOutside := int64(server.metric(t, "siamese_resident_outside_go_bytes") - outside)
	grown := server.memory(t, "VmRSS") - resident
	figure(t, "cancel storm: %d of %d calls left, goroutines %v before and %v after, memory outside Go grew by %d MB (bar %d), resident by %d MB",
		storm.left.Load(), storm.calls.Load()-calm, goroutines, server.metric(t, "go_goroutines"), grownOutside>>20, stormGrowth>>20, grown>>20)
	if storm.left.Load() == 0 {
		t.Error("no call left half-way: nothing was tested")
	}
	if max(grownOutside, grown) > stormGrowth {
		t.Errorf("memory grew by %d MB, %d MB of them outside Go, want at most %d", grown>>20, grownOutside>>20, stormGrowth>>20)
	}
}

// stormSlack is the goroutines of the connections that the first call and the
// first scrape open and that stay.
const stormSlack = 10

// cancelStorm is callers, half of whom may leave.
type cancelStorm struct {
	service     siamesev1.SiameseServiceClient
	calls, left atomic.Int64
	pictures    atomic.Uint64
}

// blow has the callers call for a time, and fails the test where a call has
// another end than an answer or its caller's leaving.
func (s *cancelStorm) blow(t *testing.T, lasts time.Duration, leaving bool) {
	t.Helper()
	end := time.Now().Add(lasts)
	var callers sync.WaitGroup
	for caller := range uint64(stormCallers) {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(caller, 1))
			for time.Now().Before(end) && !t.Failed() {
				leaves := leaving && random.IntN(2) == 0
				if err := s.fickle(t.Context(), random, leaves); err != nil {
					t.Errorf("a call whose caller leaves (%v): %v", leaves, err)
				}
			}
		})
	}
	callers.Wait()
}

// fickle makes a random call, which is given up at a random moment where its
// caller leaves. It returns what went wrong otherwise.
func (s *cancelStorm) fickle(ctx context.Context, random *rand.Rand, leaves bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if leaves {
		timer := time.AfterFunc(time.Duration(random.Int64N(int64(stormPatience))), cancel)
		defer timer.Stop()
	}
	s.calls.Add(1)
	images := make([]*siamesev1.Image, 1+random.IntN(4))
	for i := range images {
		images[i] = noisePicture(s.pictures.Add(1))
	}
	err := s.ask(ctx, random.IntN(3), images)
	if leaves && status.Code(err) == codes.Canceled {
		s.left.Add(1)
		return nil
	}
	return err
}

func (s *cancelStorm) ask(ctx context.Context, kind int, images []*siamesev1.Image) error {
	switch kind {
	case 0:
		_, err := s.service.Embed(ctx, &siamesev1.EmbedRequest{Images: images})
		return err
	case 1:
		_, err := s.service.Rank(ctx, &siamesev1.RankRequest{Query: images[0], Candidates: images})
		return err
	default:
		return s.stream(ctx, images)
	}
}

// stream sends the images as frames and reads to the end.
func (s *cancelStorm) stream(ctx context.Context, images []*siamesev1.Image) error {
	stream, err := s.service.StreamCompare(ctx)
	if err != nil {
		return err
	}
	messages := []*siamesev1.StreamCompareRequest{openingOf(&siamesev1.StreamOpening{
		References: []*siamesev1.SetReference{{Name: "a", Image: images[0]}},
	})}
	for id, image := range images {
		messages = append(messages, frameOf(uint64(id), image))
	}
	for _, message := range messages {
		if stream.Send(message) != nil {
			break // Recv tells why
		}
	}
	_ = stream.CloseSend()
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func openingOf(opening *siamesev1.StreamOpening) *siamesev1.StreamCompareRequest {
	return &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Opening{Opening: opening}}
}

func frameOf(id uint64, image *siamesev1.Image) *siamesev1.StreamCompareRequest {
	return &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Frame{
		Frame: &siamesev1.Frame{Id: id, Image: image},
	}}
}
