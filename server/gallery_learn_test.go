package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// numbered are n entries with embeddings that differ.
func numbered(from, n int) []*pb.NewEntry {
	var entries []*pb.NewEntry
	for i := from; i < from+n; i++ {
		values := make([]float32, embeddingLength)
		for k := range values {
			values[k] = float32((i*(2*k+3))%251) / 251
		}
		entries = append(entries, &pb.NewEntry{Id: fmt.Sprintf("e%05d", i), Image: embedding(modelDigest, values...)})
	}
	return entries
}

// Where the model tells no metric, one is learnt: once for all searches that begin
// together, and again when there is much more to learn from.
func TestMetricIsLearntOnce(t *testing.T) {
	g := serveGalleries(t, server.Config{Galleries: embeddedStore(t, t.TempDir())}, &fakeModel{}, tools())
	entered := 0
	for _, tt := range []struct{ entries, lessons int }{{255, 0}, {256, 1}, {700, 1}, {2048, 2}, {2100, 2}} {
		if _, err := g.enrollAll(t.Context(), numbered(entered, tt.entries-entered)...); err != nil {
			t.Fatal(err)
		}
		entered = tt.entries
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				if got := g.identify(t, grayEmbedding(byte(i))); len(got) != 10 {
					t.Errorf("%d things, want 10", len(got))
				}
			})
			group.Go(func() {
				if err := g.findDuplicates(t.Context(), &pb.FindDuplicatesRequest{Gallery: "tools", Threshold: new(float32(1)), Filter: map[string]string{"k": "v"}}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		g.identify(t, grayEmbedding(1)) // when no search for doubles keeps the metric
		if got := strings.Count(g.log.String(), `msg="metric learnt"`); got != tt.lessons {
			t.Errorf("of %d entries metrics were learnt %d times, want %d\n%s", tt.entries, got, tt.lessons, g.log)
		}
	}
}

// A model that fails while a metric is learnt fails the search, and the next one learns.
func TestLearningThatFails(t *testing.T) {
	var broken atomic.Bool
	model := &fakeModel{compare: func(context.Context) error {
		if broken.Load() {
			return errModel
		}
		return nil
	}}
	g := serveGalleries(t, server.Config{}, model, tools())
	if _, err := g.enrollAll(t.Context(), numbered(0, 300)...); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	_, err := g.Identify(t.Context(), &pb.IdentifyRequest{Gallery: "tools", Image: grayEmbedding(1)})
	if diff := cmp.Diff(failure{codes.Internal, "INTERNAL", ""}, failureOf(err)); diff != "" || strings.Contains(err.Error(), "secret") {
		t.Errorf("Identify while learning fails = %v (-want +got):\n%s", err, diff)
	}
	broken.Store(false)
	if got := g.identify(t, grayEmbedding(1)); len(got) != 10 {
		t.Errorf("%d things afterwards, want 10", len(got))
	}
	if got := strings.Count(g.log.String(), `msg="metric learnt"`); got != 1 {
		t.Errorf("metrics were learnt %d times, want once", got)
	}
}
