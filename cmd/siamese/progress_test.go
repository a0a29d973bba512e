package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"siamese/train"
)

// openTerminal gives both ends of a pseudo-terminal: what is written to tty can
// be read from control.
func openTerminal(t *testing.T) (control, tty *os.File) {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { control.Close() })
	if err := unix.IoctlSetPointerInt(int(control.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(control.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(control.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 120}); err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return control, tty
}

// escapes are what moves the cursor and clears lines.
var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]|\r")

// shown is what was written to a terminal, in pieces between cursor movements.
func shown(written []byte) []string {
	var pieces []string
	for piece := range strings.SplitSeq(escapes.ReplaceAllString(string(written), "\n"), "\n") {
		if piece != "" {
			pieces = append(pieces, piece)
		}
	}
	return pieces
}

// TestTrainOnATerminal: a bar with its figures, and log lines that are whole.
func TestTrainOnATerminal(t *testing.T) {
	control, tty := openTerminal(t)
	cmd := command(t, quick(filepath.Join(t.TempDir(), "run"), "--epochs", "2")...)
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
	for _, piece := range shown(written) {
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

// TestScreenWithoutATerminal: lines are passed on as they are, and no bar.
func TestScreenWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	fmt.Fprintln(s, "one")
	s.report(train.Report{Step: 1, Total: 2, Loss: 0.5, ImagesPerSecond: 10})
	fmt.Fprintln(s, "two")
	s.close()
	if got := out.String(); got != "one\ntwo\n" {
		t.Errorf("wrote %q, want the two lines", got)
	}
}

// TestScreenKeepsTheLastLines: what is written just before the end, and after
// it, is there; a bar that has not come to its end does not hold the program.
func TestScreenKeepsTheLastLines(t *testing.T) {
	control, tty := openTerminal(t)
	s := newScreen(tty)
	if !s.terminal {
		t.Fatal("a terminal was not recognized")
	}
	s.report(train.Report{Step: 3, Total: 9, Loss: 0.25, ImagesPerSecond: 12})
	fmt.Fprintln(s, "before the end")
	s.close()
	fmt.Fprintln(s, "after the end")
	s.close() // twice is harmless
	tty.Close()
	written, _ := io.ReadAll(control)
	pieces := strings.Join(shown(written), "\n")
	for _, want := range []string{"before the end", "after the end", "step 3/9", "12.0 images/s, ? left, loss 0.2500"} {
		if !strings.Contains(pieces, want) {
			t.Errorf("the terminal shows %q, want %q in it", pieces, want)
		}
	}
}

func TestScreenTimeLeft(t *testing.T) {
	s := &screen{begun: time.Now().Add(-20 * time.Second), first: 10}
	tests := []struct {
		step int64
		want string
	}{
		{10, "?"},
		{20, "20s"}, // 10 steps in 20 s, 10 more to go
		{30, "0s"},
	}
	for _, tt := range tests {
		if got := s.left(train.Report{Step: tt.step, Total: 30}); got != tt.want {
			t.Errorf("left at step %d of 30 = %s, want %s", tt.step, got, tt.want)
		}
	}
}
