package versions

import (
	"context"
	"fmt"
)

// Reload looks at the source now and loads what is chosen. What can't be had is
// told by Status and Versions; the error is that of the look itself.
func (m *Manager) Reload(ctx context.Context) error {
	return m.change(ctx, func() error {
		_ = m.reconcile(ctx)
		return ctx.Err()
	})
}

// Load loads a version and keeps it; one that failed is tried again.
func (m *Manager) Load(ctx context.Context, name string) (Version, error) {
	err := m.change(ctx, func() error {
		m.forgive(name)
		if err := m.withRoom(ctx, func() error { return m.ensure(ctx, name) }); err != nil {
			return err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.versions[name].held = true
		return nil
	})
	return m.describe(name), err
}

// Unload lets go of a version; calls under way on it are answered. [ErrInUse]
// where calls are routed to it.
func (m *Manager) Unload(ctx context.Context, name string) (Version, error) {
	err := m.change(ctx, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		v, ok := m.versions[name]
		switch {
		case !ok:
			return fmt.Errorf("%w: %.64q in %q", ErrNotFound, name, m.cfg.Source)
		case m.routes().uses(name):
			return fmt.Errorf("version %s is %w: it is the default or has a label", name, ErrInUse)
		case v.model != nil:
			m.unloadLocked(v, func(error) {})
		}
		return nil
	})
	return m.describe(name), err
}

// SetDefault chooses another default: Latest, a version or a label. It is
// loaded first; where that fails the old choice stays.
func (m *Manager) SetDefault(ctx context.Context, choice string) (Version, error) {
	err := m.change(ctx, func() error {
		m.mu.Lock()
		target, byLabel := m.labels[choice]
		m.mu.Unlock()
		if !byLabel {
			target = choice
		}
		if err := m.try(ctx, target); err != nil {
			return err
		}
		m.mu.Lock()
		m.choice = choice
		m.mu.Unlock()
		_ = m.reconcile(ctx) // what else can't be had is in the status
		return nil
	})
	return m.describe(m.Status().Default), err
}

// SetLabel points a label at a version or at Latest; the empty version takes the
// label away. A version is loaded first; where that fails the label stays as it
// was.
func (m *Manager) SetLabel(ctx context.Context, name, choice string) (Version, error) {
	if err := checkLabel(name); err != nil {
		return Version{}, err
	}
	err := m.change(ctx, func() error {
		if choice == "" {
			return m.dropLabel(ctx, name)
		}
		if err := m.try(ctx, choice); err != nil {
			return err
		}
		m.mu.Lock()
		m.labels[name] = choice
		m.mu.Unlock()
		_ = m.reconcile(ctx) // what else can't be had is in the status
		return nil
	})
	return m.describe(m.Status().Labels[name]), err
}

func (m *Manager) dropLabel(ctx context.Context, name string) error {
	m.mu.Lock()
	if m.choice == name {
		m.mu.Unlock()
		return fmt.Errorf("label %s is %w: the default is chosen by it", name, ErrInUse)
	}
	delete(m.labels, name)
	m.mu.Unlock()
	_ = m.reconcile(ctx) // what else can't be had is in the status
	return nil
}

// try loads what is chosen, once more where it failed before.
func (m *Manager) try(ctx context.Context, choice string) error {
	m.forgive(choice)
	return m.withRoom(ctx, func() error {
		version, err := m.obtain(ctx, choice)
		if version != "" {
			return nil
		}
		return err
	})
}

// forgive lets a version that failed be tried again.
func (m *Manager) forgive(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.versions[name]; ok && v.state == Failed {
		v.enter(OnDisk, nil)
	}
}

// change takes the turn, looks at the source and does what was asked. A person
// asks: what is there is taken as whole.
func (m *Manager) change(ctx context.Context, do func() error) error {
	return m.inTurn(ctx, func() error {
		if err := m.scan(); err != nil {
			return err
		}
		m.trustAll()
		return do()
	})
}
