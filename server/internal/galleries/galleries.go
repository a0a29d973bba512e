// Package galleries answers GalleryService: it encodes the pictures of entries, has a
// store keep them, and says which of them a picture shows.
//
// Each call names a gallery. It is checked first (enter): the name, the caller's right,
// and that there is one. A call that encodes or scores then takes the gallery's model
// (acquire), for as long as a group of entries or a query takes: a gallery's embeddings
// are of one model's weights, and the server may have others by the next group.
package galleries

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fair"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/metrics"
)

// Rights say what callers may do. They must be safe for concurrent use and quick.
type Rights interface {
	// Of returns the right to a gallery of the caller with this name of a token or
	// certificate, empty for one that has shown neither.
	Of(name, gallery string) access.Right
}

// Config is what galleries need of the server. All fields are required, but for those
// whose zero value is told.
type Config struct {
	Store           gallery.Store // nil: there are no galleries, and each call is told so
	Registry        *infer.Registry
	Rights          Rights                                      // nil: every caller may do all
	Caller          func(context.Context) string                // names who makes a call
	Enter           func(caller string) (leave func(), ok bool) // takes a place among MaxStreams
	MaxStreams      int                                         // open at a time
	MaxGalleries    int                                         // 0: no bound
	MaxEntries      int                                         // of one gallery; 0: no bound
	MaxViews        int                                         // of a picture, that a search may ask for
	MaxImages       int                                         // entries of one BatchEnroll
	MaxQueuedImages int                                         // images of one submission to the encoder
	MaxMessageBytes int                                         // of one message
	Go              func(func())                                // runs what may outlive its call by a moment
	Draining        <-chan struct{}                             // closed when the server begins to stop
	GraceOver       <-chan struct{}                             // closed when streams are to end
	Explainer       fault.Explainer
	Metrics         *metrics.Metrics // nil: none
	Log             *slog.Logger
}

// Service answers GalleryService. It is safe for concurrent use. The store stays its
// owner's, who closes it after the service.
type Service struct {
	pb.UnimplementedGalleryServiceServer
	cfg Config

	searches   *fair.Gate // of Identify
	duplicates *fair.Gate // of FindDuplicates
	metrics    metricCache
	learner    *learner
	counts     counts
	writing    sync.Map      // gallery's name to *lock
	creating   chan struct{} // held, by what is in it, while galleries are counted and one is made

	ctx  context.Context // of jobs, which go on without their callers
	stop context.CancelFunc
	jobs jobs
}

// maxDuplicates is how many FindDuplicates go on at a time: each compares all entries of
// a gallery with each other, and has a core busy for long.
const maxDuplicates = 1

// New returns a service. The caller must Close it.
func New(cfg Config) *Service {
	s := &Service{
		cfg: cfg,
		// A search keeps a core busy, and holds some megabytes of candidates.
		searches:   fair.NewGate(runtime.GOMAXPROCS(0)),
		duplicates: fair.NewGate(maxDuplicates),
		creating:   make(chan struct{}, 1),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.counts.store = cfg.Store
	s.learner = newLearner(s)
	return s
}

// Drain stops jobs; what they have done is kept. It may be called more than once.
func (s *Service) Drain() { s.stop() }

// Close drains and waits until jobs have ended. It may be called more than once.
func (s *Service) Close() {
	s.Drain()
	s.jobs.running.Wait()
}

// enter returns the gallery that a call names, where its caller has the right to do what
// the call does.
func (s *Service) enter(ctx context.Context, name string, needed access.Right) (gallery.Info, error) {
	if err := s.permit(ctx, name, needed); err != nil {
		return gallery.Info{}, err
	}
	return s.find(ctx, name)
}

// permit checks a gallery's name and the caller's right to it, in this order: a
// caller that may not see a gallery is not told whether there is one.
func (s *Service) permit(ctx context.Context, name string, needed access.Right) error {
	if s.cfg.Store == nil {
		return fault.GalleriesOff()
	}
	if err := gallery.CheckName(name); err != nil {
		return fault.Unusable(fault.ReasonGalleryName, "gallery", err)
	}
	if s.rightOf(ctx, name) < needed {
		return fault.GalleryDenied(name, needed.String())
	}
	return nil
}

// find returns a gallery by its name.
func (s *Service) find(ctx context.Context, name string) (gallery.Info, error) {
	info, err := s.cfg.Store.Gallery(ctx, name)
	return info, s.storeError(ctx, name, err)
}

// isStill returns an error where a gallery has been deleted and made again since, or moved
// to another model: what was encoded for it before would not be found in it.
func (s *Service) isStill(ctx context.Context, was gallery.Info) error {
	now, err := s.find(ctx, was.Name)
	switch {
	case err != nil:
		return err
	case !now.Created.Equal(was.Created):
		return fault.GalleryNotFound(was.Name)
	case now.ModelDigest != was.ModelDigest:
		return fault.GalleryMoved(was.Name, was.ModelDigest, now.ModelDigest)
	}
	return nil
}

// searchError is storeError of a search. A store refuses what is asked by the metric of a
// model that is not the gallery's any more.
func (s *Service) searchError(ctx context.Context, was gallery.Info, err error) error {
	if err != nil && fault.Of(err) == nil {
		if moved := s.isStill(ctx, was); moved != nil {
			return moved
		}
	}
	return s.storeError(ctx, was.Name, err)
}

// storeError tells of a gallery that there is none of by its name, and the log of a store
// that can't be used.
func (s *Service) storeError(ctx context.Context, name string, err error) error {
	switch {
	case errors.Is(err, gallery.ErrNotFound):
		return fault.GalleryNotFound(name)
	case errors.Is(err, gallery.ErrInUse), errors.Is(err, gallery.ErrUnavailable):
		s.cfg.Log.WarnContext(ctx, "galleries can't be used", "gallery", name, "err", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		s.cfg.Log.ErrorContext(ctx, "galleries have no room", "gallery", name, "err", err)
	}
	return err
}

func (s *Service) rightOf(ctx context.Context, name string) access.Right {
	if s.cfg.Rights == nil {
		return access.Manage
	}
	return s.cfg.Rights.Of(shownName(s.cfg.Caller(ctx)), name)
}

// shownName is the name of a caller's token or certificate; empty for one that is known
// by its address alone.
func shownName(caller string) string {
	for _, kind := range []string{"token ", "certificate "} {
		if name, ok := strings.CutPrefix(caller, kind); ok {
			return name
		}
	}
	return ""
}

// acquire returns a handle on a gallery's model, which the caller must release.
func (s *Service) acquire(info gallery.Info) (*infer.Handle, error) {
	model, err := s.cfg.Registry.Acquire(info.Model)
	if err != nil {
		return nil, err
	}
	if serves := model.Info().Digest; serves != info.ModelDigest {
		model.Release()
		return nil, fault.GalleryModelChanged(info.Name, info.Model, info.ModelDigest, serves)
	}
	return model, nil
}
