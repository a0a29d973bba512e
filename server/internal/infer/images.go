package infer

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"siamese/server/batch"
	"siamese/server/cache"
	"siamese/server/internal/fair"
	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
	"siamese/server/metrics"
)

// ImagesConfig says what becomes of a request's images.
type ImagesConfig struct {
	// Caller names who makes the request. Images are prepared and encoded in turn of
	// callers, and of their requests.
	Caller string

	// KeepPrepared keeps the prepared pictures as PNG files.
	KeepPrepared bool

	// WaitForRoom has Encode wait for room in the queue. False: the request is
	// refused before its images are prepared where its caller would have no room or
	// they would come too late: under overload, preparing costs the time that the
	// encoder wants.
	WaitForRoom bool
}

// Images is the images of one request, each distinct one once: first by the
// bytes that came, then, when prepared, by their pixels. At either point the
// model's cache may know the embedding. It belongs to one goroutine at a time.
type Images struct {
	engine   *engine
	cfg      ImagesConfig
	pending  []*Image
	bySource map[digest]*Image
	place    *batch.Place // in the queue; nil where none is held

	encoded int           // images that the encoder ran for this request
	decode  time.Duration // summed over the images
	report  batch.Report
}

// NewImages returns an empty set of images for the model.
func (h *Handle) NewImages(cfg ImagesConfig) *Images {
	return newImages(h.model.engine, cfg)
}

func newImages(e *engine, cfg ImagesConfig) *Images {
	return &Images{engine: e, cfg: cfg, bySource: make(map[digest]*Image)}
}

// Add takes an image in and returns it; images of the same source are the same.
// What is wrong with it is the image's fault, never an error of Add.
func (s *Images) Add(source Source) *Image {
	if embedding, ok := source.(Embedding); ok {
		return s.engine.given(embedding)
	}
	key := source.digest()
	if m, ok := s.bySource[key]; ok {
		return m
	}
	m := &Image{source: source, digest: key}
	s.bySource[key] = m
	if !s.recall(m) {
		s.pending = append(s.pending, m)
	}
	return m
}

// recall looks the source up in the cache and reports whether that was all to do:
// where the picture is asked for the image has to be prepared all the same.
func (s *Images) recall(m *Image) bool {
	embedding, ok := s.engine.cache.Source(cache.Key(m.digest))
	if !ok {
		return false
	}
	m.embedding = embedding
	if s.cfg.KeepPrepared {
		return false
	}
	m.source = nil
	return true
}

// Prepare prepares every image, in the pool that all requests share, once. An
// image that can't be used has its fault; the error is the request's.
func (s *Images) Prepare(ctx context.Context) (err error) {
	if n := s.unknown(); n > 0 && !s.cfg.WaitForRoom {
		if s.place, err = s.engine.queue.For(s.cfg.Caller).Reserve(ctx, n); err != nil {
			return err
		}
	}
	if len(s.pending) == 0 {
		return nil
	}
	defer telemetry.Stage(ctx, metrics.Decode, time.Now())
	flow := fair.Flow{Caller: s.cfg.Caller, Call: s}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.engine.preparer.pool.size)
	for _, m := range s.pending {
		group.Go(func() error {
			return fault.Guard(func() error { return s.engine.preparer.fill(ctx, flow, m, s.cfg.KeepPrepared) })
		})
	}
	err = group.Wait()
	for _, m := range s.pending {
		s.decode += m.decode
		s.recallPixels(m)
	}
	return err
}

// unknown is how many of the images that are to be prepared may have to be
// encoded.
func (s *Images) unknown() int {
	n := 0
	for _, m := range s.pending {
		if m.embedding == nil {
			n++
		}
	}
	return n
}

// recallPixels looks a prepared picture up in the cache.
func (s *Images) recallPixels(m *Image) {
	if m.picture == nil {
		return // it has a fault
	}
	if m.embedding != nil { // its source was known
		m.picture = nil
		return
	}
	if embedding, ok := s.engine.cache.Pixels(cache.Key(m.pixels)); ok {
		m.embedding, m.picture = embedding, nil
		s.engine.cache.Link(cache.Key(m.digest), cache.Key(m.pixels))
	}
}

// Encode gives the needed images their embeddings by one submission, distinct
// pictures once. The needed ones must be prepared and without fault. It is called
// once. Errors: those of [batch.Queue].
func (s *Images) Encode(ctx context.Context, needed []*Image) error {
	var images []batch.Image
	index := make(map[digest]int)
	for _, m := range needed {
		if m.picture == nil {
			continue // came as an embedding, or the cache had it
		}
		if _, ok := index[m.pixels]; !ok {
			index[m.pixels] = len(images)
			images = append(images, batch.Image{Pixels: m.picture.Pix, Key: batch.Key(m.pixels)})
		}
	}
	submitted := time.Now()
	embeddings, report, err := s.submit(ctx, images)
	if err != nil {
		return err
	}
	if len(images) > 0 {
		telemetry.Encode(ctx, submitted, report.Queue)
	}
	if err := checkEmbeddings(embeddings); err != nil {
		return err
	}
	for _, m := range needed {
		if m.picture != nil {
			s.keep(m, embeddings[index[m.pixels]])
		}
	}
	s.encoded, s.report = len(images)-report.Shared, report
	return nil
}

// submit submits to the queue as the configuration says.
func (s *Images) submit(ctx context.Context, images []batch.Image) ([][]float32, batch.Report, error) {
	switch {
	case s.cfg.WaitForRoom:
		return s.engine.queue.For(s.cfg.Caller).SubmitWait(ctx, images)
	case s.place != nil:
		return s.place.Submit(ctx, images)
	default: // the cache had all, or they came as embeddings
		return s.engine.queue.For(s.cfg.Caller).Submit(ctx, images)
	}
}

// keep gives an image its embedding, and the cache too.
func (s *Images) keep(m *Image, embedding []float32) {
	m.embedding, m.picture = embedding, nil
	s.engine.cache.Add(cache.Key(m.pixels), embedding)
	s.engine.cache.Link(cache.Key(m.digest), cache.Key(m.pixels))
}

// Release gives the place in the queue back, where one is held. It may be called
// more than once.
func (s *Images) Release() {
	if s.place != nil {
		s.place.Release()
	}
}

// Encoded returns how many images the encoder ran for this request.
func (s *Images) Encoded() int { return s.encoded }

// Times is where the time of a request's images went.
type Times struct {
	Decode time.Duration // from bytes to pictures, summed over the images
	Queue  time.Duration // the longest wait for the encoder
	Encode time.Duration // of the runs that carried them
}

// Times returns where the time went until now.
func (s *Images) Times() Times {
	return Times{Decode: s.decode, Queue: s.report.Queue, Encode: s.report.Encode}
}
