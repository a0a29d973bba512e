package bench

import (
	"io"
	"strings"
	"testing"
	"time"

	"siamese/bench/load"
)

func TestWriteSweep(t *testing.T) {
	swept := []Swept{{HalfHigh: 0.7, Rate: 8, Median: 0.1, High: 0.2, Lone: 0.05}, {Setting: "--runners=1", Rate: 6, Median: 0.3, High: 0.4, Lone: 0.06}}
	var out strings.Builder
	if err := WriteSweep(&out, swept); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the defaults", "1.00×", "--runners=1", "0.75×", "400 ms", "60 ms", "700 ms"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("sweep is\n%swant %q in it", out.String(), want)
		}
	}
	if row := rowOf(t, SweepRows(swept), "--runners=1, 99 of 100"); row.Value != 400 {
		t.Errorf("row = %+v, want 400 ms", row)
	}
}

// A setting goes before the address, and a server that won't start with it is
// told with its own words.
func TestSweepTellsASettingThatFails(t *testing.T) {
	sweep := Sweep{
		Command:  []string{"sh", "-c", `echo "started with $*" >&2; exit 3`, "sh", "--addr"},
		Settings: []string{"--runners=0 --odd"}, Rounds: 1, Progress: io.Discard,
		Traffic: Traffic{Kind: CompareTraffic, Files: trafficFiles, Pace: load.Config{Clients: 1, Duration: time.Second}},
	}
	if _, err := sweep.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "started with --runners=0 --odd --addr 127.0.0.1:") {
		t.Errorf("Run = %v, want the server's words", err)
	}
}
