package infer_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/memory"
)

// blank is a network that makes zeros of everything.
type blank struct{}

func (blank) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	return make([]float32, len(pixels)/3), nil // images of one pixel
}

func (blank) Compare(_ context.Context, a, _ []float32) ([]float32, error) {
	return make([]float32, len(a)), nil
}

// open makes a registry with a model of each version, of which nothing is routed
// to. health is what it told.
func open(t *testing.T, names ...string) (r *infer.Registry, health *[]bool) {
	t.Helper()
	health = new([]bool)
	budget, err := memory.NewBudget(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	r = infer.NewRegistry(infer.Config{
		Memory: budget, MaxQueuedImages: 4, Log: slog.New(slog.DiscardHandler),
		SetHealth: func(_ string, _, serving bool) { *health = append(*health, serving) },
	})
	t.Cleanup(r.Close)
	for _, version := range names {
		info := infer.ModelInfo{ServingName: "blank", Version: version, Digest: "digest-" + version, Height: 1, Width: 1, EmbeddingLength: 1}
		if err := r.Add(blank{}, info); err != nil {
			t.Fatal(err)
		}
	}
	return r, health
}

func TestAcquireByVersionLabelAndDefault(t *testing.T) {
	r, health := open(t, "1", "2")
	if _, err := r.Acquire(""); fault.Of(err).Reason() != fault.ReasonNotReady {
		t.Errorf("Acquire before Route = %v, want %s", err, fault.ReasonNotReady)
	}
	labels := map[string]string{"canary": "2"}
	if err := r.Route("blank", "1", labels); err != nil {
		t.Fatal(err)
	}
	for give, want := range map[string]string{"": "1", "1": "1", "2": "2", "canary": "2"} {
		h, err := r.Acquire(give)
		if err != nil {
			t.Errorf("Acquire(%q) = %v, want version %s", give, err, want)
			continue
		}
		if got := h.Info().Version; got != want {
			t.Errorf("Acquire(%q) = version %s, want %s", give, got, want)
		}
		h.Release()
	}
	if _, err := r.Acquire("3"); fault.Of(err).Reason() != fault.ReasonModelNotFound {
		t.Errorf("Acquire of what is not loaded = %v, want %s", err, fault.ReasonModelNotFound)
	}
	version, routed := r.Routes("blank")
	if diff := cmp.Diff(labels, routed); version != "1" || diff != "" {
		t.Errorf("Routes = %q, %v; want 1 and what Route was told", version, routed)
	}
	if diff := cmp.Diff([]bool{true}, *health); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
}

// TestHandleKeepsItsModel: a removed model is free when its last handle is
// released, and new calls don't find it.
func TestHandleKeepsItsModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := open(t, "1", "2")
		if err := r.Route("blank", "1", nil); err != nil {
			t.Fatal(err)
		}
		first, _ := r.Acquire("2")
		second, err := r.Acquire("2")
		if err != nil {
			t.Fatal(err)
		}
		wait, err := r.Remove("blank", "2")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Acquire("2"); err == nil {
			t.Error("Acquire of a removed model = nil, want an error")
		}
		free := false
		go func() { wait(); free = true }()
		first.Release()
		synctest.Wait()
		if free {
			t.Error("the model is free while a handle is held")
		}
		second.Release()
		synctest.Wait()
		if !free {
			t.Error("the model is not free once all handles are released")
		}
		r.Close()
	})
}
