package record_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/train/record"
)

// noon is when every test's clock stands.
func noon() time.Time {
	return time.Date(2024, 5, 17, 12, 0, 0, 0, time.UTC)
}

func TestWriteAppendsLines(t *testing.T) {
	dir := t.TempDir()
	recorder := open(t, record.Config{Dir: dir, Now: noon})
	write(t, recorder,
		record.Entry{Step: 1, Epoch: 1, Values: map[string]float64{"loss": 0.5, "images_per_second": 12}},
		record.Entry{Step: 2, Epoch: 1, Values: map[string]float64{"loss": math.NaN(), "gradient_norm": math.Inf(1)}},
		record.Entry{Step: 3, Epoch: 2},
	)
	closeRecorder(t, recorder)
	want := `{"step":1,"epoch":1,"time":"2024-05-17T12:00:00Z","images_per_second":12,"loss":0.5}
{"step":2,"epoch":1,"time":"2024-05-17T12:00:00Z","gradient_norm":null,"loss":null}
{"step":3,"epoch":2,"time":"2024-05-17T12:00:00Z"}
`
	if diff := cmp.Diff(want, read(t, dir, record.MetricsFile)); diff != "" {
		t.Errorf("metrics.jsonl (-want +got):\n%s", diff)
	}
}

func TestWriteRefusesTheNamesOfItsOwnFields(t *testing.T) {
	recorder := open(t, record.Config{Dir: t.TempDir(), Now: noon})
	defer closeRecorder(t, recorder)
	for _, name := range []string{"", "step", "epoch", "time"} {
		err := recorder.Write(record.Entry{Step: 1, Values: map[string]float64{name: 1}})
		wantError(t, err, "expected a name that is not empty, step, epoch or time")
	}
}

func TestOpenDropsWhatAnEarlierAttemptWroteLater(t *testing.T) {
	const (
		first  = `{"step":1,"loss":1}` + "\n"
		second = `{"step":2,"loss":2}` + "\n"
		third  = `{"step":3,"loss":3}` + "\n"
	)
	tests := []struct {
		name     string
		give     string
		giveStep int64
		want     string
	}{
		{"nothing is later", first + second, 2, first + second},
		{"one line is later", first + second + third, 2, first + second},
		{"a fresh start", first + second, 0, ""},
		{"a line was cut off", first + second + third[:9], 3, first + second},
		{"only its end was cut off", first + second + third[:len(third)-1], 3, first + second},
		{"an empty file", "", 3, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, record.MetricsFile, tt.give)
			recorder := open(t, record.Config{Dir: dir, Step: tt.giveStep, Now: noon})
			write(t, recorder, record.Entry{Step: tt.giveStep + 1, Epoch: 1})
			closeRecorder(t, recorder)
			got := read(t, dir, record.MetricsFile)
			if len(got) <= len(tt.want) || got[:len(tt.want)] != tt.want || got[len(tt.want)] != '{' {
				t.Errorf("metrics.jsonl = %q, want %q and one line more", got, tt.want)
			}
		})
	}
}

func open(t *testing.T, config record.Config) *record.Recorder {
	t.Helper()
	recorder, err := record.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return recorder
}

func write(t *testing.T, recorder *record.Recorder, entries ...record.Entry) {
	t.Helper()
	for _, entry := range entries {
		if err := recorder.Write(entry); err != nil {
			t.Fatal(err)
		}
	}
}

func closeRecorder(t *testing.T, recorder *record.Recorder) {
	t.Helper()
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
