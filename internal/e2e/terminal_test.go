package e2e_test

import (
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"siamese/internal/proctest"
)

// TestTrainOnATerminal: a bar with its figures, and log lines that are whole.
func TestTrainOnATerminal(t *testing.T) {
	control, tty := proctest.OpenTerminal(t)
	cmd := proctest.Command(t, quick(filepath.Join(t.TempDir(), "run"), "--epochs", "2")...)
	cmd.Stderr = tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close() // the program's end is the last one: reading ends with it
	written, _ := io.ReadAll(control)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("train on a terminal: %v\n%s", err, written)
	}
	bar := regexp.MustCompile(`^step (\d)/6 +\[[=>-]+\] +\d+\.\d images/s, \S+ left, loss \d\.\d{4}$`)
	logged := regexp.MustCompile(`^time=\S+ level=INFO msg=\S+ .*\S$`)
	var bars []string
	lines := 0
	for _, piece := range proctest.Shown(written) {
		switch {
		case bar.MatchString(piece):
			bars = append(bars, piece)
		case strings.Contains(piece, "images/s, ") || strings.Contains(piece, "level=INFO") && !logged.MatchString(piece):
			t.Errorf("torn: %q", piece)
		case strings.Contains(piece, "msg=step ") || strings.Contains(piece, "msg=epoch "):
			lines++
		}
	}
	if lines != 6+2 {
		t.Errorf("%d lines of steps and epochs, want 8\n%s", lines, written)
	}
	if len(bars) < 2 || !strings.HasPrefix(bars[len(bars)-1], "step 6/6") {
		t.Errorf("the bar was %q, want it to move to step 6/6", bars)
	}
}
