package serve

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"siamese/server"
)

// supervisor tells systemd, or what else reads the socket that NOTIFY_SOCKET names, how
// the server is (sd_notify(3)). Without that variable it tells nobody. It is safe for
// concurrent use.
//
// Nothing is told of SIGHUP: certificates and tokens are read again in milliseconds,
// and calls are answered meanwhile.
type supervisor struct {
	stopTime time.Duration // that a stop may take
	log      *slog.Logger
	stop     chan struct{}
	work     sync.WaitGroup

	mu    sync.Mutex
	state server.State
}

// stopMargin is what a stop may take beside what the flags say: the last spans, and the
// model's end.
const stopMargin = 10 * time.Second

// openSupervisor says that the server starts, and answers systemd's watchdog where there
// is one. The caller must close it.
func (c *Command) openSupervisor(logger *slog.Logger) *supervisor {
	s := &supervisor{stopTime: c.DrainDelay + c.StopTimeout + stopMargin, log: logger, stop: make(chan struct{})}
	s.send("STATUS=loading the models")
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		logger.Warn("systemd's watchdog is not answered", "err", err)
	}
	if interval > 0 {
		s.work.Go(func() { s.answerWatchdog(interval / 2) })
	}
	return s
}

// tell passes a state on. READY comes with the first one in which calls are answered.
func (s *supervisor) tell(state server.State) {
	s.mu.Lock()
	s.state = state
	s.mu.Unlock()
	switch state {
	case server.Serving:
		s.send(daemon.SdNotifyReady + "\nSTATUS=serving")
	case server.Failing:
		s.send("STATUS=the model does not answer: the log says why")
	case server.Draining:
		s.send(fmt.Sprintf("%s\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%d", daemon.SdNotifyStopping, s.stopTime.Microseconds()))
	}
}

// answerWatchdog tells the watchdog every period that all is well. It does not while the
// model doesn't answer, so that systemd starts the server again; being busy is no
// failure (--watchdog-period).
func (s *supervisor) answerWatchdog(period time.Duration) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
		s.mu.Lock()
		failing := s.state == server.Failing
		s.mu.Unlock()
		if !failing {
			s.send(daemon.SdNotifyWatchdog)
		}
	}
}

func (s *supervisor) send(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("systemd was not told", "state", state, "err", err)
	}
}

func (s *supervisor) close() {
	close(s.stop)
	s.work.Wait()
}
