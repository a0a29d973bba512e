package server

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server/batch"
	"siamese/server/cache"
	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
	"siamese/server/metrics"
)

// digest is a SHA-256 sum.
type digest [sha256.Size]byte

// member is one distinct image of a call, on its way from bytes to embedding.
type member struct {
	source    *pb.Image        // encoded or raw; nil once prepared
	digest    digest           // of source
	picture   *imaging.Picture // nil until prepared and again once the embedding is there
	pixels    digest           // of picture
	png       []byte           // picture as a PNG file, where asked for
	embedding []float32        // [E]; nil until encoded
	decode    time.Duration    // from bytes to picture
	fault     *fault.Fault     // why the image can't be used; names no field
}

// accept stores the prepared picture and lets go of the source.
func (m *member) accept(picture *imaging.Picture, render bool) error {
	m.source, m.picture, m.pixels = nil, picture, sha256.Sum256(picture.Pix)
	if !render {
		return nil
	}
	png, err := picture.PNG()
	m.png = png
	return err
}

// imageSet is the images of one call, each distinct one once: first by the
// bytes that came, then, when prepared, by their pixels. At either point the
// engine's cache may know the embedding. It belongs to one goroutine at a time.
type imageSet struct {
	engine   *engine
	render   bool // keep the prepared pictures as PNG files
	pending  []*member
	bySource map[digest]*member

	encoded int           // images that the encoder ran for this call
	decode  time.Duration // summed over the images
	report  batch.Report
}

func newImageSet(e *engine, render bool) *imageSet {
	return &imageSet{engine: e, render: render, bySource: make(map[digest]*member)}
}

// add takes an image in and returns its member, which other images may share.
// What is wrong with the image is the member's fault, never an error of add.
func (s *imageSet) add(image *pb.Image) *member {
	switch source := image.GetSource().(type) {
	case *pb.Image_Encoded:
		return s.share(sha256.Sum256(source.Encoded), image)
	case *pb.Image_Raw:
		return s.share(rawDigest(source.Raw), image)
	case *pb.Image_Embedding:
		return s.engine.member(source.Embedding)
	case *pb.Image_Reference:
		return &member{fault: fault.ReferenceOutsideStream()}
	default:
		return &member{fault: fault.ImageUnset()}
	}
}

// share returns the member with this digest, a new one where there is none.
func (s *imageSet) share(key digest, image *pb.Image) *member {
	if m, ok := s.bySource[key]; ok {
		return m
	}
	m := &member{source: image, digest: key}
	s.bySource[key] = m
	if !s.recall(m) {
		s.pending = append(s.pending, m)
	}
	return m
}

// recall looks the source up in the cache and tells whether that was all to do:
// where the picture is asked for it has to be prepared all the same.
func (s *imageSet) recall(m *member) bool {
	embedding, ok := s.engine.cache.Source(cache.Key(m.digest))
	if !ok {
		return false
	}
	m.embedding = embedding
	if s.render {
		return false
	}
	m.source = nil
	return true
}

// unknown is how many of the images that are to be prepared may have to be
// encoded.
func (s *imageSet) unknown() int {
	n := 0
	for _, m := range s.pending {
		if m.embedding == nil {
			n++
		}
	}
	return n
}

// rawDigest covers shape and layout too. The prefix keeps raw pixels apart from
// a file of the same bytes.
func rawDigest(raw *pb.RawPixels) digest {
	h := sha256.New()
	h.Write([]byte("raw pixels"))
	for _, n := range []uint32{raw.GetWidth(), raw.GetHeight(), uint32(raw.GetFormat())} {
		var field [4]byte
		binary.BigEndian.PutUint32(field[:], n)
		h.Write(field[:])
	}
	h.Write(raw.GetData())
	return digest(h.Sum(nil))
}

// prepare prepares every image, in the pool that all calls share. An image that
// can't be used has its fault; the error is the call's.
func (s *imageSet) prepare(ctx context.Context) error {
	if len(s.pending) == 0 {
		return nil
	}
	defer telemetry.Stage(ctx, metrics.Decode, time.Now())
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.engine.preparer.pool.size)
	for _, m := range s.pending {
		group.Go(func() error {
			return fault.Guard(func() error { return s.engine.preparer.prepare(ctx, m, s.render) })
		})
	}
	err := group.Wait()
	for _, m := range s.pending {
		s.decode += m.decode
		s.recallPixels(m)
	}
	return err
}

// recallPixels looks a prepared picture up in the cache.
func (s *imageSet) recallPixels(m *member) {
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

// submitter is a way to submit to the queue: Submit, SubmitWait or a place's.
type submitter func(ctx context.Context, images []batch.Image) ([][]float32, batch.Report, error)

// encode gives the needed members their embeddings by one submission, distinct
// pictures once. The needed ones must be without fault. It is called once.
func (s *imageSet) encode(ctx context.Context, submit submitter, needed []*member) error {
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
	embeddings, report, err := submit(ctx, images)
	if err != nil {
		return err
	}
	if len(images) > 0 {
		telemetry.Encode(ctx, submitted, report.Queue)
	}
	if err := checkEmbeddings(embeddings); err != nil {
		return err
	}
	if len(images) > 0 {
		s.engine.prove()
	}
	for _, m := range needed {
		if m.picture != nil {
			s.keep(m, embeddings[index[m.pixels]])
		}
	}
	s.encoded, s.report = len(images)-report.Shared, report
	return nil
}

// keep gives a member its embedding, and the cache too.
func (s *imageSet) keep(m *member, embedding []float32) {
	m.embedding, m.picture = embedding, nil
	s.engine.cache.Add(cache.Key(m.pixels), embedding)
	s.engine.cache.Link(cache.Key(m.digest), cache.Key(m.pixels))
}

// isFinite tells whether v is neither NaN nor an infinity.
func isFinite(v float32) bool {
	return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
}
