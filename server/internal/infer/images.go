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

	// ThumbnailSide is how many pixels the longer side of thumbnails has. Zero: none are
	// made.
	ThumbnailSide int

	// Views is how many views, at most [siamese/imaging/views.Most], an image is encoded in
	// of which Vary is told, itself among them. 0 or 1: it alone.
	Views int

	// WaitForRoom has Encode wait for room in the queue. False: the request is
	// refused before its images are prepared where its caller would have no room or
	// they would come too late: under overload, preparing costs the time that the
	// encoder wants.
	WaitForRoom bool
}

// Images is the images of one request, each distinct one once: first by the
// bytes that came, then, when prepared, by their pixels. At either point the
// model's cache may know the embedding. It belongs to one goroutine at a time.
//
// Of "auto" each image is encoded by the first model, and by the next where it is
// foreign to those before; an image that is to be scored against an embedding (Pair)
// by the embedding's model.
type Images struct {
	cfg      ImagesConfig
	parts    []part   // of the handle's models, in their order
	pictures []*Image // those that came as pictures
	bySource map[digest]*Image
}

// part is what one model has to do for a request.
type part struct {
	engine *engine
	place  *batch.Place // in the queue; nil where none is held

	encoded int           // images that the encoder ran for this request
	queue   time.Duration // the longest wait of each submission
	encode  time.Duration // of the runs that carried them
}

// task is an image that a model is to have.
type task struct {
	image *Image
	view  *View // of image
	part  *part // of the same model
}

// NewImages returns an empty set of images for the models of the handle.
func (h *Handle) NewImages(cfg ImagesConfig) *Images {
	var engines []*engine
	for _, m := range h.all() {
		engines = append(engines, m.engine)
	}
	return newImages(cfg, engines...)
}

func newImages(cfg ImagesConfig, engines ...*engine) *Images {
	s := &Images{cfg: cfg, parts: make([]part, len(engines)), bySource: make(map[digest]*Image)}
	for i, e := range engines {
		s.parts[i].engine = e
	}
	return s
}

// Add takes an image in and returns it; images of the same source are the same.
// What is wrong with it is the image's fault, never an error of Add.
func (s *Images) Add(source Source) *Image {
	if embedding, ok := source.(Embedding); ok {
		return s.addEmbedding(embedding)
	}
	key := source.digest()
	if m, ok := s.bySource[key]; ok {
		return m
	}
	m := &Image{source: source, digest: key, views: s.newViews()}
	s.bySource[key] = m
	s.pictures = append(s.pictures, m)
	return m
}

func (s *Images) newViews() []View {
	views := make([]View, len(s.parts))
	for i := range s.parts {
		views[i].engine = s.parts[i].engine
	}
	return views
}

// addEmbedding makes an image of an embedding that the caller brought, once it is
// shown to be one of the model's that it names.
func (s *Images) addEmbedding(brought Embedding) *Image {
	var digests []string
	for i := range s.parts {
		e := s.parts[i].engine
		digests = append(digests, e.info.Digest)
		if e.info.Digest != brought.ModelDigest {
			continue
		}
		if f := e.checkGiven(brought.Values); f != nil {
			return Refused(f)
		}
		m := &Image{views: s.newViews()}
		m.given = &m.views[i]
		m.given.embedding = brought.Values
		return m
	}
	return Refused(fault.ModelMismatch(brought.ModelDigest, digests...))
}

// Pair notes, before Prepare, that two images are to be scored against each other:
// one that is to be held against an embedding has to be encoded by the embedding's
// model. b may be of another set of the same handle where it is an embedding. The
// fault is that they are embeddings of different models.
func (s *Images) Pair(a, b *Image) *fault.Fault {
	switch {
	case a.fault != nil || b.fault != nil:
	case a.given != nil && b.given != nil:
		return Pair{A: a, B: b}.Mismatch()
	case b.given != nil:
		a.want(b.given.engine)
	case a.given != nil:
		b.want(a.given.engine)
	default:
		s.Choose(a)
		s.Choose(b)
	}
	return nil
}

// Choose has an image, which must be one of this set, encoded by the first model, and
// by the next where it is foreign to those before. It is so for images of which Pair
// was told nothing.
func (s *Images) Choose(m *Image) {
	if m.fault == nil && m.given == nil {
		m.views[0].wanted, m.views[0].isChoice, m.choosing = true, true, true
	}
}

// WantAll has an image, which must be one of this set, encoded by every model, so that
// it can be scored against the embeddings of any. With other pictures it is as with
// Choose.
func (s *Images) WantAll(m *Image) {
	s.Choose(m)
	for i := range m.views {
		m.views[i].wanted = m.choosing
	}
}

// want has the image encoded by a model, for the model's embeddings alone: what other
// images a request has changes nothing in how a pair is answered.
func (m *Image) want(e *engine) {
	for i := range m.views {
		if m.views[i].engine == e {
			m.views[i].wanted = true
		}
	}
}

// Prepare prepares every image, in the pool that all requests share, once. An
// image that can't be used has its fault; the error is the request's.
func (s *Images) Prepare(ctx context.Context) error {
	var tasks []task
	for _, m := range s.pictures {
		if !m.views[m.firstWanted()].wanted {
			s.Choose(m)
		}
		for i := range m.views {
			if m.views[i].wanted {
				tasks = append(tasks, task{m, &m.views[i], &s.parts[i]})
			}
		}
	}
	if err := s.prepare(ctx, tasks); err != nil {
		return err
	}
	for _, t := range tasks {
		if t.image.fault == nil {
			t.image.fault = t.view.fault
		}
	}
	return nil
}

// prepare does what of the tasks comes before the encoder.
func (s *Images) prepare(ctx context.Context, tasks []task) error {
	var pending []task
	for _, t := range tasks {
		if !s.recall(t) {
			pending = append(pending, t)
		}
	}
	if err := s.reserve(ctx, pending); err != nil || len(pending) == 0 {
		return err
	}
	defer telemetry.Stage(ctx, metrics.Decode, time.Now())
	flow := fair.Flow{Caller: s.cfg.Caller, Call: s}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.parts[0].engine.preparer.pool.size)
	for _, t := range pending {
		group.Go(func() error {
			return fault.Guard(func() error {
				return t.part.engine.preparer.fill(ctx, flow, t.image.source, t.view, s.cfg)
			})
		})
	}
	err := group.Wait()
	for _, t := range pending {
		if len(s.parts) == 1 {
			t.image.source = nil // no other model will want it
		}
		t.recallPixels()
	}
	return err
}

// recall looks the source up in the cache and reports whether that was all to do:
// where the picture or a thumbnail is asked for the image has to be prepared all the
// same.
func (s *Images) recall(t task) bool {
	t.vary(s.cfg.Views)
	known, ok := t.part.engine.cache.Source(cache.Key(t.image.digest))
	if !ok {
		return false
	}
	t.view.take(known)
	return t.recallMoved() && !s.cfg.KeepPrepared && s.cfg.ThumbnailSide == 0
}

// reserve takes places in the models' queues for those that may have to be encoded,
// unless there is to be a wait for room.
func (s *Images) reserve(ctx context.Context, pending []task) (err error) {
	if s.cfg.WaitForRoom {
		return nil
	}
	for i := range s.parts {
		p, n := &s.parts[i], 0
		for _, t := range pending {
			if t.part != p {
				continue
			}
			if n += t.view.unknownMoved(); t.view.embedding == nil {
				n++
			}
		}
		if n == 0 {
			continue
		}
		if p.place, err = p.engine.queue.For(s.cfg.Caller).Reserve(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// recallPixels looks a prepared picture up in the cache.
func (t task) recallPixels() {
	v, kept := t.view, t.part.engine.cache
	if v.picture == nil {
		return // it has a fault
	}
	for i := range v.moved {
		v.moved[i].recallPixels(kept)
	}
	if v.embedding != nil { // its source was known
		v.picture = nil
		return
	}
	if known, ok := kept.Pixels(cache.Key(v.pixels)); ok {
		v.take(known)
		v.picture = nil
		kept.Link(cache.Key(t.image.digest), cache.Key(v.pixels))
	}
}

// Release gives the places in the queues back, where any are held. It may be called
// more than once.
func (s *Images) Release() {
	for i := range s.parts {
		s.parts[i].place.Release()
	}
}

// Encoded returns how many images the encoders ran for this request.
func (s *Images) Encoded() int {
	encoded := 0
	for i := range s.parts {
		encoded += s.parts[i].encoded
	}
	return encoded
}

// Times is where the time of a request's images went, summed over the models.
type Times struct {
	Decode time.Duration // from bytes to pictures, summed over the images
	Queue  time.Duration // the longest wait for the encoder
	Encode time.Duration // of the runs that carried them
}

// Times returns where the time went until now.
func (s *Images) Times() Times {
	var t Times
	for i := range s.parts {
		t.Queue += s.parts[i].queue
		t.Encode += s.parts[i].encode
	}
	for _, m := range s.pictures {
		for i := range m.views {
			t.Decode += m.views[i].decode
		}
	}
	return t
}
