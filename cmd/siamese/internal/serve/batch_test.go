package serve

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/server"
)

func TestTuneSuitsTheDevice(t *testing.T) {
	tests := []struct {
		name string
		give batchFlags
		info server.ModelInfo
		want server.ModelInfo
	}{
		{
			"cpu", batchFlags{Runners: 1}, server.ModelInfo{Device: "cpu", MaxBatch: 8},
			server.ModelInfo{Device: "cpu", MaxBatch: 8, Runners: 1, ShortRuns: true},
		},
		{
			"gpu", batchFlags{Runners: 1}, server.ModelInfo{Device: "gpu:0", MaxBatch: 24},
			server.ModelInfo{
				Device: "gpu:0", MaxBatch: 24, Runners: 1,
				BatchSizes: []int{1, 2, 4, 8, 16, 24},
			},
		},
		{
			"asked for", batchFlags{Runners: 5}, server.ModelInfo{Device: "gpu:1", MaxBatch: 1},
			server.ModelInfo{Device: "gpu:1", MaxBatch: 1, Runners: 5, BatchSizes: []int{1}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.info
			tt.give.tune(&got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("tune (-want +got):\n%s", diff)
			}
		})
	}
}
