package server_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

// TestHundredSwapsUnderLoad: no call fails or meets a closed model, and each
// answer names a version that there was.
func TestHundredSwapsUnderLoad(t *testing.T) {
	v := serveVersions(t, server.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var calls, failed atomic.Int64
	for range 8 {
		load.Go(func() {
			for ctx.Err() == nil {
				got, err := v.Compare(t.Context(), &pb.CompareRequest{ImageA: grayImage(10), ImageB: grayImage(200)})
				calls.Add(1)
				if err != nil || got.GetModel().GetDigest() != infoOf(got.GetModel().GetVersion()).Digest ||
					cmp.Diff(graySimilarity(10, 200), got.GetSimilarity(), approx) != "" {
					failed.Add(1)
					t.Errorf("Compare during swaps = %v, %v; want an answer", got, err)
				}
			}
		})
	}
	for n := range int64(100) {
		v.source.highest.Store(n + 2)
		if err := v.manager.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint(n + 2)
		if want == badVersion {
			want = fmt.Sprint(n + 1)
		}
		if got := v.manager.Status(); got.Default != want {
			t.Fatalf("default after version %d appeared = %q (%v), want %q", n+2, got.Default, got.LastError, want)
		}
		v.checkAnswers(t)
	}
	cancel()
	load.Wait()
	t.Logf("100 versions, one of them bad, under %d calls: %d failed", calls.Load(), failed.Load())
	if got := v.loader.misused.Load(); got != 0 {
		t.Errorf("%d runs on a closed model, want none", got)
	}
}

// TestCallUnderWayKeepsItsModel: a swap waits for it, and new calls for nobody.
func TestCallUnderWayKeepsItsModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		r := serveBare(t, server.Config{})
		old := &fakeModel{encode: blocked.encode}
		add(t, r, old, "1")
		route(t, r, "1", nil)
		answered := make(chan string, 1)
		go func() {
			got, _ := r.Compare(t.Context(), &pb.CompareRequest{ImageA: grayImage(1), ImageB: grayImage(2)})
			answered <- got.GetModel().GetVersion()
		}()
		synctest.Wait()
		add(t, r, &fakeModel{}, "2")
		route(t, r, "2", nil)
		wait, err := r.server.RemoveModel(modelInfo.Name, "1")
		if err != nil {
			t.Fatal(err)
		}
		removed := make(chan struct{})
		go func() { wait(); close(removed) }()
		synctest.Wait()
		select {
		case <-removed:
			t.Error("the old model is free while a call is on it")
		default:
		}
		r.checkAnswers(t)
		blocked.open()
		if got := <-answered; got != "1" {
			t.Errorf("the call under way was answered by version %q, want 1", got)
		}
		<-removed
	})
}

// TestStreamStaysWithItsModel across a swap while its grace lasts, its references
// with it; the next one opens with the new model.
func TestStreamStaysWithItsModel(t *testing.T) {
	v := serveVersions(t, server.Config{StreamGrace: time.Hour, StopTimeout: time.Hour})
	opening := func() *pb.StreamOpening {
		return &pb.StreamOpening{References: []*pb.SetReference{{Name: "a", Image: grayImage(10)}}}
	}
	c, opened := v.openStream(t.Context(), t, opening())
	c.receive() // the reference
	v.source.highest.Store(2)
	if err := v.manager.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := opened.GetModel().GetVersion(); got != "1" {
		t.Errorf("the stream opened with version %q, want 1", got)
	}
	if got := c.receive(); got.GetDraining() == nil {
		t.Errorf("when its model is to go the stream is told %v, want draining", got)
	}
	scores := c.ask(frame(1, grayImage(200))).GetFrameScored().GetScores()
	if len(scores) != 1 || cmp.Diff(graySimilarity(10, 200), scores[0].GetSimilarity(), approx) != "" {
		t.Errorf("frame after the swap = %v, want its score", scores)
	}
	old := &pb.Image{Source: &pb.Image_Embedding{Embedding: &pb.Embedding{Values: make([]float32, embeddingLength), ModelDigest: infoOf("1").Digest}}}
	if got := c.ask(pair(2, old, grayImage(1))); got.GetPairScored() == nil {
		t.Errorf("embedding of the stream's model = %v, want a score", got)
	}
	_, err := v.Compare(t.Context(), &pb.CompareRequest{ImageA: old, ImageB: grayImage(1)})
	if diff := cmp.Diff(failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "image_a"}, failureOf(err)); diff != "" {
		t.Errorf("the same embedding in a new call: %v (-want +got):\n%s", err, diff)
	}
	if _, opened := v.openStream(t.Context(), t, opening()); opened.GetModel().GetVersion() != "2" {
		t.Errorf("the next stream opened with %v, want version 2", opened.GetModel())
	}
	if _, err := c.end(); err != nil {
		t.Errorf("the stream whose client ended it ended with %v, want OK", err)
	}
}

// retire swaps version 1 for version 2 and returns what is closed when nothing is
// left on version 1.
func retire(t *testing.T, r *running) <-chan struct{} {
	t.Helper()
	add(t, r, &fakeModel{}, "2")
	route(t, r, "2", nil)
	wait, err := r.server.RemoveModel(modelInfo.Name, "1")
	if err != nil {
		t.Fatal(err)
	}
	free := make(chan struct{})
	go func() { wait(); close(free) }()
	return free
}

// TestModelThatGoesEndsItsStreams: an idle one is told, answered for its grace and
// then ended; after that nothing holds the model.
func TestModelThatGoesEndsItsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveBare(t, server.Config{StreamGrace: 5 * time.Second})
		add(t, r, &fakeModel{}, "1")
		route(t, r, "1", nil)
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		free, began := retire(t, r), time.Now()
		if got := c.receive(); got.GetDraining() == nil {
			t.Errorf("the stream is told %v, want draining", got)
		}
		time.Sleep(4 * time.Second) // fake time
		checkProto(t, pairAnswer(1, graySimilarity(1, 2)), c.ask(pair(1, grayImage(1), grayImage(2))), withoutTimings)
		_, err := c.rest()
		if diff := cmp.Diff(failure{codes.Unavailable, fault.ReasonDraining, ""}, failureOf(err)); diff != "" {
			t.Errorf("the stream ended with %v (-want +got):\n%s", err, diff)
		}
		<-free
		if got := time.Since(began); got != 5*time.Second {
			t.Errorf("the model was free after %v, want the grace of 5s", got)
		}
		r.checkAnswers(t)
	})
}

// TestModelThatGoesIsNotHeldByAnUnreadStream: a client that takes no answers is cut
// off.
func TestModelThatGoesIsNotHeldByAnUnreadStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveBare(t, server.Config{StreamGrace: 5 * time.Second, StopTimeout: 25 * time.Second})
		add(t, r, &fakeModel{}, "1")
		route(t, r, "1", nil)
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{
			Options:    &pb.CompareOptions{IncludePrepared: true}, // long replies
			References: []*pb.SetReference{{Name: "a", Image: grayEmbedding(0)}},
		})
		go func() {
			for id := uint64(0); c.stream.Send(frame(id, encoded(noise(inputSide, uint32(id))))) == nil; id++ {
			}
		}()
		synctest.Wait() // the server's sender is stuck
		free, began := retire(t, r), time.Now()
		<-free
		if got := time.Since(began); got != 25*time.Second {
			t.Errorf("the model was free after %v, want the stop timeout of 25s", got)
		}
		_, err := c.rest()
		if diff := cmp.Diff(failure{codes.Unavailable, fault.ReasonDraining, ""}, failureOf(err)); diff != "" {
			t.Errorf("the stream ended with %v (-want +got):\n%s", err, diff)
		}
		r.checkAnswers(t)
	})
}

// TestDrainWithinTheGraceOfAModel: one message tells the client, and the server's
// own end comes first.
func TestDrainWithinTheGraceOfAModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveBare(t, server.Config{StreamGrace: 5 * time.Second})
		add(t, r, &fakeModel{}, "1")
		route(t, r, "1", nil)
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		free := retire(t, r)
		time.Sleep(3 * time.Second) // fake time
		r.cancel()
		rest, err := c.rest()
		if len(rest) != 1 || rest[0].GetDraining() == nil || failureOf(err).Reason != fault.ReasonDraining {
			t.Errorf("the stream got %v and ended with %v, want draining once and DRAINING", rest, err)
		}
		<-free
		if err := r.stop(); err != nil {
			t.Errorf("Serve = %v, want a clean stop", err)
		}
	})
}

func TestCallsNameTheirModel(t *testing.T) {
	r := serveBare(t, server.Config{})
	for _, version := range []string{"1", "2", "3"} {
		add(t, r, &fakeModel{}, version)
	}
	route(t, r, "2", map[string]string{"canary": "3"})
	images := []*pb.Image{grayImage(1)}
	for give, want := range map[string]string{"": "2", "1": "1", "2": "2", "canary": "3", "7": "", "latest": ""} {
		options := &pb.CompareOptions{Model: give}
		compared, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: images[0], ImageB: images[0], Options: options})
		if want == "" {
			if diff := cmp.Diff(failure{codes.NotFound, fault.ReasonModelNotFound, ""}, failureOf(err)); diff != "" {
				t.Errorf("Compare by %q: %v (-want +got):\n%s", give, err, diff)
			}
			continue
		}
		ranked, rankErr := r.Rank(t.Context(), &pb.RankRequest{Query: images[0], Candidates: images, Options: options})
		batch, batchErr := r.BatchCompare(t.Context(), &pb.BatchCompareRequest{Pairs: []*pb.ImagePair{{ImageA: images[0], ImageB: images[0]}}, Options: options})
		embedded, embedErr := r.Embed(t.Context(), &pb.EmbedRequest{Images: images, Model: give})
		info, infoErr := r.GetServerInfo(t.Context(), &pb.GetServerInfoRequest{Model: give})
		_, opened := r.openStream(t.Context(), t, &pb.StreamOpening{Options: options})
		if err := errors.Join(err, rankErr, batchErr, embedErr, infoErr); err != nil {
			t.Errorf("calls by %q: %v", give, err)
		}
		for call, got := range map[string]*pb.ModelReference{
			"Compare": compared.GetModel(), "Rank": ranked.GetModel(), "BatchCompare": batch.GetModel(),
			"Embed": embedded.GetModel(), "GetServerInfo": info.GetModel().GetReference(), "StreamCompare": opened.GetModel(),
		} {
			if got.GetVersion() != want {
				t.Errorf("%s by %q was answered by version %q, want %q", call, give, got.GetVersion(), want)
			}
		}
	}
}

func TestRouteAndRemoveRefuse(t *testing.T) {
	r := serveBare(t, server.Config{})
	add(t, r, &fakeModel{}, "1")
	if got := r.health(t, ""); got != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health with a model that nothing is routed to = %v, want NOT_SERVING", got)
	}
	add(t, r, &fakeModel{}, "2")
	route(t, r, "1", map[string]string{"canary": "2"})
	remove := func(version string) error {
		_, err := r.server.RemoveModel(modelInfo.Name, version)
		return err
	}
	tests := []struct {
		name string
		give error
		want error
	}{
		{"add what there is", r.server.AddModel(&fakeModel{}, infoOf("1")), server.ErrModelSet},
		{"route to what there is not", r.server.Router(modelInfo.Name).Route("3", nil), server.ErrNoModel},
		{"label what there is not", r.server.Router(modelInfo.Name).Route("1", map[string]string{"canary": "3"}), server.ErrNoModel},
		{"remove what there is not", remove("3"), server.ErrNoModel},
		{"remove the default", remove("1"), server.ErrModelRouted},
		{"remove what has a label", remove("2"), server.ErrModelRouted},
	}
	for _, tt := range tests {
		if !errors.Is(tt.give, tt.want) {
			t.Errorf("%s = %v, want %v", tt.name, tt.give, tt.want)
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Router(modelInfo.Name).Route("2", nil); !errors.Is(err, server.ErrClosed) {
		t.Errorf("Route after the end = %v, want ErrClosed", err)
	}
	if err := remove("1"); err != nil {
		t.Errorf("RemoveModel after the end = %v, want none", err)
	}
}

// TestConnectionsGrowOld: their clients connect again and lose no call.
func TestConnectionsGrowOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{MaxConnectionAge: time.Minute}, &fakeModel{})
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		for range 5 {
			time.Sleep(time.Minute) // fake time
			r.checkAnswers(t)
		}
		checkProto(t, pairAnswer(1, graySimilarity(1, 2)), c.ask(pair(1, grayImage(1), grayImage(2))), withoutTimings)
		if _, err := c.end(); err != nil {
			t.Errorf("stream on an old connection ended with %v, want OK", err)
		}
	})
}
