package server_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

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
