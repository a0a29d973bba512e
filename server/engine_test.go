package server_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

func TestModelIsWarmBeforeItServes(t *testing.T) {
	var sizes []int
	model := &fakeModel{encode: func(_ context.Context, images int) error {
		sizes = append(sizes, images)
		return nil
	}}
	r := serveBare(t, server.Config{})
	info := modelInfo
	info.MaxBatch, info.BatchSizes = 4, []int{1, 4}
	if err := setModel(r.server, model, info); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 4}, sizes); diff != "" {
		t.Errorf("runs before it serves (-want +got):\n%s", diff)
	}
	r.checkAnswers(t) // two images: filled up to four
	if diff := cmp.Diff([]int{1, 4, 4}, sizes); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestModelThatCannotBeWarmedIsRefused(t *testing.T) {
	for name, fail := range map[string]func() error{
		"fails":  func() error { return errModel },
		"panics": func() error { panic(errModel) },
	} {
		t.Run(name, func(t *testing.T) {
			r := serveBare(t, server.Config{})
			info := modelInfo
			info.MaxBatch, info.BatchSizes = 2, []int{2}
			model := &fakeModel{encode: func(context.Context, int) error { return fail() }}
			err := setModel(r.server, model, info)
			if err == nil || !strings.Contains(err.Error(), "warm a run of 2 images") || !strings.Contains(err.Error(), errModel.Error()) {
				t.Errorf("setModel = %v, want which run failed and why", err)
			}
		})
	}
}

// TestRunnersAreTheModels: the device that a model runs on decides how many runs
// are under way at a time, else one.
func TestRunnersAreTheModels(t *testing.T) {
	tests := []struct{ give, want int }{{0, 1}, {1, 1}, {2, 2}, {3, 3}}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var now, most atomic.Int64
			model := &fakeModel{encode: func(context.Context, int) error {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second) // fake time
				now.Add(-1)
				return nil
			}}
			r := serveBare(t, server.Config{})
			info := modelInfo
			info.MaxBatch, info.Runners = 1, tt.give
			if err := setModel(r.server, model, info); err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			for level := range byte(9) {
				group.Go(func() {
					if err := r.call(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{grayImage(level)}}); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if got := int(most.Load()); got != tt.want {
				t.Errorf("model's runners %d: %d runs at a time, want %d", tt.give, got, tt.want)
			}
		})
	}
}

func TestModelInfoOfBadRunsIsRefused(t *testing.T) {
	for name, change := range map[string]func(*server.ModelInfo){
		"Runners is -1":            func(i *server.ModelInfo) { i.Runners = -1 },
		"BatchSizes is [1 0]":      func(i *server.ModelInfo) { i.BatchSizes = []int{1, 0} },
		"expected MaxBatch, 8, as": func(i *server.ModelInfo) { i.BatchSizes = []int{1, 4} },
	} {
		info := modelInfo
		change(&info)
		err := setModel(serveBare(t, server.Config{}).server, &fakeModel{}, info)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("setModel = %v, want one with %q", err, name)
		}
	}
}

// A run that hangs costs its callers their deadline and the server nothing: the
// other runner goes on, and when the run is over all is as before.
func TestHungRunLeavesTheOtherRunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		var runs atomic.Int64
		model := &fakeModel{encode: func(ctx context.Context, images int) error {
			if runs.Add(1) == 1 {
				return blocked.encode(ctx, images)
			}
			return nil
		}, runners: 2}
		r := serve(t, server.Config{}, model)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := r.call(ctx, &pb.EmbedRequest{Images: []*pb.Image{grayImage(1)}})
		if want := "DeadlineExceeded"; failureOf(err).Code.String() != want {
			t.Errorf("the call of the run that hangs = %v, want %s", err, want)
		}
		r.checkAnswers(t)
		blocked.open()
		synctest.Wait()
		r.checkAnswers(t)
	})
}

// Of a client that sends and does not read, no more than the window and the
// connection's buffers may be in memory, however much it has to send.
func TestSlowReaderCostsBoundedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const frames, bound = 20_000, 8 << 20
		file := noise(100, 1) // 30 KB: 600 MB in all
		r := serve(t, server.Config{}, &fakeModel{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c, _ := r.openStream(ctx, t, &pb.StreamOpening{
			Options:    &pb.CompareOptions{IncludePrepared: true}, // long replies
			References: []*pb.SetReference{{Name: "a", Image: grayEmbedding(0)}},
		})
		before := heapBytes()
		sent := make(chan int)
		go func() {
			n := 0
			for id := uint64(0); id < frames && c.stream.Send(frame(id, encoded(file))) == nil; id++ {
				n++
			}
			sent <- n
		}()
		synctest.Wait()
		grown := heapBytes() - before
		cancel()
		n := <-sent
		t.Logf("%d frames of %d KB were taken, the heap grew by %d KB", n, len(file)>>10, grown>>10)
		if grown > bound {
			t.Errorf("the heap grew by %d bytes for a client that reads nothing, want at most %d", grown, bound)
		}
		if _, err := c.rest(); !errors.Is(err, context.Canceled) && failureOf(err).Code.String() != "Canceled" {
			t.Errorf("end of stream = %v, want CANCELLED", err)
		}
	})
}

func heapBytes() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// TestLargestBatchIsTheModels: the device that a model runs on decides how many
// images a run carries, else eight.
func TestLargestBatchIsTheModels(t *testing.T) {
	tests := []struct {
		give int // of the model; 0: it does not say
		want int
	}{
		{0, 8},
		{3, 3},
		{12, 12},
	}
	for _, tt := range tests {
		var mu sync.Mutex
		var runs []int
		model := &fakeModel{encode: func(_ context.Context, images int) error {
			mu.Lock()
			defer mu.Unlock()
			runs = append(runs, images)
			return nil
		}}
		r := serveBare(t, server.Config{})
		info := modelInfo
		info.MaxBatch = tt.give
		if err := setModel(r.server, model, info); err != nil {
			t.Fatal(err)
		}
		var images []*pb.Image
		for i := range 12 {
			images = append(images, grayImage(byte(20*i)))
		}
		if _, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: images}); err != nil {
			t.Fatal(err)
		}
		if got := slices.Max(runs); got != tt.want {
			t.Errorf("model's largest batch %d: runs of %v images, want at most %d and one of that", tt.give, runs, tt.want)
		}
	}
}
