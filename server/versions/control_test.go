package versions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"siamese/server/versions"
)

func TestRollBackStaysUntilTheLatestIsChosenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good", "2": "good"})
		r := w.run(w.config())
		synctest.Wait()
		got, err := r.SetDefault(t.Context(), "1")
		if err != nil || got.Name != "1" || !got.Default || got.Digest != "digest of 1" {
			t.Errorf("SetDefault(1) = %+v, %v; want version 1 as the default", got, err)
		}
		w.put("3", "good")
		pass(3)
		if status := r.Status(); status.Default != "1" || status.Choice != "1" || w.inMemory() != "1" {
			t.Errorf("status = %+v, in memory %q; want 1 to stay", status, w.inMemory())
		}
		if got, err := r.SetDefault(t.Context(), versions.Latest); err != nil || got.Name != "3" {
			t.Errorf("SetDefault(latest) = %+v, %v; want 3", got, err)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestFailedRollBackLeavesAllAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "bad", "2": "good"})
		r := w.run(w.config())
		synctest.Wait()
		for range 2 { // a person may ask again
			if got, err := r.SetDefault(t.Context(), "1"); !errors.Is(err, versions.ErrRefused) || got.Name != "2" {
				t.Errorf("SetDefault(1) = %+v, %v; want ErrRefused and 2 as before", got, err)
			}
		}
		if got := w.attempts(); got != "2 1 1" {
			t.Errorf("loads = %q, want 1 tried each time", got)
		}
		if status := r.Status(); status.Default != "2" || status.Choice != versions.Latest {
			t.Errorf("status = %+v, want the latest as before", status)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestRollBackToAVersionThatIsBeingUnloaded: its last calls go on, on a model of
// their own.
func TestRollBackToAVersionThatIsBeingUnloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good"})
		r := w.run(w.config())
		synctest.Wait()
		stream := w.keepBusy("1")
		w.put("2", "good")
		pass(2)
		if _, err := r.SetDefault(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if state, memory := r.state("1"), w.inMemory(); state != "serving" || memory != "1 1" {
			t.Errorf("version 1 is %s, in memory %q; want it to serve beside the old model", state, memory)
		}
		close(stream)
		synctest.Wait()
		if state, memory := r.state("1"), w.inMemory(); state != "serving" || memory != "1" {
			t.Errorf("after the last call version 1 is %s, in memory %q; want it to serve alone", state, memory)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestLoadedVersionStaysUntilItIsUnloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good", "2": "good"})
		r := w.run(w.config())
		synctest.Wait()
		if got, err := r.Load(t.Context(), "1"); err != nil || got.State != versions.Serving || got.Default {
			t.Errorf("Load(1) = %+v, %v; want it to serve beside the default", got, err)
		}
		pass(3)
		if got := w.inMemory(); got != "1 2" {
			t.Errorf("in memory %q, want both", got)
		}
		if _, err := r.Unload(t.Context(), "1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := w.inMemory(); got != "2" {
			t.Errorf("in memory %q, want 2", got)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good", "2": "good"})
		r := w.run(w.config())
		synctest.Wait()
		set := func(label, version string) {
			t.Helper()
			if _, err := r.SetLabel(t.Context(), label, version); err != nil {
				t.Errorf("SetLabel(%q, %q) = %v", label, version, err)
			}
			synctest.Wait()
		}
		check := func(wantDefault, wantMemory string, wantLabels map[string]string) {
			t.Helper()
			status := r.Status()
			if diff := cmp.Diff(wantLabels, status.Labels); diff != "" || status.Default != wantDefault || w.inMemory() != wantMemory {
				t.Errorf("default %q, in memory %q; want %q, %q; labels (-want +got):\n%s", status.Default, w.inMemory(), wantDefault, wantMemory, diff)
			}
		}
		set("stable", "1")
		set("canary", versions.Latest)
		check("2", "1 2", map[string]string{"stable": "1", "canary": "2"})
		if _, err := r.SetDefault(t.Context(), "stable"); err != nil {
			t.Error(err)
		}
		w.put("3", "good")
		pass(2)
		check("1", "1 3", map[string]string{"stable": "1", "canary": "3"})
		set("stable", "3")
		check("3", "3", map[string]string{"stable": "3", "canary": "3"})
		if got := r.Versions()[0]; cmp.Diff([]string{"canary", "stable"}, got.Labels) != "" {
			t.Errorf("labels of version 3 = %v, want both", got.Labels)
		}
		set("canary", "")
		check("3", "3", map[string]string{"stable": "3"})
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestControlRefuses(t *testing.T) {
	w := newWorld(t, map[string]string{"1": "bad", "2": "good"})
	cfg := w.config()
	cfg.Period, cfg.Default, cfg.Labels = 0, "stable", map[string]string{"stable": "2"}
	r := w.run(cfg)
	ctx := t.Context()
	if err := r.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	tests := []struct {
		name string
		give func() (versions.Version, error)
		want error
	}{
		{"load what is not there", func() (versions.Version, error) { return r.Load(ctx, "7") }, versions.ErrNotFound},
		{"load what does not hold", func() (versions.Version, error) { return r.Load(ctx, "1") }, versions.ErrRefused},
		{"load for a caller who left", func() (versions.Version, error) { return r.Load(gone, "1") }, context.Canceled},
		{"unload what is not there", func() (versions.Version, error) { return r.Unload(ctx, "7") }, versions.ErrNotFound},
		{"unload the default", func() (versions.Version, error) { return r.Unload(ctx, "2") }, versions.ErrInUse},
		{"default that is not there", func() (versions.Version, error) { return r.SetDefault(ctx, "7") }, versions.ErrNotFound},
		{"default by an unknown label", func() (versions.Version, error) { return r.SetDefault(ctx, "beta") }, versions.ErrNotFound},
		{"label for what does not hold", func() (versions.Version, error) { return r.SetLabel(ctx, "canary", "1") }, versions.ErrRefused},
		{"label that is a number", func() (versions.Version, error) { return r.SetLabel(ctx, "3", "2") }, versions.ErrLabel},
		{"label latest", func() (versions.Version, error) { return r.SetLabel(ctx, versions.Latest, "2") }, versions.ErrLabel},
		{"take away the default's label", func() (versions.Version, error) { return r.SetLabel(ctx, "stable", "") }, versions.ErrInUse},
	}
	for _, tt := range tests {
		if _, err := tt.give(); !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", tt.name, err, tt.want)
		}
	}
	if got := r.Status(); got.Default != "2" || got.Choice != "stable" || w.inMemory() != "2" {
		t.Errorf("status after the refusals = %+v, in memory %q; want all as before", got, w.inMemory())
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// TestIgnoredVersionIsLogged: a newer version that comes while the default is pinned is
// told once, when it is whole, and the next one again; not where a label has it, nor
// once the latest is chosen again.
func TestIgnoredVersionIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good"})
		cfg := w.config()
		cfg.Default = "1"
		r := w.run(cfg)
		told := func() []string {
			t.Helper()
			pass(5)
			var lines []string
			for line := range strings.Lines(w.log.String()) {
				if _, told, ok := strings.Cut(strings.TrimSpace(line), `msg="newer version ignored: the default is pinned" `); ok {
					lines = append(lines, told)
				}
			}
			return lines
		}
		check := func(when string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, told()); diff != "" {
				t.Errorf("%s: lines of the log (-want +got):\n%s", when, diff)
			}
		}
		check("with one version")
		w.put("2", "good")
		check("with 2", "version=2 serving=1 pinned_to=1")
		w.put("3", "good")
		lines := []string{"version=2 serving=1 pinned_to=1", "version=3 serving=1 pinned_to=1"}
		check("with 3", lines...)
		if _, err := r.SetDefault(t.Context(), versions.Latest); err != nil {
			t.Fatal(err)
		}
		check("with the latest", lines...)
		if _, err := r.SetDefault(t.Context(), "2"); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "version=3 serving=2 pinned_to=2")
		check("rolled back", lines...)
		w.remove("3")
		w.put("1", "good again")
		check("without newer ones", lines...)
		if _, err := r.SetLabel(t.Context(), "canary", versions.Latest); err != nil {
			t.Fatal(err)
		}
		w.put("4", "good")
		check("with one that a label has", lines...)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
