// Package progress shows on a terminal how far a command is.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// Screen is where a command tells of its work: on a terminal lines pass above a bar,
// elsewhere there are lines and nothing else. Write may be called concurrently; the
// other methods belong to one goroutine.
type Screen struct {
	out      io.Writer
	what     string
	terminal bool

	bars        atomic.Pointer[mpb.Progress] // nil before the first Done and after Close
	bar         *mpb.Bar
	begun       time.Time
	done, total atomic.Int64
}

// New makes the screen of a command that counts things of a name, such as "pictures",
// and writes to out.
func New(out io.Writer, what string) *Screen {
	file, ok := out.(*os.File)
	return &Screen{out: out, what: what, terminal: ok && term.IsTerminal(int(file.Fd())), begun: time.Now()}
}

// Write implements io.Writer for whole lines.
func (s *Screen) Write(lines []byte) (int, error) {
	if bars := s.bars.Load(); bars != nil {
		return bars.Write(lines)
	}
	return s.out.Write(lines)
}

// barColumns leaves room on a line of 80 for the figures.
const barColumns = 24

// Done says how many things are done, of how many; 0: nobody knows.
func (s *Screen) Done(done, total int) {
	s.done.Store(int64(done))
	s.total.Store(int64(total))
	if !s.terminal {
		return
	}
	if s.bar == nil {
		bars := mpb.New(mpb.WithOutput(s.out))
		style := mpb.BarFillerBuilder(mpb.BarStyle())
		if total == 0 {
			style = mpb.NopStyle()
		}
		s.bar = bars.New(int64(total), style, mpb.BarWidth(barColumns),
			mpb.PrependDecorators(decor.Any(s.counted)), mpb.AppendDecorators(decor.Any(s.pace)))
		s.bars.Store(bars)
	}
	s.bar.SetCurrent(int64(done))
}

// Close leaves the bar as it stands and gives the terminal back. Later lines go
// straight to it.
func (s *Screen) Close() {
	bars := s.bars.Load()
	if bars == nil {
		return
	}
	s.bar.Abort(false) // where it has not come to its end
	bars.Wait()
	s.bars.Store(nil)
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
