package versions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"siamese/server/versions"
)

// period is the tests' Config.Period, of fake time.
const period = time.Second

// world is a folder of versions, what loads them and what routes to them. A
// version holds when its file says "good"; one that says "short" holds, too, once it
// was short of something for as many loads as shortages says. One that says "hangs"
// is read for as long as hang is open.
type world struct {
	t   *testing.T
	dir string
	log bytes.Buffer

	mu        sync.Mutex
	tried     []string        // versions that Load was called for
	at        []time.Duration // when, since the world began
	began     time.Time
	shortages int
	hang      chan struct{}
	live      map[string]int  // models in memory, by version
	routed    map[string]bool // versions that calls are routed to
	version   string
	labels    map[string]string
	busy      map[string]gate // what Unload of a version waits for
}

// gate is a call under way: closed when it has ended.
type gate chan struct{}

func newWorld(t *testing.T, folders map[string]string) *world {
	w := &world{t: t, dir: t.TempDir(), live: make(map[string]int), routed: make(map[string]bool), busy: make(map[string]gate),
		began: time.Now(), hang: make(chan struct{})}
	for name, says := range folders {
		w.put(name, says)
	}
	return w
}

// put writes a version's file.
func (w *world) put(name, says string) {
	w.t.Helper()
	dir := filepath.Join(w.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "model"), []byte(says), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(name string) {
	w.t.Helper()
	if err := os.RemoveAll(filepath.Join(w.dir, name)); err != nil {
		w.t.Fatal(err)
	}
}

// keepBusy lets a call be under way on a version.
func (w *world) keepBusy(name string) gate {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy[name] = make(gate)
	return w.busy[name]
}

func (w *world) config() versions.Config {
	return versions.Config{
		Source: versions.Numbered(w.dir), Loader: w, Router: w, Period: period,
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
}

// Load loads a version whose file says "good".
func (w *world) Load(ctx context.Context, folder versions.Folder) (versions.Model, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tried, w.at = append(w.tried, folder.Version), append(w.at, time.Since(w.began))
	says, err := os.ReadFile(filepath.Join(folder.Path, "model"))
	if err != nil {
		return nil, err
	}
	switch {
	case string(says) == "hangs":
		w.mu.Unlock()
		<-w.hang
		w.mu.Lock()
	case string(says) == "short" && w.shortages > 0:
		w.shortages--
		return nil, fmt.Errorf("%w: too many open files", versions.ErrTransient)
	case string(says) == "panics":
		var none map[string]int
		none["x"] = 1
	case string(says) != "good" && string(says) != "short":
		return nil, fmt.Errorf("its file says %q", says)
	}
	w.live[folder.Version]++
	return &model{world: w, version: folder.Version}, nil
}

// Route notes where calls go.
func (w *world) Route(version string, labels map[string]string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version, w.labels = version, labels
	w.routed = map[string]bool{version: true}
	for _, target := range labels {
		w.routed[target] = true
	}
	for target := range w.routed {
		if w.live[target] == 0 {
			w.t.Errorf("routed to version %s, which is not loaded", target)
		}
	}
	return nil
}

// Routes tells where calls go.
func (w *world) Routes() (version string, labels map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.version, maps.Clone(w.labels)
}

type model struct {
	world   *world
	version string
}

func (m *model) Digest() string { return "digest of " + m.version }

func (m *model) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", "wide"), slog.String("digest", m.Digest()))
}

func (m *model) Unload() func() error {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	if m.world.routed[m.version] {
		m.world.t.Errorf("version %s is unloaded while calls are routed to it", m.version)
	}
	busy := m.world.busy[m.version]
	return func() error { return m.free(busy) }
}

func (m *model) free(busy gate) error {
	if busy != nil {
		<-busy
	}
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	m.world.live[m.version]--
	if m.version == "13" {
		return errors.New("thirteen stays")
	}
	return nil
}

// attempts are the versions that were tried, in order.
func (w *world) attempts() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.tried, " ")
}

// inMemory are the versions that are in memory.
func (w *world) inMemory() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for name, count := range w.live {
		for range count {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// running is a manager at work.
type running struct {
	*versions.Manager
	stop func() error
}

// run starts a manager; stop ends it, closes it and returns the first error.
func (w *world) run(cfg versions.Config) *running {
	w.t.Helper()
	m, err := versions.New(cfg)
	if err != nil {
		w.t.Fatalf("New: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		err := m.Start(ctx)
		if err == nil {
			m.Run(ctx)
		}
		ended <- err
	}()
	return &running{Manager: m, stop: func() error {
		cancel()
		err := <-ended
		w.mu.Lock()
		w.routed = nil
		w.mu.Unlock()
		return errors.Join(err, m.Close())
	}}
}

// state is one version's state as the manager tells it.
func (r *running) state(name string) string {
	for _, v := range r.Versions() {
		if v.Name == name {
			return v.State.String()
		}
	}
	return "none"
}
