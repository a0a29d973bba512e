package infer

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"siamese/imaging"
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

	// Models are the names of the models, in the order in which the server was given
	// them; those that are added without being here come after them.
	Models []string

	// Default is the model that answers calls which name none: a name, or [Auto].
	// Empty: the first model.
	Default string

	// AutoModels are the names of the models among which [Auto] chooses, in the order
	// in which they are tried. Nil: there is no Auto.
	AutoModels []string

	// SetHealth is told whether the default version of the model with this serving
	// name answers, each time that may have changed, in order, and whether calls that
	// name no model are for this one, of Auto for it before others. It must not call the
	// registry.
	SetHealth func(model string, isDefault, serving bool)

	Log *slog.Logger
}

// Registry is the models that are loaded and the names that calls have for them.
// It is safe for concurrent use.
type Registry struct {
	cfg   Config
	pool  *pool
	stats stats

	mu        sync.Mutex
	closed    bool
	models    []*namedModel    // in order; one may have no version loaded
	onSeveral map[*Handle]bool // handles on several models
}

// namedModel is the versions of one model that are loaded. The registry's mutex
// guards it.
type namedModel struct {
	name      string
	byVersion map[string]*loadedModel
	byLabel   map[string]*loadedModel
	chosen    *loadedModel // answers calls that name no version; nil until Route
}

// loadedModel is a version of a model that answers, and how many calls are on it.
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
	r := &Registry{cfg: cfg, pool: newPool(cfg.Memory), onSeveral: make(map[*Handle]bool)}
	for _, name := range cfg.Models {
		r.openLocked(name)
	}
	return r
}

// openLocked returns the model of this name, a new one where there is none.
func (r *Registry) openLocked(name string) *namedModel {
	m := r.modelLocked(name)
	if m == nil {
		m = &namedModel{name: name, byVersion: make(map[string]*loadedModel)}
		r.models = append(r.models, m)
	}
	return m
}

// Handle is a model in use, or those of [Auto]: they stay loaded until Release.
type Handle struct {
	registry *Registry
	model    *loadedModel
	others   []*loadedModel // of Auto: those that are tried after model
	retiring chan struct{}  // closed when any of them is to go; nil where there are no others
}

// Acquire returns a handle on the model that a call names (findLocked), on several for
// [Auto]. The caller must Release it. Errors: *[fault.Fault].
func (r *Registry) Acquire(name string) (*Handle, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.holdAutoLocked(name); h != nil {
		return h, nil
	}
	m, err := r.findLocked(name)
	if err != nil {
		return nil, err
	}
	return r.holdLocked(m), nil
}

// holdLocked returns a handle on a model.
func (r *Registry) holdLocked(m *loadedModel) *Handle {
	m.handles++
	return &Handle{registry: r, model: m}
}

// Info describes the model; of [Auto] the one that is tried first.
func (h *Handle) Info() ModelInfo { return h.model.engine.info }

// Retiring is closed when the model is to go, or one of several: a call that may last
// should end soon.
func (h *Handle) Retiring() <-chan struct{} {
	if h.retiring != nil {
		return h.retiring
	}
	return h.model.retired
}

// Release lets go of the models, once.
func (h *Handle) Release() {
	h.registry.mu.Lock()
	defer h.registry.mu.Unlock()
	delete(h.registry.onSeveral, h)
	for _, m := range h.all() {
		m.handles--
		m.closeLocked()
	}
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
	_, err := r.findLocked("")
	return err
}

// Add loads a version of the model info.ServingName, so that calls can name both.
// Errors: what is wrong with info, [ErrModelSet] for a version that is loaded,
// [ErrClosed].
func (r *Registry) Add(model Model, info ModelInfo) error {
	info.ServingName = cmp.Or(info.ServingName, info.Name)
	if err := info.Validate(); err != nil {
		return err
	}
	if r.isClosed() {
		return ErrClosed
	}
	// Without the lock: warming can take minutes.
	e, err := newEngine(r.cfg, r.pool, model, info)
	if err != nil {
		return fmt.Errorf("server: serve model %q: %w", info.ServingName, err)
	}
	if err := r.insert(e); err != nil {
		e.queue.Close()
		return err
	}
	r.cfg.Log.Debug("model set", "model", info.ServingName, "version", info.Version, "digest", info.Digest, "device", info.Device, "precision", info.Precision)
	return nil
}

func (r *Registry) insert(e *engine) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	m := r.openLocked(e.info.ServingName)
	if _, ok := m.byVersion[e.info.Version]; ok {
		return fmt.Errorf("%w: version %q of model %q", ErrModelSet, e.info.Version, m.name)
	}
	m.byVersion[e.info.Version] = &loadedModel{engine: e, retired: make(chan struct{}), idle: make(chan struct{})}
	r.stats.open(e)
	return nil
}

// Route gives a model's default and its labels to these versions of it, all or
// none. Errors: [ErrNoModel] where a version is not loaded, [ErrClosed].
func (r *Registry) Route(name, version string, labels map[string]string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	m, next, err := r.versionLocked(name, version)
	if err != nil {
		return err
	}
	byLabel := make(map[string]*loadedModel, len(labels))
	for label, version := range labels {
		if _, byLabel[label], err = r.versionLocked(name, version); err != nil {
			return fmt.Errorf("%w for label %q", err, label)
		}
	}
	if next != m.chosen {
		next.failing = false // it was tried before it came here
	}
	m.chosen, m.byLabel = next, byLabel
	r.tellHealthLocked(m)
	return nil
}

// Routes returns what Route was last told of a model; version is empty before.
func (r *Registry) Routes(name string) (version string, labels map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	labels = make(map[string]string)
	m := r.modelLocked(name)
	if m == nil {
		return "", labels
	}
	if m.chosen != nil {
		version = m.chosen.engine.info.Version
	}
	for label, target := range m.byLabel {
		labels[label] = target.engine.info.Version
	}
	return version, labels
}

// Remove takes a version's name away, so that no new call finds it, and tells those
// on it that it is to go ([Handle.Retiring]). The function
// that it returns waits until the last handle is released and lets go of the
// version. Errors: [ErrNoModel]; [ErrModelRouted] while it is its model's default or
// has a label, unless the registry is closed.
func (r *Registry) Remove(name, version string) (wait func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of, m, err := r.versionLocked(name, version)
	if err != nil {
		return nil, err
	}
	if of.routes(m) && !r.closed {
		return nil, fmt.Errorf("%w: version %q of model %q", ErrModelRouted, version, name)
	}
	delete(of.byVersion, version)
	close(m.retired)
	r.retireAutoLocked(m)
	m.closeLocked()
	return func() {
		<-m.idle
		m.engine.queue.Close()
		r.stats.close(m.engine)
	}, nil
}

// routes reports whether a version is the default or has a label.
func (m *namedModel) routes(version *loadedModel) bool {
	return m.chosen == version || slices.Contains(slices.Collect(maps.Values(m.byLabel)), version)
}

// versionLocked returns a model and a version of it that is loaded, or [ErrNoModel].
func (r *Registry) versionLocked(name, version string) (*namedModel, *loadedModel, error) {
	m := r.modelLocked(name)
	if m == nil {
		return nil, nil, fmt.Errorf("%w: %q", ErrNoModel, name)
	}
	loaded, ok := m.byVersion[version]
	if !ok {
		return nil, nil, fmt.Errorf("%w: version %q of model %q", ErrNoModel, version, name)
	}
	return m, loaded, nil
}

// Close ends the queues of all models: calls that wait for an encoder fail with
// batch.ErrClosed. It returns when the runs under way have ended, and may be
// called more than once.
func (r *Registry) Close() {
	r.mu.Lock()
	r.closed = true
	var all []*loadedModel
	for _, m := range r.models {
		all = slices.AppendSeq(all, maps.Values(m.byVersion))
	}
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

// tellHealthLocked says whether a model's default version answers.
func (r *Registry) tellHealthLocked(m *namedModel) {
	r.cfg.SetHealth(m.name, m.name == r.baseName(), m.chosen != nil && !m.chosen.failing)
}
