package server_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

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
