package server

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"siamese/server/internal/fault"
)

// tenant is a model that answers, and how many calls are on it.
type tenant struct {
	engine *engine

	// The roster's mutex guards what follows.
	calls   int
	retired bool          // no new call comes in
	empty   chan struct{} // closed when retired and the last call has ended
}

// roster is the models that answer and the names that calls have for them. It
// is safe for concurrent use.
type roster struct {
	mu        sync.Mutex
	byVersion map[string]*tenant
	byLabel   map[string]*tenant
	standard  *tenant // answers calls that name no model; nil until there is one
}

func newRoster() *roster {
	return &roster{byVersion: make(map[string]*tenant), byLabel: make(map[string]*tenant)}
}

// enter counts a call in on the model with this label or version, the default
// for an empty name. The caller must leave.
func (r *roster) enter(name string) (*tenant, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.standard
	if name != "" && t != nil {
		t = r.findLocked(name)
		if t == nil {
			return nil, fault.ModelNotFound(name)
		}
	}
	if t == nil {
		return nil, fault.NotReady()
	}
	t.calls++
	return t, nil
}

// findLocked returns nil where nothing has this name.
func (r *roster) findLocked(name string) *tenant {
	if t, ok := r.byLabel[name]; ok {
		return t
	}
	return r.byVersion[name]
}

// leave counts a call out.
func (r *roster) leave(t *tenant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.calls--
	t.closeLocked()
}

// closeLocked tells that the last call has ended.
func (t *tenant) closeLocked() {
	if t.retired && t.calls == 0 {
		close(t.empty)
	}
}

// add lets calls name a model.
func (r *roster) add(version string, t *tenant) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.byVersion[version]; ok {
		return fmt.Errorf("%w: version %q", ErrModelSet, version)
	}
	r.byVersion[version] = t
	return nil
}

// route gives the default and the labels to the models of these versions, all
// or none, and returns the default.
func (r *roster) route(version string, labels map[string]string) (*tenant, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	standard, ok := r.byVersion[version]
	if !ok {
		return nil, fmt.Errorf("%w: version %q", ErrNoModel, version)
	}
	byLabel := make(map[string]*tenant, len(labels))
	for label, version := range labels {
		if byLabel[label], ok = r.byVersion[version]; !ok {
			return nil, fmt.Errorf("%w: version %q for label %q", ErrNoModel, version, label)
		}
	}
	r.standard, r.byLabel = standard, byLabel
	return standard, nil
}

// retire takes a model's name away, so that no new call finds it. Only forced
// it does so to one that calls are routed to.
func (r *roster) retire(version string, force bool) (*tenant, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.byVersion[version]
	if !ok {
		return nil, fmt.Errorf("%w: version %q", ErrNoModel, version)
	}
	if r.routedLocked(t) && !force {
		return nil, fmt.Errorf("%w: version %q", ErrModelRouted, version)
	}
	delete(r.byVersion, version)
	t.retired = true
	t.closeLocked()
	return t, nil
}

// routedLocked tells whether a model is the default or has a label.
func (r *roster) routedLocked(t *tenant) bool {
	if r.standard == t {
		return true
	}
	for _, labelled := range r.byLabel {
		if labelled == t {
			return true
		}
	}
	return false
}

// ready tells whether there is a model for calls that name none.
func (r *roster) ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.standard == nil {
		return fault.NotReady()
	}
	return nil
}

// all returns the models that have a name.
func (r *roster) all() []*tenant {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.byVersion))
}
