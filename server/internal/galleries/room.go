package galleries

import (
	"context"
	"sync"
	"sync/atomic"

	"siamese/gallery"
	"siamese/server/internal/fault"
)

// lock is a gallery's lock of those who write to it.
type lock struct {
	sync.RWMutex

	// entering is how many entries are being put that may be new, by those who hold the
	// lock for reading.
	entering atomic.Int64
}

// lockOf is held for reading while entries are put or removed, and for writing by a
// job that replaces some that must not have changed since it looked, and by who counts
// what there is room for.
func (s *Service) lockOf(name string) *lock {
	found, _ := s.writing.LoadOrStore(name, new(lock))
	return found.(*lock)
}

// put puts items' entries into the store, as far as the gallery has room for them, and
// returns what became of each that has no fault afterwards. The error is the call's.
func (w *work) put(ctx context.Context, items []*item) ([]*item, []gallery.Outcome, error) {
	s, lock := w.service, w.service.lockOf(w.gallery.Name)
	lock.RLock()
	entering := int64(len(items))
	// First those who enter, then the count: who has left before has had it forgotten.
	before := lock.entering.Add(entering)
	fits, err := s.hasRoom(ctx, w.gallery.Name, before)
	if err == nil && fits {
		defer lock.RUnlock()
		defer lock.entering.Add(-entering)
		outcomes, err := w.store(ctx, items)
		return items, outcomes, err
	}
	lock.entering.Add(-entering)
	lock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	lock.Lock()
	defer lock.Unlock()
	if items, err = w.fit(ctx, items); err != nil || len(items) == 0 {
		return nil, nil, err
	}
	outcomes, err := w.store(ctx, items)
	return items, outcomes, err
}

// hasRoom reports whether a gallery can take this number of further entries.
func (s *Service) hasRoom(ctx context.Context, name string, more int64) (bool, error) {
	if s.cfg.MaxEntries == 0 {
		return true, nil
	}
	count, err := s.counts.of(ctx, name)
	return int64(count.Entries)+more <= int64(s.cfg.MaxEntries), s.storeError(ctx, name, err)
}

// fit returns the items that a gallery has room for: those that take the place of
// another, and of the others the first. The rest get a fault. The caller holds the
// gallery's lock for writing; another server that writes to the same store at this moment
// is not waited for.
func (w *work) fit(ctx context.Context, items []*item) ([]*item, error) {
	s, name := w.service, w.gallery.Name
	count, err := s.cfg.Store.Count(ctx, name)
	if err != nil {
		return nil, s.storeError(ctx, name, err)
	}
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.entry.ID
	}
	there, err := s.cfg.Store.Get(ctx, name, ids, gallery.Parts{})
	if err != nil {
		return nil, s.storeError(ctx, name, err)
	}
	has := make(map[string]bool, len(ids))
	for i := range there {
		has[there[i].ID] = true
	}
	room := max(0, s.cfg.MaxEntries-count.Entries)
	var fit []*item
	for _, it := range items {
		if !has[it.entry.ID] {
			if room == 0 {
				it.fault = fault.GalleryFull(name, s.cfg.MaxEntries, s.cfg.MaxEntries).At(it.field)
				continue
			}
			room--
			has[it.entry.ID] = true
		}
		fit = append(fit, it)
	}
	return fit, nil
}
