package serve

import (
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"siamese/server"
)

// received is what has come to a socket since the last time.
func received(t *testing.T, socket int) []string {
	t.Helper()
	var all []string
	buffer := make([]byte, 4096)
	for {
		n, _, err := syscall.Recvfrom(socket, buffer, syscall.MSG_DONTWAIT)
		switch err {
		case nil:
			all = append(all, string(buffer[:n]))
		case syscall.EAGAIN:
			return all
		default:
			t.Fatal(err)
		}
	}
}

// TestWatchdogIsAnsweredWhileTheModelAnswers and while the server starts and drains,
// but not while its model fails.
func TestWatchdogIsAnsweredWhileTheModelAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(socket)
	if err := syscall.Bind(socket, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "2000000")
	t.Setenv("WATCHDOG_PID", "")
	synctest.Test(t, func(t *testing.T) {
		command := &Command{StopTimeout: 25 * time.Second, DrainDelay: 5 * time.Second}
		s := command.openSupervisor(slog.New(slog.DiscardHandler))
		check := func(moment string, pings int, wants ...string) {
			t.Helper()
			time.Sleep(3*time.Second + time.Millisecond) // fake time: three halves of the watchdog's
			all := strings.Join(received(t, socket), "\n")
			if got := strings.Count(all, "WATCHDOG=1"); got != pings {
				t.Errorf("%s the watchdog was answered %d times, want %d", moment, got, pings)
			}
			for _, want := range wants {
				if !strings.Contains(all, want) {
					t.Errorf("%s systemd was told %q, want %q in it", moment, all, want)
				}
			}
		}
		check("while the models are loaded", 3, "STATUS=loading the models")
		s.tell(server.Serving)
		check("while calls are answered", 3, "READY=1", "STATUS=serving")
		s.tell(server.Failing)
		check("while the model fails", 0, "STATUS=the model does not answer")
		s.tell(server.Serving)
		check("when it answers again", 3, "STATUS=serving")
		s.tell(server.Draining)
		check("while the server drains", 3, "STOPPING=1", "EXTEND_TIMEOUT_USEC=40000000")
		s.close()
		check("after the end", 0)
	})
}
