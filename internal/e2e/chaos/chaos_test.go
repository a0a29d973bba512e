package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

// Tests of the files chaos_… do harm to a real server. Each has a short form,
// which every run of the tests goes through, and a long one (CHAOS=long, `make
// chaos`). Bars that a slow machine could miss are held in the long form alone.

// byForm chooses between the two.
func byForm[T any](short, long T) T {
	if os.Getenv("CHAOS") == "long" {
		return long
	}
	return short
}

// figure logs what was measured, as the line that `make chaos` prints.
func figure(t *testing.T, format string, values ...any) {
	t.Helper()
	t.Logf("figure: "+format, values...)
}

// longBar fails the long form of a test where a figure misses the bar. The short
// form only logs it: a slow machine could miss it.
func longBar(t *testing.T, holds bool, format string, values ...any) {
	t.Helper()
	if !holds {
		byForm(t.Logf, t.Errorf)(format, values...)
	}
}

// observed is a server whose metrics and memory a test reads.
type observed struct {
	*proctest.Server
	health string
}

func observe(t *testing.T, args ...string) *observed {
	t.Helper()
	health := proctest.FreeAddress(t)
	return &observed{proctest.Serve(t, append([]string{"--health-addr", health}, args...)...), health}
}

// metric is the sum over all labels of a metric.
func (o *observed) metric(t *testing.T, name string) float64 {
	t.Helper()
	sum, found := 0.0, false
	for line := range strings.Lines(proctest.Metrics(t, o.health)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || (rest[0] != '{' && rest[0] != ' ') {
			continue
		}
		fields := strings.Fields(rest)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			t.Fatalf("metric %q: %v", line, err)
		}
		sum, found = sum+value, true
	}
	if !found {
		t.Fatalf("/metrics has no %s", name)
	}
	return sum
}

// memory is a field of the process's status, in bytes: VmRSS is what is
// resident, VmHWM the most that was.
func (o *observed) memory(t *testing.T, field string) int64 {
	t.Helper()
	for line := range strings.Lines(string(proctest.ReadFile(t, o.file("status")))) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatalf("status %q: %v", line, err)
			}
			return kilobytes << 10
		}
	}
	t.Fatalf("the status of the process has no %s", field)
	return 0
}

// file is a file of the process under /proc.
func (o *observed) file(name string) string {
	return fmt.Sprintf("/proc/%d/%s", o.Cmd.Process.Pid, name)
}

// forgetPeak has VmHWM count from now on.
func (o *observed) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(o.file("clear_refs"), []byte("5"), 0o200); err != nil {
		t.Fatal(err)
	}
}

// waitIdle waits until no call is under way and no image waits, and there are no
// more goroutines than before.
func (o *observed) waitIdle(t *testing.T, goroutines float64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	bounds := map[string]float64{
		"siamese_calls_in_flight": 0, "siamese_streams_open": 0, "siamese_queue_images": 0, "siamese_queue_reserved_images": 0,
		"siamese_encoder_images": 0, "siamese_encoder_runs": 0, "go_goroutines": goroutines, "siamese_memory_bytes": 0,
	}
	for name, most := range bounds {
		for got := o.metric(t, name); got > most; got = o.metric(t, name) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Errorf("%s = %v after the calls have ended, want at most %v", name, got, most)
				return
			}
		}
	}
}

// pictureSide is the input of the built-in model, pixels.
const pictureSide = 105

// noisePicture is a picture that no other number has.
func noisePicture(number uint64) *siamesev1.Image {
	random := rand.New(rand.NewPCG(number, 0))
	pixels := make([]byte, 0, pictureSide*pictureSide+8)
	for len(pixels) < pictureSide*pictureSide {
		for bits, left := random.Uint64(), 8; left > 0; bits, left = bits>>8, left-1 {
			pixels = append(pixels, byte(bits))
		}
	}
	return &siamesev1.Image{Source: &siamesev1.Image_Raw{Raw: &siamesev1.RawPixels{
		Width: pictureSide, Height: pictureSide, Format: siamesev1.PixelFormat_PIXEL_FORMAT_GRAY8,
		Data: pixels[:pictureSide*pictureSide],
	}}}
}
