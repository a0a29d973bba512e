package training

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"siamese/train"
)

// screen is where a training run writes: on a terminal log lines pass above a
// progress bar, elsewhere they are lines and nothing else. Write may be called
// concurrently; report and close belong to one goroutine.
type screen struct {
	out      io.Writer
	terminal bool

	// bars is nil before the first report and after close.
	bars   atomic.Pointer[mpb.Progress]
	bar    *mpb.Bar
	latest atomic.Pointer[train.Report] // read by the bar's own goroutine
	begun  time.Time                    // of the first report
	first  int64                        // its step: a resumed run begins later
}

func newScreen(out io.Writer) *screen {
	file, ok := out.(*os.File)
	return &screen{out: out, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

// Write implements io.Writer for whole lines.
func (s *screen) Write(lines []byte) (int, error) {
	if bars := s.bars.Load(); bars != nil {
		return bars.Write(lines)
	}
	return s.out.Write(lines)
}

// report moves the bar; without a terminal there is none.
func (s *screen) report(report train.Report) {
	if !s.terminal {
		return
	}
	s.latest.Store(&report)
	if s.bar == nil {
		s.begin(report)
	}
	s.bar.SetTotal(report.Total, false) // by the pace, where the time is limited
	s.bar.SetCurrent(report.Step)
}

// barColumns leaves room on a line of 80 for the figures, and for the "^C" of an
// interrupt: at the line's end that would wrap and leave a torn bar behind.
const barColumns = 24

func (s *screen) begin(report train.Report) {
	s.begun, s.first = time.Now(), report.Step
	bars := mpb.New(mpb.WithOutput(s.out))
	s.bar = bars.New(report.Total, mpb.BarStyle(), mpb.BarWidth(barColumns),
		mpb.PrependDecorators(decor.CountersNoUnit("step %d/%d ")),
		mpb.AppendDecorators(decor.Any(s.figures)))
	s.bars.Store(bars)
}

// close leaves the bar as it stands and gives the terminal back. Later lines go
// straight to it.
func (s *screen) close() {
	bars := s.bars.Load()
	if bars == nil {
		return
	}
	s.bar.Abort(false) // where it has not come to its end
	bars.Wait()
	s.bars.Store(nil)
}

// figures are the words behind the bar.
func (s *screen) figures(decor.Statistics) string {
	report := s.latest.Load()
	return fmt.Sprintf(" %.1f images/s, %s left, loss %.4f", report.ImagesPerSecond, s.left(*report), report.Loss)
}

// left is the time to the last step at the pace so far, validation included.
func (s *screen) left(report train.Report) string {
	done := report.Step - s.first
	if done == 0 {
		return "?"
	}
	left := time.Since(s.begun) / time.Duration(done) * time.Duration(report.Total-report.Step)
	return left.Round(time.Second).String()
}
