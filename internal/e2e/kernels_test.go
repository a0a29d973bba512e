package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"

	"siamese/internal/proctest"
)

// TestTrainTakesOneDNN: training in float32 computes with oneDNN's kernels, which
// TensorFlow tells, unless the environment says no.
func TestTrainTakesOneDNN(t *testing.T) {
	if !cpu.X86.HasAVX2 {
		t.Skip("this processor has no AVX2, without which oneDNN's kernels are not asked for")
	}
	for _, tt := range []struct {
		name, variable string
		want           bool
	}{
		{"by itself", "", true},
		{"refused", "TF_ENABLE_ONEDNN_OPTS=0", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			cmd := proctest.Command(t, quick(dir, "--epochs", "1", "--steps-per-epoch", "1", "--oneshot-trials", "0", "--val-pairs", "2")...)
			cmd.Env = append(cmd.Env, "TF_CPP_MIN_LOG_LEVEL=0")
			if tt.variable != "" {
				cmd.Env = append(cmd.Env, tt.variable)
			}
			_, stderr, code := proctest.ToEnd(t, cmd)
			if code != 0 {
				t.Fatalf("train: exit code %d\n%s", code, stderr)
			}
			if got := strings.Contains(stderr, "oneDNN custom operations are on"); got != tt.want {
				t.Errorf("oneDNN's kernels are taken: %t, want %t\n%s", got, tt.want, stderr)
			}
			if loss := readMetrics(t, dir); len(loss) == 0 {
				t.Error("the run has no losses")
			}
		})
	}
}
