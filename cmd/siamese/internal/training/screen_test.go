package training

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"siamese/internal/proctest"
	"siamese/train"
)

// TestScreenWithoutATerminal: lines are passed on as they are, and no bar.
func TestScreenWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	fmt.Fprintln(s, "one")
	s.report(train.Report{Step: 1, Total: 2, Loss: 0.5, ImagesPerSecond: 10})
	fmt.Fprintln(s, "two")
	s.Close()
	if got := out.String(); got != "one\ntwo\n" {
		t.Errorf("wrote %q, want the two lines", got)
	}
}

// TestScreenKeepsTheLastLines: what is written just before the end, and after
// it, is there; a bar that has not come to its end does not hold the program.
func TestScreenKeepsTheLastLines(t *testing.T) {
	control, tty := proctest.OpenTerminal(t)
	s := newScreen(tty)
	if !s.Terminal() {
		t.Fatal("a terminal was not recognized")
	}
	s.report(train.Report{Step: 3, Total: 9, Loss: 0.25, ImagesPerSecond: 12})
	fmt.Fprintln(s, "before the end")
	s.Close()
	fmt.Fprintln(s, "after the end")
	s.Close() // twice is harmless
	tty.Close()
	written, _ := io.ReadAll(control)
	pieces := strings.Join(proctest.Shown(written), "\n")
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
