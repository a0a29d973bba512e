package e2e_test

import (
	"strings"
	"testing"

	"siamese/internal/proctest"
)

func TestBenchHasItsParts(t *testing.T) {
	out, stderr, code := proctest.RunBench(t, "--help")
	if code != 0 {
		t.Fatalf("bench --help: exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"all ", "serve ", "speed ", "live ", "gpu ", "train "} {
		if !strings.Contains(out, want) {
			t.Errorf("bench --help lacks %q:\n%s", want, out)
		}
	}
	// The name that the benches had, as a command of siamese, stays.
	if got, stderr, code := proctest.Run(t, "", "bench", "--help"); code != 0 || got != out {
		t.Errorf("siamese bench --help: exit code %d and %q %s, want what siamese-bench prints", code, got, stderr)
	}
	// Flags without a part are of "all".
	for _, args := range [][]string{{"--device=tpu"}, {"serve", "--device=tpu"}, {"train", "--device=tpu"}} {
		if _, stderr, code := proctest.RunBench(t, args...); code != 1 || !strings.Contains(stderr, `"tpu"`) {
			t.Errorf("%v: exit code %d and %q, want 1 and the device's name", args, code, stderr)
		}
	}
}

func TestBenchLiveHasItsFlag(t *testing.T) {
	for _, part := range []string{"all", "live"} {
		out, stderr, code := proctest.RunBench(t, part, "--help")
		if code != 0 || !strings.Contains(out, "--webcam=") {
			t.Errorf("bench %s --help: exit code %d without --webcam\n%s%s", part, code, out, stderr)
		}
	}
}
