package galleries

import (
	"context"
	"fmt"
	"time"

	"siamese/gallery"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// thumbnailSide is the longer side of thumbnails in pixels.
const thumbnailSide = 160

// work is items of one call that are encoded and kept together. It belongs to one
// goroutine at a time.
type work struct {
	service *Service
	gallery gallery.Info
	caller  string
	items   []*item
	waits   bool   // for room before the encoder; else the call is refused
	decoded func() // called when the items' pictures are needed no more, where they are not kept; nil: nobody wants to know

	model  *infer.Handle
	images *infer.Images
}

// begin takes the gallery's model. The work has to end.
func (w *work) begin() (err error) {
	if w.model, err = w.service.acquire(w.gallery); err != nil {
		return err
	}
	config := infer.ImagesConfig{Caller: w.caller, WaitForRoom: w.waits}
	if w.gallery.KeepThumbnails {
		config.ThumbnailSide = thumbnailSide
	}
	w.images = w.model.NewImages(config)
	return nil
}

// end lets go of what the work has held.
func (w *work) end() {
	w.images.Release()
	w.model.Release()
}

// encode makes entries of the items: those that are there already are found, the others
// encoded. What is wrong with an item is its fault; the error is the call's.
func (w *work) encode(ctx context.Context) error {
	if err := w.recall(ctx); err != nil {
		return err
	}
	for _, it := range w.items {
		if it.fault == nil && it.outcome == 0 {
			added := wire.Add(w.images, it.field+".image", it.image)
			it.taken, it.fault = added.Image, wire.FirstFault(added)
		}
	}
	if err := w.images.Prepare(ctx); err != nil {
		return err
	}
	var needed []*infer.Image
	for _, it := range w.items {
		if err := w.release(it); err != nil {
			return err
		}
		if it.fault == nil && it.taken != nil {
			needed = append(needed, it.taken)
		}
	}
	if w.decoded != nil && !w.gallery.KeepPictures {
		w.decoded()
	}
	if err := w.images.Encode(ctx, needed); err != nil {
		return err
	}
	for _, it := range w.items {
		w.fill(it)
	}
	return nil
}

// recall finds the items that are in the gallery as they are.
func (w *work) recall(ctx context.Context) error {
	byID := make(map[string][]*item)
	var ids []string
	for _, it := range w.items {
		if it.fault != nil || !it.isPicture() {
			continue
		}
		it.digest()
		if byID[it.entry.ID] == nil {
			ids = append(ids, it.entry.ID)
		}
		byID[it.entry.ID] = append(byID[it.entry.ID], it)
	}
	if len(ids) == 0 {
		return nil
	}
	stored, err := w.service.cfg.Store.Get(ctx, w.gallery.Name, ids, gallery.Parts{})
	if err != nil {
		return w.service.storeError(ctx, w.gallery.Name, err)
	}
	for i := range stored {
		for _, it := range byID[stored[i].ID] {
			if it.isAs(&stored[i], w.gallery.ModelDigest) {
				it.entry.Familiarity, it.outcome = stored[i].Familiarity, gallery.Unchanged
			}
		}
	}
	return nil
}

// release notes what preparing found wrong with an item, and lets go of its picture.
func (w *work) release(it *item) (err error) {
	if it.taken != nil && it.fault == nil {
		it.fault = wire.FirstFault(wire.Operand{Image: it.taken, Field: it.field + ".image"})
	}
	if it.fault == nil && it.taken != nil && w.gallery.KeepPictures {
		it.entry.Picture, err = it.picture()
	}
	it.image = nil
	return err
}

// fill completes the entry of an item that has been encoded.
func (w *work) fill(it *item) {
	if it.fault != nil || it.taken == nil {
		return
	}
	view := it.taken.Best()
	it.entry.Embedding = gallery.NewVector(view.Embedding())
	it.entry.ModelDigest = w.gallery.ModelDigest
	it.entry.Thumbnail = view.Thumbnail()
	if it.entry.Enrolled.IsZero() {
		it.entry.Enrolled = time.Now().Truncate(time.Millisecond)
	}
	if familiarity, isTold := view.Familiarity(); isTold {
		it.entry.Familiarity = familiarity
	}
	it.taken = nil
}

// keep puts the entries into the store.
func (w *work) keep(ctx context.Context) error {
	var encoded []*item
	for _, it := range w.items {
		if it.fault == nil && it.outcome == 0 {
			encoded = append(encoded, it)
		}
	}
	if len(encoded) > 0 {
		kept, outcomes, err := w.put(ctx, encoded)
		if err != nil {
			return err
		}
		for i, it := range kept {
			it.outcome = outcomes[i]
		}
	}
	w.count()
	return nil
}

// store puts items' entries into the store. The caller holds the gallery's lock.
func (w *work) store(ctx context.Context, items []*item) ([]gallery.Outcome, error) {
	if err := w.service.isStill(ctx, w.gallery); err != nil {
		return nil, err
	}
	defer w.service.counts.forget(w.gallery.Name)
	entries := make([]gallery.Entry, len(items))
	for i, it := range items {
		entries[i] = it.entry
	}
	outcomes, err := w.service.cfg.Store.Put(ctx, w.gallery.Name, entries)
	if err == nil && len(outcomes) != len(entries) {
		err = fmt.Errorf("the store told of %d entries, expected %d", len(outcomes), len(entries))
	}
	return outcomes, w.service.storeError(ctx, w.gallery.Name, err)
}

// outcomes are the words for what became of an entry.
var outcomes = map[gallery.Outcome]string{
	gallery.Added: "added", gallery.Replaced: "replaced", gallery.Unchanged: "unchanged",
}

// failed is the word for an entry that has a fault.
const failed = "failed"

// count tells metrics what became of the items.
func (w *work) count() {
	for _, it := range w.items {
		outcome := outcomes[it.outcome]
		if it.fault != nil {
			outcome = failed
		}
		w.service.cfg.Metrics.Enrolled(outcome)
	}
}
