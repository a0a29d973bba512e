package main

import (
	"strings"
	"testing"
)

func TestBenchHasItsParts(t *testing.T) {
	out, stderr, code := siamese(t, "", "bench", "--help")
	if code != 0 {
		t.Fatalf("bench --help: exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"bench all", "bench serve", "bench speed", "bench live", "bench train"} {
		if !strings.Contains(out, want) {
			t.Errorf("bench --help lacks %q:\n%s", want, out)
		}
	}
	// Flags without a part are of "bench all".
	for _, args := range [][]string{{"bench", "--device=tpu"}, {"bench", "serve", "--device=tpu"}, {"bench", "train", "--device=tpu"}} {
		if _, stderr, code := siamese(t, "", args...); code != 1 || !strings.Contains(stderr, `"tpu"`) {
			t.Errorf("%v: exit code %d and %q, want 1 and the device's name", args, code, stderr)
		}
	}
}
