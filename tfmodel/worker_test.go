package tfmodel_test

import (
	"strings"
	"testing"

	"siamese/tfmodel"
)

func TestWorkerConfigRefuses(t *testing.T) {
	two := []string{"127.0.0.1:4001", "127.0.0.1:4002"}
	for _, tt := range []struct {
		name string
		give tfmodel.WorkerConfig
		want string
	}{
		{"no addresses", tfmodel.WorkerConfig{}, "a cluster of no addresses"},
		{"no port", tfmodel.WorkerConfig{Cluster: []string{"host"}}, `worker's address "host", want host:port`},
		{"port out of range", tfmodel.WorkerConfig{Cluster: []string{"host:70000"}}, `port "70000", want 1 to 65535`},
		{"twice", tfmodel.WorkerConfig{Cluster: []string{two[0], two[0]}}, "is in the cluster twice"},
		{"number below", tfmodel.WorkerConfig{Cluster: two, Number: -1}, "worker -1 of a cluster of 2, want 0 to 1"},
		{"number above", tfmodel.WorkerConfig{Cluster: two, Number: 2}, "worker 2 of a cluster of 2, want 0 to 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tfmodel.StartWorker(tt.give); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("StartWorker(%+v) = %v, want an error with %q", tt.give, err, tt.want)
			}
		})
	}
}

// TestClusterRefuses: a cluster that can't train is told at once. TensorFlow
// would wait for a missing worker for ever.
func TestClusterRefuses(t *testing.T) {
	start := randomWeights(t, tiny(), 1)
	for _, tt := range []struct {
		name string
		give tfmodel.Options
		want string
	}{
		{"nobody there", tfmodel.Options{Cluster: []string{"127.0.0.1:1"}}, "worker 0 at 127.0.0.1:1 is not there"},
		{"device of this process", tfmodel.Options{Cluster: []string{"127.0.0.1:1"}, Towers: []string{"cpu:0"}}, `tower "cpu:0", want "worker:0" to "worker:0"`},
		{"no such worker", tfmodel.Options{Cluster: []string{"127.0.0.1:1"}, Towers: []string{"worker:1"}}, `tower "worker:1"`},
		{"no address", tfmodel.Options{Cluster: []string{""}}, `worker's address ""`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tfmodel.NewTrainer(tiny(), start, tfmodel.TrainerConfig{PairWeight: 1}, tt.give); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewTrainer(%+v) = %v, want an error with %q", tt.give, err, tt.want)
			}
		})
	}
}
