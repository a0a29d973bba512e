package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrInterrupted is what errors of [Interrupted] wrap.
var ErrInterrupted = errors.New("interrupted")

// signalled is the cause of a context that a signal has ended.
type signalled struct{ signal syscall.Signal }

// Error implements error. What Ctrl-C does needs no name.
func (e signalled) Error() string {
	if e.signal == syscall.SIGINT {
		return ErrInterrupted.Error()
	}
	return fmt.Sprintf("%v by %s", ErrInterrupted, signalNames[e.signal])
}

// Is lets errors.Is find ErrInterrupted.
func (e signalled) Is(target error) bool { return target == ErrInterrupted }

// signalNames are those of the signals that end a command.
var signalNames = map[syscall.Signal]string{syscall.SIGINT: "SIGINT", syscall.SIGTERM: "SIGTERM", syscall.SIGHUP: "SIGHUP"}

// exitCode is what shells have for a program that a signal has ended: 130 for SIGINT,
// 143 for SIGTERM, 129 for SIGHUP.
func (e signalled) exitCode() int { return 128 + int(e.signal) }

// interruption is a command that a signal has ended.
type interruption struct {
	signalled
	done string
}

// Error implements error.
func (e interruption) Error() string {
	if e.done == "" {
		return e.signalled.Error()
	}
	return e.signalled.Error() + ": " + e.done
}

// Interrupted is the error for a command to return that a signal has ended before its
// work was done: it wraps ErrInterrupted, is printed as "interrupted: " and done, which
// says in a few words what was done or saved (or is empty), and the program ends with
// exit code 130, 143 for SIGTERM and 129 for SIGHUP. It is nil where no signal has ended
// ctx: one that [Program.Main] made, or one derived from it or from [HangUp]'s. A
// command that was only to run until it is told to stop returns nil instead.
func Interrupted(ctx context.Context, done string) error {
	cause, ok := errors.AsType[signalled](context.Cause(ctx))
	if !ok {
		return nil
	}
	return interruption{cause, done}
}

// interrupted turns the error of a command whose context a signal has ended into
// that of Interrupted. Errors that say more than that it was stopped are kept in it.
func interrupted(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, ErrInterrupted) {
		return err
	}
	done := err.Error()
	if errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled {
		done = ""
	}
	if interrupted := Interrupted(ctx, done); interrupted != nil {
		return interrupted
	}
	return err
}

// untilSignal returns a context that the first SIGINT or SIGTERM ends. The second one
// ends the process.
func untilSignal() context.Context {
	ctx, _ := notify(context.Background(), os.Interrupt, syscall.SIGTERM) // for the life of the program
	return ctx
}

// notify returns a context that is also done at the first of some signals, which is its
// cause. The caller must call stop.
func notify(ctx context.Context, some ...os.Signal) (ended context.Context, stop context.CancelFunc) {
	signals := make(chan os.Signal, 1) // 1: the first one is not missed
	signal.Notify(signals, some...)
	ended, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case received := <-signals:
			// First of all, so that a second signal can end a program that is seen to
			// stop.
			signal.Stop(signals)
			number, _ := received.(syscall.Signal) // on Unix every signal is one
			cancel(signalled{number})
		case <-ended.Done():
			signal.Stop(signals)
		}
	}()
	return ended, func() { cancel(nil) }
}

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
	return notify(ctx, syscall.SIGHUP)
}
