package versions

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// ensure loads a version unless it serves already. The caller has the turn.
func (m *Manager) ensure(ctx context.Context, name string) error {
	v, err := m.begin(name)
	if err != nil || v == nil {
		return err
	}
	started := time.Now()
	model, err := m.load(ctx, v.folder)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		return m.failedLocked(ctx, v, err)
	}
	m.loads++
	v.model, v.loading = model, time.Since(started)
	v.enter(Serving, nil)
	// The caller says at info what came of it.
	m.cfg.Logger.Debug("version loaded", "version", name, "load_ms", v.loading.Milliseconds())
	return nil
}

// load is the Loader's, with a panic turned into an error.
func (m *Manager) load(ctx context.Context, folder Folder) (model Model, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			m.cfg.Logger.Error("a load panicked", "version", folder.Version, "panic", fmt.Sprint(problem), "stack", string(debug.Stack()))
			model, err = nil, fmt.Errorf("panic: %v", problem)
		}
	}()
	return m.cfg.Loader.Load(ctx, folder)
}

// begin puts a version into Loading and counts its model; nil where it is
// loaded already.
func (m *Manager) begin(name string) (*version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.versions[name]
	switch {
	case ok && v.model != nil:
		return nil, nil
	case !ok || !v.present:
		return nil, fmt.Errorf("%w: %.64q in %q", ErrNotFound, name, m.cfg.Source)
	case v.isRefused():
		return nil, v.refusal()
	case m.inMemory >= m.cfg.MaxLoaded:
		return nil, fmt.Errorf("%w: %d, expected at most %d: version %s waits until one of them is free of calls",
			ErrTooMany, m.inMemory, m.cfg.MaxLoaded, name)
	}
	m.inMemory++
	v.enter(Loading, nil)
	return v, nil
}

// failedLocked notes that a load went wrong. A load that was given up says
// nothing about the version.
func (m *Manager) failedLocked(ctx context.Context, v *version, err error) error {
	m.inMemory--
	if ctx.Err() != nil {
		v.enter(OnDisk, nil)
		return fmt.Errorf("load version %s: %w", v.name, err)
	}
	m.failures++
	v.enter(Failed, err)
	if errors.Is(err, ErrTransient) {
		v.retryLater()
		m.wake()
	}
	if !m.started {
		return v.refusal() // Start tells of it
	}
	serving := m.routes().version
	if v.nextTry.IsZero() {
		m.cfg.Logger.Error("version refused", "version", v.name, "serving", serving, "err", err)
	} else {
		m.cfg.Logger.Warn("version could not be loaded and is tried again", "version", v.name, "serving", serving,
			"tries", v.tries, "next_try", v.nextTry.UTC().Format(time.RFC3339), "err", err)
	}
	return v.refusal()
}

// refusal is the error of a version that failed.
func (v *version) refusal() error {
	if !v.nextTry.IsZero() {
		return fmt.Errorf("version %s is tried again at %s: %w", v.name, v.nextTry.UTC().Format(time.RFC3339), v.reason)
	}
	return fmt.Errorf("version %s %w: %w", v.name, ErrRefused, v.reason)
}

// unloadLocked frees a version's model in a goroutine that Close waits for;
// failed is told the error, with the mutex held. The version can be loaded again meanwhile: that is
// another model.
func (m *Manager) unloadLocked(v *version, failed func(error)) {
	free := v.model.Unload()
	v.model, v.held = nil, false
	v.enter(Unloading, nil)
	left := v.since
	m.leaving++
	m.unloading.Go(func() {
		err := free()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.inMemory--
		m.leaving--
		close(m.freed)
		m.freed = make(chan struct{})
		if v.state == Unloading && v.since.Equal(left) {
			v.enter(OnDisk, nil)
		}
		if err != nil {
			failed(err)
			m.cfg.Logger.Error("version not unloaded", "version", v.name, "err", err)
			return
		}
		m.cfg.Logger.Info("version unloaded", "version", v.name, "waited_ms", time.Since(left).Milliseconds())
	})
}

// withRoom calls load until a model fits into memory: while others are on their way
// out it waits for them. The caller has the turn.
func (m *Manager) withRoom(ctx context.Context, load func() error) error {
	for {
		err := load()
		if !errors.Is(err, ErrTooMany) || !m.awaitRoom(ctx) {
			return err
		}
	}
}

// awaitRoom waits until a further model may be loaded; false where that will not
// be, or ctx is done.
func (m *Manager) awaitRoom(ctx context.Context) bool {
	m.mu.Lock()
	room, leaving, freed := m.inMemory < m.cfg.MaxLoaded, m.leaving, m.freed
	m.mu.Unlock()
	if room || leaving == 0 {
		return room
	}
	select {
	case <-freed:
		return true
	case <-ctx.Done():
		return false
	}
}
