package cli

import (
	"context"
	"os/signal"
	"syscall"
)

// OutliveReaders lets the program go on when the reader of its standard output or
// error goes away, as head does: what is written then is lost. Without it Go ends
// the program.
func OutliveReaders() { signal.Ignore(syscall.SIGPIPE) }

// HangUp returns a context that is also done when the terminal is closed (SIGHUP),
// unless the program was told to go on then, as by nohup. The caller must call
// stop.
func HangUp(ctx context.Context) (hungUp context.Context, stop context.CancelFunc) {
	if signal.Ignored(syscall.SIGHUP) {
		return context.WithCancel(ctx)
	}
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}
