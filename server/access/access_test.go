package access_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/access"
)

// script is a source that answers reloads as told.
type script struct {
	answers []scripted
	reloads int
}

type scripted struct {
	changed bool
	err     error
}

func (s *script) String() string { return "script" }

func (s *script) Reload() (bool, error) {
	answer := s.answers[min(s.reloads, len(s.answers)-1)]
	s.reloads++
	return answer.changed, answer.err
}

// TestWatchTellsWhatHappened: each change, and each error once while it stays.
func TestWatchTellsWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := scripted{err: errors.New("half-written")}
		source := &script{answers: []scripted{{}, {changed: true}, broken, broken, broken, {}, {}}}
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		wake := make(chan os.Signal)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			access.Watch(ctx, time.Second, wake, log, source)
		}()
		time.Sleep(4500 * time.Millisecond) // fake time: four reloads
		wake <- syscall.SIGHUP              // the error is told again
		time.Sleep(2 * time.Second)
		wake <- syscall.SIGHUP
		synctest.Wait()
		cancel()
		<-done
		if source.reloads != 8 {
			t.Errorf("%d reloads, want 6 by time and 2 by signal", source.reloads)
		}
		want := []string{
			`level=INFO msg=reloaded source=script`,
			`level=ERROR msg="not reloaded, what was read before stays in use" source=script err=half-written`,
			`level=ERROR msg="not reloaded, what was read before stays in use" source=script err=half-written`,
			`level=INFO msg="nothing to reload, the files are as before" source=script`,
			`level=INFO msg="nothing to reload, the files are as before" source=script`,
		}
		if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(text.String()), "\n")); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestWatchWithoutPeriodWaitsForTheSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &script{answers: []scripted{{changed: true}}}
		wake := make(chan os.Signal)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			access.Watch(ctx, 0, wake, slog.New(slog.DiscardHandler), source)
		}()
		time.Sleep(time.Hour)
		wake <- syscall.SIGHUP
		synctest.Wait()
		cancel()
		<-done
		if source.reloads != 1 {
			t.Errorf("%d reloads, want one, by the signal", source.reloads)
		}
	})
}
