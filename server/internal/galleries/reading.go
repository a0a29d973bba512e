package galleries

import (
	"context"
	"time"

	"siamese/gallery"
	"siamese/server/metrics"
)

// readingTime is how long a scrape waits for a store.
const readingTime = 2 * time.Second

// figured is a store in which counting entries means to open galleries, and that tells at
// little cost of those that are open.
type figured interface {
	Figures(ctx context.Context) (gallery.Figures, error)
}

// Reading is what a scrape tells of galleries; nil where there are none, or the store does
// not answer.
func (s *Service) Reading() *metrics.Galleries {
	if s.cfg.Store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), readingTime)
	defer cancel()
	figures, err := s.figures(ctx)
	if err != nil {
		return nil
	}
	return &metrics.Galleries{Figures: figures, MaxGalleries: s.cfg.MaxGalleries, MaxEntries: s.cfg.MaxEntries}
}

// figures are those of the galleries that are open, of a store that opens none of all.
func (s *Service) figures(ctx context.Context) (gallery.Figures, error) {
	if store, ok := s.cfg.Store.(figured); ok {
		return store.Figures(ctx)
	}
	all, err := s.cfg.Store.Galleries(ctx)
	if err != nil {
		return gallery.Figures{}, err
	}
	figures := gallery.Figures{Galleries: len(all)}
	for _, info := range all {
		count, err := s.counts.of(ctx, info.Name)
		if err != nil {
			return figures, err
		}
		figures.Add(count, 0)
	}
	return figures, nil
}
