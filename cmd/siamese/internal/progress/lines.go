package progress

import (
	"io"
	"os"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"golang.org/x/term"
)

// Lines is where a command writes: on a terminal lines pass above a bar, elsewhere there
// are lines and nothing else. Write may be called concurrently; the other methods belong
// to one goroutine.
type Lines struct {
	out      io.Writer
	terminal bool

	bars atomic.Pointer[mpb.Progress] // nil before Begin and after Close
	bar  *mpb.Bar
}

// NewLines returns what writes to out, which it finds out to be a terminal or not.
func NewLines(out io.Writer) *Lines {
	file, ok := out.(*os.File)
	return &Lines{out: out, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

// Terminal reports whether there is one, for a bar to be shown on.
func (l *Lines) Terminal() bool { return l.terminal }

// Write implements io.Writer for whole lines.
func (l *Lines) Write(lines []byte) (int, error) {
	if bars := l.bars.Load(); bars != nil {
		return bars.Write(lines)
	}
	return l.out.Write(lines)
}

// columns of a bar leave room on a line of 80 for the figures, and for the "^C" of an
// interrupt: at the line's end that would wrap and leave a torn bar behind.
const columns = 24

// Bar returns the bar, nil before Begin.
func (l *Lines) Bar() *mpb.Bar { return l.bar }

// Begin shows a bar of a total, in the given style and with the given options.
func (l *Lines) Begin(total int64, style mpb.BarFillerBuilder, options ...mpb.BarOption) {
	bars := mpb.New(mpb.WithOutput(l.out))
	l.bar = bars.New(total, style, append(options, mpb.BarWidth(columns))...)
	l.bars.Store(bars)
}

// Close leaves the bar as it stands and gives the terminal back. Later lines go
// straight to it. Closing twice is harmless.
func (l *Lines) Close() {
	bars := l.bars.Load()
	if bars == nil {
		return
	}
	l.bar.Abort(false) // where it has not come to its end
	bars.Wait()
	l.bars.Store(nil)
}
