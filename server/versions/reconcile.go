package versions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// scan looks at the source. What fails is noted and returned.
func (m *Manager) scan() error {
	folders, err := m.cfg.Source.Scan()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scanned = time.Now()
	if err != nil {
		m.noteLocked(err)
		return err
	}
	for _, v := range m.versions {
		v.present = false
	}
	for _, folder := range folders {
		m.seenLocked(folder)
	}
	maps.DeleteFunc(m.versions, func(_ string, v *version) bool {
		return !v.present && (v.state == OnDisk || v.state == Failed)
	})
	return nil
}

// seenLocked takes in what a scan found. A folder that is the same as at the
// last scan is trusted to be whole: one that is still being copied would only
// be refused again and again.
func (m *Manager) seenLocked(folder Folder) {
	v, ok := m.versions[folder.Version]
	switch {
	case !ok:
		v = &version{name: folder.Version, since: time.Now()}
		m.versions[folder.Version] = v
	case v.folder.Fingerprint == folder.Fingerprint:
		v.trusted = folder.Fingerprint
	case v.state == Failed:
		v.enter(OnDisk, nil)
	}
	v.folder, v.present = folder, true
}

// trustAll lets every version be loaded as it is now: it was there before us,
// or a person says so.
func (m *Manager) trustAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.versions {
		v.trusted = v.folder.Fingerprint
	}
}

// reconcile loads what is chosen, routes to it and unloads what nothing needs. What
// can't be had stays as it was, and the error says why. The caller has the turn.
func (m *Manager) reconcile(ctx context.Context) error {
	m.mu.Lock()
	choices, choice, before := maps.Clone(m.labels), m.choice, m.routes()
	m.mu.Unlock()

	var errs []error
	next := routes{labels: make(map[string]string)}
	obtain := func(choice, old string) string {
		version, err := m.obtain(ctx, choice)
		if err != nil {
			errs = append(errs, err)
		}
		if version == "" {
			return old
		}
		return version
	}
	if byLabel, ok := choices[choice]; ok {
		choice = byLabel
	}
	next.version = obtain(choice, before.version)
	for _, label := range slices.Sorted(maps.Keys(choices)) {
		if target := obtain(choices[label], before.labels[label]); target != "" {
			next.labels[label] = target
		}
	}
	if err := m.route(next); err != nil {
		errs = append(errs, err)
	}
	err := joined(distinct(errs))
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.versions {
		if v.state == Failed && !v.isRefused() {
			v.enter(OnDisk, nil) // it could have been tried again, but nothing needs it
		}
	}
	m.tellIgnoredLocked(choice)
	m.noteLocked(err)
	return err
}

// tellIgnoredLocked logs of a version that is newer than the default and answers
// nothing, since the default is pinned by choice: once, until there is a newer one or
// another choice. An operator who copies a version in may have forgotten the pin.
func (m *Manager) tellIgnoredLocked(choice string) {
	active, newest := m.routes(), ""
	for _, v := range m.versions {
		isWhole := v.present && !v.isRefused() && v.trusted == v.folder.Fingerprint
		if isWhole && !active.uses(v.name) && compareVersions(v.name, cmp.Or(newest, active.version)) > 0 {
			newest = v.name
		}
	}
	if choice == Latest || active.version == "" {
		newest = ""
	}
	if newest != "" && newest != m.ignored {
		m.cfg.Logger.Info("newer version ignored: the default is pinned", "version", newest, "serving", active.version, "pinned_to", m.choice)
	}
	m.ignored = newest
}

// distinct drops errors of the same text: the default and a label may want the
// same version.
func distinct(errs []error) []error {
	seen := make(map[string]bool)
	return slices.DeleteFunc(errs, func(err error) bool {
		repeated := seen[err.Error()]
		seen[err.Error()] = true
		return repeated
	})
}

// noteLocked keeps the outcome of a look. It is logged when it is news: that a
// version does not hold was logged when it was tried.
func (m *Manager) noteLocked(err error) {
	known := errors.Is(err, ErrRefused) || errors.Is(err, ErrTransient) || (err != nil && m.lastErr != nil && err.Error() == m.lastErr.Error())
	if err != nil && m.started && !known {
		m.cfg.Logger.Warn("what is chosen can't be served", "serving", m.routes().version, "err", err)
	}
	m.lastErr = err
}

// route tells the Router and then unloads what nothing is routed to.
func (m *Manager) route(next routes) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if next.version == "" {
		return nil // nothing to route to: the error is in reconcile's list
	}
	before := m.routes()
	if next.version != before.version || !maps.Equal(next.labels, before.labels) {
		if err := m.cfg.Router.Route(next.version, maps.Clone(next.labels)); err != nil {
			return fmt.Errorf("route to version %s: %w", next.version, err)
		}
		chosen := m.versions[next.version]
		m.cfg.Logger.Info("ready", "version", next.version, "before", before.version, "labels", next.labels,
			"model", chosen.model, "load_ms", chosen.loading.Milliseconds())
	}
	for _, v := range m.versions {
		if v.model != nil && !v.held && !next.uses(v.name) {
			m.unloadLocked(v, func(error) {})
		}
	}
	return nil
}

// uses reports whether calls are routed to a version.
func (r routes) uses(version string) bool {
	if r.version == version {
		return true
	}
	for _, target := range r.labels {
		if target == version {
			return true
		}
	}
	return false
}

// obtain returns the version that is chosen, loaded. Latest falls back on lower
// ones: then there may be both a version and an error.
func (m *Manager) obtain(ctx context.Context, choice string) (string, error) {
	if choice != Latest {
		if err := m.ensure(ctx, choice); err != nil {
			return "", err
		}
		return choice, nil
	}
	candidates, errs := m.candidates()
	for _, name := range candidates {
		err := m.ensure(ctx, name)
		if err == nil {
			return name, joined(errs)
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%w: there is no numbered version in %q", ErrNotFound, m.cfg.Source))
	}
	return "", joined(errs)
}

// candidates are the versions that Latest may mean, the highest first, and why
// those that are not are not.
func (m *Manager) candidates() (names []string, refused []error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.SortedFunc(maps.Keys(m.versions), func(a, b string) int { return compareVersions(b, a) })
	for _, name := range all {
		v := m.versions[name]
		switch {
		case !v.present:
		case v.isRefused():
			if len(names) == 0 {
				refused = append(refused, v.refusal())
			}
		case v.model != nil || v.trusted == v.folder.Fingerprint:
			names = append(names, name)
		}
	}
	return names, refused
}
