package cli_test

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"siamese/cmd/internal/cli"
)

// TestInterruptedBySignal: a context that a signal has ended says which one, and what
// was done; any other context is no interruption.
func TestInterruptedBySignal(t *testing.T) {
	if err := cli.Interrupted(t.Context(), "3 of 7"); err != nil {
		t.Errorf("Interrupted while nothing has ended = %v, want nil", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := cli.Interrupted(canceled, "3 of 7"); err != nil {
		t.Errorf("Interrupted of a context that was canceled = %v, want nil", err)
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // under nohup it would be ignored
	ctx, stop := cli.HangUp(t.Context())
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	derived, cancel := context.WithCancel(ctx)
	defer cancel()
	for done, want := range map[string]string{"": "interrupted by SIGHUP", "3 of 7": "interrupted by SIGHUP: 3 of 7"} {
		err := cli.Interrupted(derived, done)
		if !errors.Is(err, cli.ErrInterrupted) || err.Error() != want {
			t.Errorf("Interrupted(%q) = %v, want %q", done, err, want)
		}
	}
}
