package tfmodel

import (
	"fmt"
	"net"
	"time"
)

const (
	// workerDialTimeout is how long a worker may take to accept a connection.
	workerDialTimeout = 5 * time.Second
	// workerWatchPeriod is every how often workers are looked for in a run.
	workerWatchPeriod = 2 * time.Second
)

// reachWorkers tells which worker of a cluster accepts no connection:
// TensorFlow itself would wait for it for ever.
func reachWorkers(cluster []string) error {
	for number, address := range cluster {
		connection, err := net.DialTimeout("tcp", address, workerDialTimeout)
		if err != nil {
			return fmt.Errorf("worker %d at %s is not there: %w", number, address, err)
		}
		_ = connection.Close() // nothing was sent
	}
	return nil
}

// watched does a run and looks for the workers while it lasts: where one dies,
// TensorFlow may wait for its part for ever, and nothing can interrupt that. The
// run is left behind then, with its memory, and the trainer is of no use any
// more.
func (t *Trainer) watched(run func() error) error {
	if len(t.cluster) == 0 {
		return run()
	}
	ended := make(chan error, 1) // 1: a run that was left behind ends all the same
	go func() { ended <- run() }()
	ticker := time.NewTicker(workerWatchPeriod)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			// Closing the session would wait for a worker that is gone.
			t.lost = err != nil && reachWorkers(t.cluster) != nil
			return err
		case <-ticker.C:
			if err := reachWorkers(t.cluster); err != nil {
				t.lost = true
				return err
			}
		}
	}
}
