// Package versions keeps the right versions of a model loaded: the default, and
// those that labels point at.
//
// A version is a numbered folder, or the one model of a server that has no
// folder of versions. It is loaded and checked beside the old one; when that
// went well calls are routed to it at once, and the old one is unloaded when its
// last call has ended. One that does not hold, half-copied or damaged, leaves
// the old one serving, and is not tried again until its files change. One that
// could not be read for now ([ErrTransient]) is tried again after a while.
//
// The package knows no network and no wire: [Loader] loads, [Router] routes.
package versions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"
)

// Loader loads versions.
type Loader interface {
	// Load loads the version in folder, checks it and lets calls that name it
	// come in. The error says what does not hold; it wraps [ErrTransient] where
	// that may be otherwise later. One Load runs at a time; a Model's Unload may
	// run beside it.
	Load(ctx context.Context, folder Folder) (Model, error)
}

// Model is a version that has been loaded.
type Model interface {
	// Digest names the weights.
	Digest() string

	// LogValue describes the model for the log line that says it answers.
	slog.LogValuer

	// Unload lets no further call in, at once, and returns what waits for those
	// under way and frees the model. Both are called once; Unload never while
	// the Router routes to the version, but for the manager's Close.
	Unload() (free func() error)
}

// Router sends calls to versions that have been loaded.
type Router interface {
	// Route makes version the one that answers calls which name none, and each
	// label's version the one for calls that name it, all at once. labels is
	// the Router's from then on.
	Route(version string, labels map[string]string) error

	// Routes returns what Route was last told; version is empty before. labels is
	// the caller's. It must not call the Manager.
	Routes() (version string, labels map[string]string)
}

// Manager decides which versions are loaded and which of them answers. It is
// safe for concurrent use.
type Manager struct {
	cfg Config

	// turn is held by the goroutine that decides and loads. A channel, capacity 1, so that
	// the wait for it can be given up.
	turn chan struct{}

	unloading sync.WaitGroup
	woken     chan struct{} // tells Run that a version is to be tried again; capacity 1

	mu       sync.Mutex // guards all below; never held over a load
	versions map[string]*version
	choice   string            // what the default is chosen by
	labels   map[string]string // what labels are chosen by
	inMemory int               // models that were loaded and are not freed
	leaving  int               // those of them that answer their last calls
	freed    chan struct{}     // closed when the next one of them is freed
	loads    uint64
	failures uint64
	scanned  time.Time
	lastErr  error
	ignored  string // the newer version that the log has told of last; empty where the default is the latest
	started  bool   // the first look is over: Start tells of that one itself
}

// routes is where calls go. The Router alone keeps them.
type routes struct {
	version string
	labels  map[string]string
}

func (m *Manager) routes() routes {
	version, labels := m.cfg.Router.Routes()
	return routes{version, labels}
}

// New returns a manager that has loaded nothing yet. cfg is copied. The caller
// runs it and closes it.
func New(cfg Config) (*Manager, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Manager{
		cfg:      cfg,
		turn:     make(chan struct{}, 1),
		woken:    make(chan struct{}, 1),
		freed:    make(chan struct{}),
		versions: make(map[string]*version),
		choice:   cfg.Default,
		labels:   make(map[string]string),
	}
	for label, choice := range cfg.Labels {
		m.labels[label] = choice
	}
	return m, nil
}

// Run looks for new versions every Config.Period until ctx is done. What Start could
// not load, and labels that point nowhere, are tried again when their files change;
// nothing that is found ends Run. Start comes first.
func (m *Manager) Run(ctx context.Context) {
	next := time.NewTimer(m.untilLook())
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.woken:
		case <-next.C:
			m.look(ctx)
		}
		next.Reset(m.untilLook())
	}
}

// untilLook is how long to wait before the next look: Config.Period, or less where
// a version is to be tried again before.
func (m *Manager) untilLook() time.Duration {
	wait := cmp.Or(m.cfg.Period, time.Duration(math.MaxInt64))
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.versions {
		if !v.nextTry.IsZero() {
			wait = min(wait, time.Until(v.nextTry))
		}
	}
	return wait
}

// wake has Run see when the next look is due.
func (m *Manager) wake() {
	select {
	case m.woken <- struct{}{}:
	default: // it will see
	}
}

// Start loads what is chosen by the configuration. The error says why there is no
// default; that not all else could be had is logged. ctx's end is no error.
func (m *Manager) Start(ctx context.Context) error {
	err := m.inTurn(ctx, func() error {
		defer m.markStarted()
		if err := m.scan(); err != nil {
			return err
		}
		m.trustAll()
		err := m.reconcile(ctx)
		m.mu.Lock()
		defer m.mu.Unlock()
		serving := m.routes().version
		if serving == "" {
			return err
		}
		if err != nil {
			m.cfg.Logger.Error("not all that is chosen is served", "serving", serving, "err", err)
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// markStarted has what later loads find logged.
func (m *Manager) markStarted() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.started = true
}

// look is what Run does every period.
func (m *Manager) look(ctx context.Context) {
	_ = m.inTurn(ctx, func() error { // what goes wrong is noted in the status and the log
		if err := m.scan(); err != nil {
			return err
		}
		return m.reconcile(ctx)
	})
}

// Close unloads all versions and returns when they are freed. It must be called
// when no call can come in any more, after Run has returned, once.
func (m *Manager) Close() error {
	var errs []error // the mutex guards it
	select {
	case m.turn <- struct{}{}: // and never given back
	case <-time.After(patience):
		errs = append(errs, errors.New("versions: a load does not end, since files can't be read; the model that it may have begun is not freed"))
	}
	m.mu.Lock()
	for _, v := range m.versions {
		if v.model != nil {
			m.unloadLocked(v, func(err error) { errs = append(errs, err) })
		}
	}
	m.mu.Unlock()
	m.unloading.Wait()
	return joined(errs)
}

// patience is how long what goes by its context may take to end once that is done.
// A step of a load takes a second or two; reading from a disk that hangs can't be
// interrupted at all.
const patience = 5 * time.Second

// inTurn waits for the turn to decide and load, and does something in it. Where
// that goes on for too long after ctx is done, it is left alone, with the turn, and
// the error is ctx's.
func (m *Manager) inTurn(ctx context.Context, do func() error) error {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait for another load: %w", ctx.Err())
	}
	ended := make(chan error, 1)
	go func() {
		defer func() { <-m.turn }()
		ended <- do()
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		return fmt.Errorf("a load that does not end was left alone: %w", ctx.Err())
	}
}
