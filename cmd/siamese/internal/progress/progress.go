// Package progress shows on a terminal how far a command is.
package progress

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Screen shows how many things a command has done. Write may be called concurrently; the
// other methods belong to one goroutine.
type Screen struct {
	*Lines
	what string

	begun       time.Time
	done, total atomic.Int64
}

// New makes the screen of a command that counts things of a name, such as "pictures",
// and writes to out.
func New(out io.Writer, what string) *Screen {
	return &Screen{Lines: NewLines(out), what: what, begun: time.Now()}
}

// Done says how many things are done, of how many; 0: nobody knows.
func (s *Screen) Done(done, total int) {
	s.done.Store(int64(done))
	s.total.Store(int64(total))
	if !s.Terminal() {
		return
	}
	if s.Bar() == nil {
		style := mpb.BarFillerBuilder(mpb.BarStyle())
		if total == 0 {
			style = mpb.NopStyle()
		}
		s.Begin(int64(total), style, mpb.PrependDecorators(decor.Any(s.counted)), mpb.AppendDecorators(decor.Any(s.pace)))
	}
	s.Bar().SetCurrent(int64(done))
}

func (s *Screen) counted(decor.Statistics) string {
	if total := s.total.Load(); total > 0 {
		return fmt.Sprintf("%d/%d %s ", s.done.Load(), total, s.what)
	}
	return fmt.Sprintf("%d %s ", s.done.Load(), s.what)
}

// pace is how fast it goes, and how long it will take at that.
func (s *Screen) pace(decor.Statistics) string {
	done, total, spent := s.done.Load(), s.total.Load(), time.Since(s.begun)
	text := fmt.Sprintf(" %.1f/s", float64(done)/max(spent.Seconds(), 1e-3))
	if total > 0 && done > 0 {
		left := spent / time.Duration(done) * time.Duration(total-done)
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return text
}
