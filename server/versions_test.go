package server_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"siamese/server"
	"siamese/server/versions"
)

// infoOf describes the fake network as a version whose weights are its own.
func infoOf(version string) server.ModelInfo {
	info := modelInfo
	info.Version, info.Digest = version, "digest-"+version
	return info
}

// guardedModel is a model that notices when it is used after it was closed.
type guardedModel struct {
	fakeModel
	closed  atomic.Bool
	misused *atomic.Int64
}

func (m *guardedModel) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	if m.closed.Load() {
		m.misused.Add(1)
	}
	return m.fakeModel.Encode(ctx, pixels)
}

func (m *guardedModel) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	if m.closed.Load() {
		m.misused.Add(1)
	}
	return m.fakeModel.Compare(ctx, a, b)
}

// loader hands guarded models to a server. Version "bad" does not hold.
type loader struct {
	server  *server.Server
	misused atomic.Int64
	live    atomic.Int64
}

func (l *loader) Load(_ context.Context, folder versions.Folder) (versions.Model, error) {
	if folder.Version == badVersion {
		return nil, errors.New("its golden pair has another similarity")
	}
	m := &guardedModel{misused: &l.misused}
	if err := l.server.AddModel(m, infoOf(folder.Version)); err != nil {
		return nil, err
	}
	l.live.Add(1)
	return &loaded{loader: l, model: m, version: folder.Version}, nil
}

type loaded struct {
	loader  *loader
	model   *guardedModel
	version string
}

func (m *loaded) Digest() string { return infoOf(m.version).Digest }

func (m *loaded) LogValue() slog.Value { return slog.StringValue("fake") }

func (m *loaded) Unload() func() error {
	wait, err := m.loader.server.RemoveModel(modelInfo.Name, m.version)
	return func() error {
		if err != nil {
			return err
		}
		wait()
		m.model.closed.Store(true)
		m.loader.live.Add(-1)
		return nil
	}
}

const badVersion = "50"

// counting is a source to which a version can be added.
type counting struct{ highest atomic.Int64 }

func (c *counting) String() string { return "counting" }

func (c *counting) Scan() ([]versions.Folder, error) {
	var folders []versions.Folder
	for n := c.highest.Load(); n > 0 && n > c.highest.Load()-2; n-- {
		folders = append(folders, versions.Folder{Version: fmt.Sprint(n)})
	}
	return folders, nil
}

// versioned is a server whose versions a manager looks after.
type versioned struct {
	*running
	manager *versions.Manager
	loader  *loader
	source  *counting
}

func serveVersions(t *testing.T, cfg server.Config) *versioned {
	t.Helper()
	r := serveBare(t, cfg)
	v := &versioned{running: r, loader: &loader{server: r.server}, source: &counting{}}
	v.source.highest.Store(1)
	var err error
	v.manager, err = versions.New(versions.Config{Source: v.source, Loader: v.loader, Router: r.server.Router(modelInfo.Name)})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.manager.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.conn.Close() // streams of the test end here
		_ = r.stop()
		if err := v.manager.Close(); err != nil || v.loader.live.Load() != 0 {
			t.Errorf("Close = %v, %d models left, want none", err, v.loader.live.Load())
		}
	})
	return v
}

func add(t *testing.T, r *running, model server.Model, version string) {
	t.Helper()
	if err := r.server.AddModel(model, infoOf(version)); err != nil {
		t.Fatal(err)
	}
}

func route(t *testing.T, r *running, version string, labels map[string]string) {
	t.Helper()
	if err := r.server.Router(modelInfo.Name).Route(version, labels); err != nil {
		t.Fatal(err)
	}
}
