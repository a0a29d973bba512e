package training

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"siamese/cmd/siamese/internal/progress"
	"siamese/train"
)

// screen is where a training run writes, and shows how far it is. Write may be called
// concurrently; report and Close belong to one goroutine.
type screen struct {
	*progress.Lines

	latest atomic.Pointer[train.Report] // read by the bar's own goroutine
	begun  time.Time                    // of the first report
	first  int64                        // its step: a resumed run begins later
}

func newScreen(out io.Writer) *screen { return &screen{Lines: progress.NewLines(out)} }

// report moves the bar; without a terminal there is none.
func (s *screen) report(report train.Report) {
	if !s.Terminal() {
		return
	}
	s.latest.Store(&report)
	if s.Bar() == nil {
		s.begun, s.first = time.Now(), report.Step
		s.Begin(report.Total, mpb.BarStyle(), mpb.PrependDecorators(decor.CountersNoUnit("step %d/%d ")), mpb.AppendDecorators(decor.Any(s.figures)))
	}
	s.Bar().SetTotal(report.Total, false) // by the pace, where the time is limited
	s.Bar().SetCurrent(report.Step)
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
