package doctest

import (
	"bufio"
	"context"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

// background is a program that goes on while later blocks run. Its lines come from a
// named pipe, so that nobody has to look again and again.
type background struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and replaced when lines or ended change
	ended bool
	next  int // the first line that no log block has asked for
}

// follow reads the pipe at path until all who write to it have ended.
func follow(path string, restore func(string) string) (*background, error) {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, err
	}
	b := &background{more: make(chan struct{})}
	go func() {
		pipe, err := os.Open(path) //nolint:gosec // the pipe that was made above
		if err == nil {
			defer pipe.Close() //nolint:errcheck // it was only read
			lines := bufio.NewScanner(pipe)
			for lines.Scan() {
				b.change(func() { b.lines = append(b.lines, restore(lines.Text())) })
			}
		}
		b.change(func() { b.ended = true })
	}()
	return b, nil
}

func (b *background) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.more)
	b.more = make(chan struct{})
}

// await waits for a line that wanted reports true for, from line from on, and returns
// the index after it; -1 where the program or ctx ends first.
func (b *background) await(ctx context.Context, from int, wanted func(string) bool) int {
	for {
		b.mu.Lock()
		for i := from; i < len(b.lines); i++ {
			if wanted(b.lines[i]) {
				b.mu.Unlock()
				return i + 1
			}
		}
		from = max(from, len(b.lines))
		more, ended := b.more, b.ended
		b.mu.Unlock()
		if ended {
			return -1
		}
		select {
		case <-more:
		case <-ctx.Done():
			return -1
		}
	}
}

// shows waits for the lines of a log block, in their order, and returns the first one
// that does not come.
func (b *background) shows(ctx context.Context, shown string, varies []*regexp.Regexp) (missing string) {
	from := b.next
	for _, want := range linesOf(shown) {
		if want == "…" {
			continue
		}
		from = b.await(ctx, from, func(got string) bool { return Mismatch(want, got, varies) == "" })
		if from < 0 {
			return want
		}
	}
	b.next = from
	return ""
}

// all returns what was printed so far.
func (b *background) all() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines, "\n")
}
