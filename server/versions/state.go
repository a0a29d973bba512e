package versions

import (
	"slices"
	"time"
)

// State is where a version is in its life.
type State int

// The states of a version.
const (
	// OnDisk is there and not loaded: nothing needs it.
	OnDisk State = iota
	// Loading is being loaded and checked.
	Loading
	// Serving answers calls.
	Serving
	// Unloading answers the calls that began on it, and no others.
	Unloading
	// Failed does not hold, or could not be read for now: then Version.NextTry
	// tells when it is tried again.
	Failed
)

// String is the state as logs have it.
func (s State) String() string {
	names := [...]string{"on disk", "loading", "serving", "unloading", "failed"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// Version is what there is to know of a version.
type Version struct {
	Name    string
	State   State
	Reason  error     // why it failed; nil otherwise
	Digest  string    // of its weights, where it is loaded
	Default bool      // whether it answers calls that name no version
	Labels  []string  // that point at it, sorted
	Since   time.Time // when it came into its state
	NextTry time.Time // when it is tried again by itself; zero where it is not
}

// Status tells how versions are chosen.
type Status struct {
	Default     string            // the version that answers calls which name none; may be empty
	Choice      string            // what it is chosen by: Latest, a version or a label
	Labels      map[string]string // where labels point
	Source      string            // where versions come from
	LastScan    time.Time         // when that was last looked at
	LastError   error             // why what is chosen is not what serves; nil where it is
	Loaded      int               // models in memory
	MaxLoaded   int               // the most that may be
	Loads       uint64            // how often a version was loaded
	FailedLoads uint64            // how often one did not hold
}

// version is the manager's own knowledge of one. The manager's mutex guards it.
type version struct {
	name    string
	folder  Folder
	present bool   // in the last scan
	trusted string // the fingerprint that may be loaded: it has not changed for a period
	state   State
	since   time.Time
	reason  error
	model   Model         // nil unless it serves
	loading time.Duration // how long the load of model took
	held    bool          // loaded since LoadVersion asked for it
	tries   int           // loads in a row that failed for a transient reason
	nextTry time.Time     // when a version that failed so is tried again
}

// enter changes the state.
func (v *version) enter(state State, reason error) {
	v.state, v.reason, v.since, v.nextTry = state, reason, time.Now(), time.Time{}
	if state != Loading && state != Failed {
		v.tries = 0
	}
}

// Bounds of the wait before a version is tried again that could not be read.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// retryLater sets when the version is tried again: twice as long after each try.
func (v *version) retryLater() {
	wait := lastRetry
	if v.tries < 10 {
		wait = min(firstRetry<<v.tries, lastRetry)
	}
	v.tries++
	v.nextTry = time.Now().Add(wait)
}

// isRefused reports whether the version failed and is not to be tried now.
func (v *version) isRefused() bool {
	return v.state == Failed && (v.nextTry.IsZero() || time.Now().Before(v.nextTry))
}

// Versions lists the versions by number, the highest first.
func (m *Manager) Versions() []Version {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Version
	active := m.routes()
	for _, v := range m.versions {
		all = append(all, v.describe(active))
	}
	slices.SortFunc(all, func(a, b Version) int { return compareVersions(b.Name, a.Name) })
	return all
}

// describe is one version's description.
func (m *Manager) describe(name string) Version {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.versions[name]
	if !ok {
		return Version{Name: name}
	}
	return v.describe(m.routes())
}

// describe tells what there is to know, where calls go as active says.
func (v *version) describe(active routes) Version {
	d := Version{Name: v.name, State: v.state, Reason: v.reason, Since: v.since, NextTry: v.nextTry}
	if v.model == nil {
		return d
	}
	d.Digest = v.model.Digest()
	d.Default = active.version == v.name
	for label, target := range active.labels {
		if target == v.name {
			d.Labels = append(d.Labels, label)
		}
	}
	slices.Sort(d.Labels)
	return d
}

// Status tells how versions are chosen and how that went.
func (m *Manager) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	active := m.routes()
	return Status{
		Default:     active.version,
		Choice:      m.choice,
		Labels:      active.labels,
		Source:      m.cfg.Source.String(),
		LastScan:    m.scanned,
		LastError:   m.lastErr,
		Loaded:      m.inMemory,
		MaxLoaded:   m.cfg.MaxLoaded,
		Loads:       m.loads,
		FailedLoads: m.failures,
	}
}
