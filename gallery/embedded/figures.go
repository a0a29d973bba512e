package embedded

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"siamese/gallery"
)

// Figures tells of the galleries whose files are open, and how many files there are: it
// opens none, and keeps none open. One that is being opened or deleted, or is damaged,
// counts as not open.
func (s *Store) Figures(ctx context.Context) (gallery.Figures, error) {
	names, err := s.names(ctx)
	if err != nil {
		return gallery.Figures{}, err
	}
	figures := gallery.Figures{Galleries: len(names)}
	for name, h := range s.take() {
		h.addTo(&figures)
		s.giveBack(name, h)
	}
	return figures, nil
}

// names are those of the folder's files of galleries, which need not be whole.
func (s *Store) names(ctx context.Context) ([]string, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(s.config.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name, isGallery := strings.CutSuffix(entry.Name(), Extension)
		if isGallery && entry.Type().IsRegular() && gallery.CheckName(name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// take returns all handles, which stay until they are given back.
func (s *Store) take() map[string]*handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := make(map[string]*handle, len(s.handles))
	for name, h := range s.handles {
		h.users++
		taken[name] = h
	}
	return taken
}

// giveBack is letGo of one that no call was about.
func (s *Store) giveBack(name string, h *handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.users--
	if h.users == 0 && h.file == nil {
		delete(s.handles, name)
	}
}

// addTo adds the handle's file, where it is open.
func (h *handle) addTo(figures *gallery.Figures) {
	if !h.mu.TryRLock() {
		return
	}
	defer h.mu.RUnlock()
	if h.file == nil {
		return
	}
	if count, err := h.file.count(); err == nil {
		figures.Add(count, h.file.indexBytes())
	}
}

func (f *file) indexBytes() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.live == nil {
		return 0
	}
	return f.live.index.Bytes()
}
