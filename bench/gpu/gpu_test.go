package gpu_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/bench/gpu"
)

// check runs parts that are shell scripts, by their names.
func check(ctx context.Context, t *testing.T, limit time.Duration, scripts map[string]string, parts ...string) (best gpu.Best, lines, table string, err error) {
	t.Helper()
	var linesTo, tableTo bytes.Buffer
	best, err = gpu.Check{
		Parts: parts, Limit: limit, Lines: &linesTo, Table: &tableTo,
		Command: func(part string, best gpu.Best) []string {
			return []string{"/bin/sh", "-c", scripts[part], "sh", best.Precision}
		},
	}.Run(ctx)
	return best, linesTo.String(), tableTo.String(), err
}

const (
	fastFloat = `echo '{"part":"float32","name":"batch 32","value":900}'; echo '{"part":"float32","name":"batch 64","value":1000}'; echo '{"part":"float32","name":"batch 128","value":1010}'`
	fastHalf  = `echo '{"part":"bfloat16","name":"batch 128","value":4000}'; echo '{"part":"bfloat16","name":"batch 256","value":5000}'`
	wrongHalf = `echo '{"part":"bfloat16","name":"off","value":2,"bar":1}'; ` + fastHalf
)

func TestCheckFindsTheBest(t *testing.T) {
	scripts := map[string]string{
		"float32": fastFloat, "bfloat16": fastHalf,
		"train-bfloat16": `echo '{"part":"train-bfloat16","name":"batch 128","value":3000}'`,
		"server":         `test "$1" = bfloat16`,
	}
	best, lines, table, err := check(t.Context(), t, time.Minute, scripts, "float32", "bfloat16", "server", "train-bfloat16")
	if err != nil {
		t.Fatalf("Run: %v\n%s", err, table)
	}
	want := gpu.Best{Precision: "bfloat16", Batch: 256, TrainPrecision: "bfloat16", TrainBatch: 128}
	if diff := cmp.Diff(want, best); diff != "" {
		t.Errorf("best (-want +got):\n%s", diff)
	}
	if got := strings.Count(lines, "\n"); got != 6 {
		t.Errorf("%d lines, want one for each of 6 figures:\n%s", got, lines)
	}
	serve, train := best.Flags("gpu:1")
	if serve != "siamese serve --device gpu:1 --precision bfloat16 --max-batch 256" || train != "siamese train --device gpu:1 --precision bfloat16 --batch 128" {
		t.Errorf("Flags = %q, %q", serve, train)
	}
}

// TestCheckRefusesAPrecision: one that is off the CPU is told, fails the check and
// is not recommended. 64 images at 1000/s are near enough to 128 at 1010/s.
func TestCheckRefusesAPrecision(t *testing.T) {
	best, _, table, err := check(t.Context(), t, time.Minute, map[string]string{"float32": fastFloat, "bfloat16": wrongHalf}, "float32", "bfloat16")
	if err == nil || !strings.Contains(err.Error(), "bfloat16: off is 2") || !strings.Contains(table, "MISSED") {
		t.Errorf("Run: %v, want the figure over its bar\n%s", err, table)
	}
	if best.Precision != "float32" || best.Batch != 64 {
		t.Errorf("best = %+v, want float32 in batches of 64", best)
	}
}

// TestCheckOutlivesItsParts: what a part wrote before it crashed or was killed
// stays, and the next ones run.
func TestCheckOutlivesItsParts(t *testing.T) {
	scripts := map[string]string{
		"float32":  fastFloat + `; echo "CUDA error 700" >&2; exit 3`,
		"bfloat16": `echo 'no JSON'`,
		"server":   fastHalf,
	}
	best, lines, table, err := check(t.Context(), t, time.Minute, scripts, "float32", "bfloat16", "server")
	for _, want := range []string{"CUDA error 700", `"no JSON"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run: %v, want an error with %s", err, want)
		}
	}
	if best.Precision != "bfloat16" || strings.Count(lines, "\n") != 5 || !strings.Contains(table, "900") {
		t.Errorf("best = %+v, want what was told before and after\n%s%s", best, lines, table)
	}
}

func TestCheckEndsInTime(t *testing.T) {
	scripts := map[string]string{"float32": fastFloat + "; exec sleep 60", "bfloat16": fastHalf}
	begin := time.Now()
	_, lines, table, err := check(t.Context(), t, time.Second, scripts, "float32", "bfloat16")
	if err == nil || !strings.Contains(err.Error(), "stopped after") || !strings.Contains(table, "bfloat16: left out") {
		t.Errorf("Run: %v, want the killed part and the one left out\n%s", err, table)
	}
	if strings.Count(lines, "\n") != 3 {
		t.Errorf("lines are %q, want those before the end", lines)
	}
	if took := time.Since(begin); took > 30*time.Second { // the part would sleep for 60
		t.Errorf("Run took %v with a limit of 1 s", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := check(ctx, t, time.Minute, scripts, "float32"); !errors.Is(err, context.Canceled) {
		t.Errorf("Run with a done context: %v, want context.Canceled", err)
	}
}

// TestCheckEndsWhatPartsStart: the server of a part that is stopped or killed must
// not keep the card.
func TestCheckEndsWhatPartsStart(t *testing.T) {
	for _, end := range []string{"wait", "kill -KILL $$"} {
		pidFile := filepath.Join(t.TempDir(), "pid")
		script := fastFloat + "; sleep 60 >/dev/null 2>&1 & echo $! >" + pidFile + "; " + end
		if _, lines, _, err := check(t.Context(), t, time.Second, map[string]string{"server": script}, "server"); err == nil || lines == "" {
			t.Errorf("%s: Run: %v and lines %q, want an error and the lines before it", end, err, lines)
		}
		pid, err := os.ReadFile(pidFile)
		if err != nil {
			t.Fatal(err)
		}
		if !dies(t.Context(), strings.TrimSpace(string(pid))) {
			t.Errorf("%s: what the part started still runs", end)
		}
	}
}

// dies waits until a process is gone, or a zombie that its parent has not seen yet.
func dies(ctx context.Context, pid string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(5 * time.Millisecond) // signals are delivered when the process is next run
	}
	return false
}

// TestCheckEndsWithoutDevice: one refusal, not one for each part.
func TestCheckEndsWithoutDevice(t *testing.T) {
	scripts := map[string]string{"devices": "echo 'no GPU' >&2; exit 1", "float32": fastFloat}
	_, lines, table, err := check(t.Context(), t, time.Minute, scripts, "devices", "float32")
	if err == nil || !strings.Contains(err.Error(), "no GPU") || lines+table != "" {
		t.Errorf("Run: %v, want the refusal alone\n%s%s", err, lines, table)
	}
}

func TestParseParts(t *testing.T) {
	if parts, err := gpu.ParseParts(""); err != nil || !slices.Equal(parts, gpu.PartNames()) {
		t.Errorf("ParseParts of nothing = %v, %v; want all", parts, err)
	}
	if parts, err := gpu.ParseParts("server,float32"); err != nil || !slices.Equal(parts, []string{"server", "float32"}) {
		t.Errorf("ParseParts = %v, %v; want both in that order", parts, err)
	}
	if _, err := gpu.ParseParts("float32,warp"); err == nil || !strings.Contains(err.Error(), `"warp"`) {
		t.Errorf("ParseParts of an unknown part: %v, want an error that names it", err)
	}
}

func TestFigureHolds(t *testing.T) {
	bar := 1.0
	tests := []struct {
		give gpu.Figure
		want bool
	}{
		{gpu.Figure{Value: 2}, true}, {gpu.Figure{Value: 1, Bar: &bar}, true},
		{gpu.Figure{Value: 1.01, Bar: &bar}, false}, {gpu.Figure{Value: math.NaN(), Bar: &bar}, false},
	}
	for _, tt := range tests {
		if got := tt.give.Holds(); got != tt.want {
			t.Errorf("%v with bar %v holds = %v, want %v", tt.give.Value, tt.give.Bar, got, tt.want)
		}
	}
}
