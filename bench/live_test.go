package bench

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// fakeProgram writes a shell script that stands in for the webcam client.
func fakeProgram(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "siamese-webcam")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// countingEncoder counts the encodes of one image each.
type countingEncoder struct {
	encodes int
	fails   error
}

func (e *countingEncoder) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	if string(pixels) != "prepared" {
		return nil, errors.New("received pixels that were not prepared")
	}
	e.encodes++
	return nil, e.fails
}

// fakeLive measures with the script as the client. There is no server: its
// rounds are played without one.
func fakeLive(t *testing.T, script string) (Live, *countingEncoder) {
	encoder := new(countingEncoder)
	return Live{
		Serving: Serving{
			Encoder:  encoder,
			Prepare:  func([]byte) ([]byte, error) { return []byte("prepared"), nil },
			A:        drawingFile(t, 10),
			B:        drawingFile(t, 240),
			Command:  []string{"sh", "-c", "echo no model >&2; exit 3", "sh"},
			Progress: io.Discard,
		},
		Webcam: fakeProgram(t, script),
	}, encoder
}

// told is what a client tells: ten scores, 50 ms apart, with lags of 10 to 100 ms.
const told = `{"type":"state","time":"2026-01-01T00:00:00Z","state":"streaming","dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.090Z","frame":1,"lag_ms":10,"dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.130Z","frame":2,"lag_ms":20,"dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.170Z","frame":3,"lag_ms":30,"dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.210Z","frame":4,"lag_ms":40,"dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.250Z","frame":5,"lag_ms":50,"dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.290Z","frame":6,"lag_ms":60,"dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.330Z","frame":7,"lag_ms":70,"dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.370Z","frame":8,"lag_ms":80,"dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.410Z","frame":9,"lag_ms":90,"dropped":0}
{"type":"score","time":"2026-01-01T00:00:01.450Z","frame":10,"lag_ms":100,"dropped":0}
`

const toldEnd = `{"type":"end","time":"2026-01-01T00:00:02Z","dropped":0,"totals":{"read":30,"shown":30,"scored":10,"shown_per_second":29.7}}
`

// closely is for sums of a few floats.
var closely = cmpopts.EquateApprox(0, 1e-9)

func TestReadPlayed(t *testing.T) {
	got, err := readPlayed(strings.NewReader(told + toldEnd))
	if err != nil {
		t.Fatal(err)
	}
	want := played{scoredPerSec: 20, shownPerSec: 29.7, lagMedian: 0.055, lagHigh: 0.1}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(played{}), closely); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}

func TestReadPlayedRefuses(t *testing.T) {
	failed := strings.Replace(toldEnd, `"scored":10`, `"scored":10,"failed":1`, 1)
	away := strings.Replace(toldEnd, `"scored":10`, `"scored":10,"reconnects":2`, 1)
	tests := []struct{ name, give, want string }{
		{"a client that was killed", told, "no totals"},
		{"a frame that failed", told + failed, "1 failed"},
		{"a stream that ended", told + away, "2 reconnects"},
		{"no scores", toldEnd, "0 scores"},
		{"no JSON", "panic", "invalid character"},
	}
	for _, tt := range tests {
		if _, err := readPlayed(strings.NewReader(tt.give)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestPlay(t *testing.T) {
	folder := t.TempDir()
	arguments := filepath.Join(folder, "arguments")
	script := "echo \"$@\" >" + arguments + "\ncat <<'EOF'\n" + told + toldEnd + "EOF\n"
	player := webcamPlayer{program: fakeProgram(t, script), server: "127.0.0.1:1", source: "film.y4m", reference: "a.png"}
	got, err := player.play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.scoredPerSec != 20 || !(got.cores > 0 && got.cores < 10) {
		t.Errorf("play gives %+v, want 20 scores a second and some CPU", got)
	}
	data, err := os.ReadFile(arguments)
	if err != nil {
		t.Fatal(err)
	}
	if want := "--headless --server 127.0.0.1:1 --reference a.png --source film.y4m --connect-timeout 10s\n"; string(data) != want {
		t.Errorf("the client was given %q, want %q", data, want)
	}
	player.program = fakeProgram(t, "echo no such film >&2; exit 1")
	if _, err := player.play(t.Context()); err == nil || !strings.Contains(err.Error(), "no such film") {
		t.Errorf("play of a client that fails = %v, want its standard error", err)
	}
}

// TestPlayRounds: encodes before each play and after the last, and what they
// and the plays were like.
func TestPlayRounds(t *testing.T) {
	live, encoder := fakeLive(t, "cat <<'EOF'\n"+told+toldEnd+"EOF\n")
	rounds, err := live.playRounds(t.Context(), webcamPlayer{program: live.Webcam})
	if err != nil {
		t.Fatal(err)
	}
	if len(rounds) != livePlays || encoder.encodes != (livePlays+1)*(liveEncodes+1) { // 1: not counted
		t.Errorf("%d rounds with %d encodes, want %d with %d", len(rounds), encoder.encodes, livePlays, (livePlays+1)*(liveEncodes+1))
	}
	for _, round := range rounds {
		if round.scoredPerSec != 20 || !(round.encodesPerSec > 0) {
			t.Errorf("a round is %+v, want the play's figures and the encodes'", round)
		}
	}
	encoder.fails = errors.New("out of memory")
	if _, err := live.playRounds(t.Context(), webcamPlayer{program: live.Webcam}); !errors.Is(err, encoder.fails) {
		t.Errorf("playRounds with an encoder that fails = %v, want %v", err, encoder.fails)
	}
}

func TestLiveTellsWhatWentWrong(t *testing.T) {
	live, _ := fakeLive(t, "exit 0")
	if _, err := live.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no model") {
		t.Errorf("Run with a server that fails = %v, want its standard error", err)
	}
	live.B = nil
	if _, err := live.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "drawing 1") {
		t.Errorf("Run without a second drawing = %v, want an error that names it", err)
	}
}
