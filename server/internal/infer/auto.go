package infer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
	"siamese/server/metrics"
)

// holdAutoLocked returns a handle on all models of [Auto] where a call's name for a model
// asks for that and there are several; else nil.
func (r *Registry) holdAutoLocked(name string) *Handle {
	if cmp.Or(name, r.defaultName()) != Auto {
		return nil
	}
	all := r.autoLocked()
	if len(all) < 2 {
		return nil
	}
	for _, m := range all {
		m.handles++
	}
	h := &Handle{registry: r, model: all[0], others: all[1:], retiring: make(chan struct{})}
	r.onSeveral[h] = true
	return h
}

// retireAutoLocked tells the handles on several models of which one is to go.
func (r *Registry) retireAutoLocked(m *loadedModel) {
	for h := range r.onSeveral {
		if slices.Contains(h.all(), m) {
			close(h.retiring)
			delete(r.onSeveral, h)
		}
	}
}

// all returns the handle's models, the first before those that are tried after it.
func (h *Handle) all() []*loadedModel { return append([]*loadedModel{h.model}, h.others...) }

// Pair is two images to be scored against each other, encoded by models of the same
// handle. Of images with several views each view is scored with the other image as it
// is, and the score is the mean.
type Pair struct {
	A, B *Image

	// OneSided has B count as it is, whatever views it has: it is a candidate, and A the
	// query.
	OneSided bool
}

// Score is how alike the images of a pair are, and by which model.
type Score struct {
	Similarity float32 // 0..1
	A, B       *View   // the images as the model has them that has answered
	oneSided   bool    // as in Pair
}

// Info describes the model that has answered.
func (s *Score) Info() ModelInfo { return s.A.Info() }

// Compare scores each pair by the model to which its less familiar image is the most
// familiar, among those that have encoded both, the first of equals; by one run of
// the head for each model. There must be such a model for each: pairs without
// [Pair.Mismatch] that Images.Pair knew have one. Where images have several views the
// similarity is the mean, and a model's pairs may take several runs. ctx is checked before
// a run and not during.
func (h *Handle) Compare(ctx context.Context, pairs []Pair) ([]Score, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	defer telemetry.Stage(ctx, metrics.Compare, time.Now())
	scores := make([]Score, len(pairs))
	byModel := make([][]*Score, 1+len(h.others))
	for i, pair := range pairs {
		k, ok := pair.choose()
		if !ok {
			return nil, fmt.Errorf("no model has encoded both images of pair %d", i)
		}
		scores[i] = Score{A: &pair.A.views[k], B: &pair.B.views[k], oneSided: pair.OneSided}
		byModel[k] = append(byModel[k], &scores[i])
	}
	for k, m := range h.all() {
		if len(byModel[k]) == 0 {
			continue
		}
		if err := m.engine.compare(ctx, byModel[k]); err != nil {
			return nil, err
		}
	}
	return scores, nil
}

// CompareEmbeddings scores pairs of embeddings of the handle's first model, a and b
// float32 [n,E], by one run of its head, and returns similarities, float32 [n], 0..1.
// ctx is checked before the run and not during.
func (h *Handle) CompareEmbeddings(ctx context.Context, a, b []float32) ([]float32, error) {
	defer telemetry.Stage(ctx, metrics.Compare, time.Now())
	e := h.model.engine
	if err := e.heads.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer e.heads.Release(1)
	return e.score(ctx, a, b)
}

// choose returns the model that is to answer, by its place in the handle, and whether
// there is one.
func (p Pair) choose() (model int, ok bool) {
	most, hasEmbedding := float32(-1), p.A.given != nil || p.B.given != nil
	for i := range min(len(p.A.views), len(p.B.views)) {
		a, b := &p.A.views[i], &p.B.views[i]
		mayAnswer := hasEmbedding || a.isChoice && b.isChoice
		if a.embedding == nil || b.embedding == nil || !mayAnswer {
			continue
		}
		if least := min(a.familiarity, b.familiarity); least > most {
			model, most, ok = i, least, true
		}
	}
	return model, ok
}

// Mismatch returns the fault of two images that came as embeddings of different models;
// nil of others.
func (p Pair) Mismatch() *fault.Fault {
	a, b := p.A.GivenBy(), p.B.GivenBy()
	if a == "" || b == "" || a == b {
		return nil
	}
	return fault.EmbeddingsOfTwoModels(a, b)
}

// MostFamiliar returns the first image of the scores as the model has it to which it
// is the most familiar, among those that have answered; nil where there are no
// scores. It must be the first image of them all.
func MostFamiliar(scores []Score) *View {
	var best *View
	for i := range scores {
		if v := scores[i].A; best == nil || v.familiarity > best.familiarity {
			best = v
		}
	}
	return best
}
