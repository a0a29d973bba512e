package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/proctest"
	"siamese/tfmodel"
)

func TestBenchGPUWithoutOne(t *testing.T) {
	devices, err := tfmodel.Devices()
	if err != nil {
		t.Fatal(err)
	}
	if len(devices) > 1 {
		t.Skip("this machine has a GPU")
	}
	stdout, stderr, code := proctest.RunBench(t, "gpu", "--output", filepath.Join(t.TempDir(), "gpu.jsonl"))
	if code != 1 || stdout != "" || !strings.Contains(stderr, "no GPU: TensorFlow") {
		t.Errorf("bench gpu: exit code %d, %q, %q; want 1 and that there is no GPU", code, stdout, stderr)
	}
}

// TestBenchGPUOnCPU runs the parts that a CPU is quick with.
func TestBenchGPUOnCPU(t *testing.T) {
	output := filepath.Join(t.TempDir(), "made", "gpu.jsonl")
	stdout, stderr, code := proctest.RunBench(t, "gpu", "--device", "cpu", "--parts", "devices,float32,tf32", "--min-time", "1ms", "--output", output)
	if code != 0 {
		t.Fatalf("bench gpu --device cpu: exit code %d\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{"TensorFlow", "batch 8, first run", "≤ 0.0001", "TF32 is a GPU's"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("bench gpu printed no %q:\n%s", want, stdout)
		}
	}
	if lines := string(proctest.ReadFile(t, output)); strings.Count(lines, "\n") != 2+2+4*4-1+1 || !strings.Contains(lines, `"name":"batch 8"`) {
		t.Errorf("%s holds\n%s\nwant a line for each of 20 figures: one by one has no first run", output, lines)
	}
	if _, stderr, code := proctest.RunBench(t, "gpu", "--parts", "warp"); code != 2 || !strings.Contains(stderr, `"warp"`) {
		t.Errorf("bench gpu --parts warp: exit code %d, %q; want 2 and the part's name", code, stderr)
	}
}
