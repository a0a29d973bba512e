package infer

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"siamese/imaging"
	"siamese/server/internal/fault"
	"siamese/server/internal/memory"
)

// Config sizes what the models of a registry share and what each of them gets.
// All fields are required, but for those whose zero value is told.
type Config struct {
	Memory          *memory.Budget // that decoding takes its bytes from
	MaxQueuedImages int            // images that wait for one model's encoder
	BatchWait       time.Duration  // how long an image may be held back for others; 0 = not at all
	CacheBytes      int            // embeddings that are kept of one model; 0 = none
	Limits          imaging.Limits // of one image; zero fields mean imaging's defaults
	Rule            imaging.Rule   // how pictures come to the network's size
	Alpha           imaging.Alpha  // what becomes of transparency

	// SetHealth is told whether there is a default model that answers, each time
	// that may have changed, in order. It must not call the registry.
	SetHealth func(serving bool)

	Log *slog.Logger
}

// Registry is the models that are loaded and the names that calls have for them.
// It is safe for concurrent use.
type Registry struct {
	cfg   Config
	pool  *pool
	stats stats

	mu           sync.Mutex
	closed       bool
	byVersion    map[string]*loadedModel
	byLabel      map[string]*loadedModel
	defaultModel *loadedModel // answers calls that name no model; nil until Route
}

// loadedModel is a model that answers, and how many calls are on it.
type loadedModel struct {
	engine *engine

	// The registry's mutex guards what follows.
	handles int
	retired chan struct{} // closed when no new call comes in
	idle    chan struct{} // closed when retired and the last handle is released
	failing bool          // whether the watchdog found that it does not answer
}

// isRetired reports whether no new call comes in.
func (m *loadedModel) isRetired() bool {
	select {
	case <-m.retired:
		return true
	default:
		return false
	}
}

// NewRegistry returns a registry without models. The caller must Close it.
func NewRegistry(cfg Config) *Registry {
	return &Registry{
		cfg:       cfg,
		pool:      newPool(cfg.Memory),
		byVersion: make(map[string]*loadedModel),
		byLabel:   make(map[string]*loadedModel),
	}
}

// Handle is a model in use: it stays loaded until Release.
type Handle struct {
	registry *Registry
	model    *loadedModel
}

// Acquire returns a handle on the model with this label or version, on the
// default model for an empty name. The caller must Release it. Errors:
// *[fault.Fault].
func (r *Registry) Acquire(name string) (*Handle, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.defaultModel
	if m == nil {
		return nil, fault.NotReady()
	}
	if name != "" {
		if m = r.findLocked(name); m == nil {
			return nil, fault.ModelNotFound(name)
		}
	}
	m.handles++
	return &Handle{registry: r, model: m}, nil
}

// findLocked returns nil where nothing has this name.
func (r *Registry) findLocked(name string) *loadedModel {
	if m, ok := r.byLabel[name]; ok {
		return m
	}
	return r.byVersion[name]
}

// Retiring is closed when the model is to go: a call that may last should end soon.
func (h *Handle) Retiring() <-chan struct{} { return h.model.retired }

// Release lets go of the model, once.
func (h *Handle) Release() {
	h.registry.mu.Lock()
	defer h.registry.mu.Unlock()
	h.model.handles--
	h.model.closeLocked()
}

// closeLocked says so when the last handle on a retired model is released.
func (m *loadedModel) closeLocked() {
	if m.isRetired() && m.handles == 0 {
		close(m.idle)
	}
}

// Ready returns an error where there is no model for calls that name none.
func (r *Registry) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.defaultModel == nil {
		return fault.NotReady()
	}
	return nil
}

// Add loads a model, so that calls can name info.Version. Errors: what is wrong
// with info, [ErrModelSet] for a version that is loaded, [ErrClosed].
func (r *Registry) Add(model Model, info ModelInfo) error {
	if err := info.Validate(); err != nil {
		return err
	}
	if r.isClosed() {
		return ErrClosed
	}
	// Without the lock: warming can take minutes.
	e, err := newEngine(r.cfg, r.pool, model, info)
	if err != nil {
		return fmt.Errorf("server: serve model %q: %w", info.Name, err)
	}
	if err := r.insert(e); err != nil {
		e.queue.Close()
		return err
	}
	r.cfg.Log.Debug("model set", "model", info.Name, "version", info.Version, "digest", info.Digest, "device", info.Device, "precision", info.Precision)
	return nil
}

func (r *Registry) insert(e *engine) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if _, ok := r.byVersion[e.info.Version]; ok {
		return fmt.Errorf("%w: version %q", ErrModelSet, e.info.Version)
	}
	r.byVersion[e.info.Version] = &loadedModel{engine: e, retired: make(chan struct{}), idle: make(chan struct{})}
	r.stats.open(e)
	return nil
}

// Route gives the default and the labels to the models of these versions, all or
// none. Errors: [ErrNoModel] where a version is not loaded, [ErrClosed].
func (r *Registry) Route(version string, labels map[string]string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	next, ok := r.byVersion[version]
	if !ok {
		return fmt.Errorf("%w: version %q", ErrNoModel, version)
	}
	byLabel := make(map[string]*loadedModel, len(labels))
	for label, version := range labels {
		if byLabel[label], ok = r.byVersion[version]; !ok {
			return fmt.Errorf("%w: version %q for label %q", ErrNoModel, version, label)
		}
	}
	if next != r.defaultModel {
		next.failing = false // it was tried before it came here
	}
	r.defaultModel, r.byLabel = next, byLabel
	r.tellHealthLocked()
	return nil
}

// Routes returns what Route was last told; version is empty before.
func (r *Registry) Routes() (version string, labels map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.defaultModel != nil {
		version = r.defaultModel.engine.info.Version
	}
	labels = make(map[string]string, len(r.byLabel))
	for label, m := range r.byLabel {
		labels[label] = m.engine.info.Version
	}
	return version, labels
}

// Remove takes a model's name away, so that no new call finds it, and tells those
// on it that it is to go ([Handle.Retiring]). The function
// that it returns waits until the last handle is released and lets go of the
// model. Errors: [ErrNoModel]; [ErrModelRouted] while it is the default or has a
// label, unless the registry is closed.
func (r *Registry) Remove(version string) (wait func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.byVersion[version]
	if !ok {
		return nil, fmt.Errorf("%w: version %q", ErrNoModel, version)
	}
	if r.routedLocked(m) && !r.closed {
		return nil, fmt.Errorf("%w: version %q", ErrModelRouted, version)
	}
	delete(r.byVersion, version)
	close(m.retired)
	m.closeLocked()
	return func() {
		<-m.idle
		m.engine.queue.Close()
		r.stats.close(m.engine)
	}, nil
}

// routedLocked reports whether a model is the default or has a label.
func (r *Registry) routedLocked(m *loadedModel) bool {
	if r.defaultModel == m {
		return true
	}
	for _, labelled := range r.byLabel {
		if labelled == m {
			return true
		}
	}
	return false
}

// Close ends the queues of all models: calls that wait for an encoder fail with
// batch.ErrClosed. It returns when the runs under way have ended, and may be
// called more than once.
func (r *Registry) Close() {
	r.mu.Lock()
	r.closed = true
	all := slices.Collect(maps.Values(r.byVersion))
	r.mu.Unlock()
	for _, m := range all {
		m.engine.queue.Close()
	}
}

func (r *Registry) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// tellHealthLocked says whether the default model answers.
func (r *Registry) tellHealthLocked() {
	r.cfg.SetHealth(r.defaultModel != nil && !r.defaultModel.failing)
}
