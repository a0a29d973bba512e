package galleries

import "sync"

// jobs are the galleries that are being reindexed, one job each. It is safe for
// concurrent use.
type jobs struct {
	running sync.WaitGroup

	mu     sync.Mutex
	byName map[string]*job
}

// job is one gallery's move to a model. It goes on without who asked for it.
type job struct {
	gallery, model string

	mu      sync.Mutex
	now     progress
	changed chan struct{} // closed when there is another state
}

// progress is how far a job is.
type progress struct {
	encoded, missing, entries int
	missingIDs                []string // the first maxMissingIDs
	known                     bool     // whether the entries have been counted
	done                      bool
	err                       error // why it ended early; set with done
}

// isRunning reports whether a gallery has a job.
func (j *jobs) isRunning(name string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.byName[name] != nil
}

// join returns the job of a gallery, which start begins where there is none.
func (j *jobs) join(name, model string, start func(*job)) *job {
	j.mu.Lock()
	defer j.mu.Unlock()
	if under := j.byName[name]; under != nil {
		return under
	}
	begun := &job{gallery: name, model: model, changed: make(chan struct{})}
	if j.byName == nil {
		j.byName = make(map[string]*job)
	}
	j.byName[name] = begun
	j.running.Go(func() {
		start(begun)
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.byName, name)
	})
	return begun
}

// state returns how far the job is, and what is closed when it is further.
func (j *job) state() (progress, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now, j.changed
}

// update changes the state.
func (j *job) update(change func(*progress)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.now)
	close(j.changed)
	j.changed = make(chan struct{})
}
