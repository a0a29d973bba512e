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
)

// digest is a SHA-256 sum.
type digest [sha256.Size]byte

// member is one distinct image of a call, on its way from bytes to embedding.
type member struct {
	source    *pb.Image        // encoded or raw; nil once prepared
	picture   *imaging.Picture // nil until prepared and again once encoded
	pixels    digest           // of picture
	png       []byte           // picture as a PNG file, where asked for
	embedding []float32        // [E]; nil until encoded
	decode    time.Duration    // from bytes to picture
	fault     *fault           // why the image can't be used; names no field
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
// bytes that came, then, when prepared, by their pixels. It belongs to one
// goroutine at a time.
type imageSet struct {
	engine   *engine
	render   bool // keep the prepared pictures as PNG files
	pending  []*member
	bySource map[digest]*member

	encoded int           // images that the encoder ran
	decode  time.Duration // summed over the images
	timing  batch.Timing
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
		return &member{fault: referenceOutsideStream()}
	default:
		return &member{fault: imageUnset()}
	}
}

// share returns the member with this digest, a new one where there is none.
func (s *imageSet) share(key digest, image *pb.Image) *member {
	if m, ok := s.bySource[key]; ok {
		return m
	}
	m := &member{source: image}
	s.bySource[key] = m
	s.pending = append(s.pending, m)
	return m
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
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.engine.preparer.pool.size)
	for _, m := range s.pending {
		group.Go(func() error {
			return guard(func() error { return s.engine.preparer.prepare(ctx, m, s.render) })
		})
	}
	err := group.Wait()
	for _, m := range s.pending {
		s.decode += m.decode
	}
	return err
}

// submitter is batch.Queue's Submit or SubmitWait.
type submitter func(ctx context.Context, images [][]byte) ([][]float32, batch.Timing, error)

// encode gives the needed members their embeddings by one submission, distinct
// pictures once. The needed ones must be without fault. It is called once.
func (s *imageSet) encode(ctx context.Context, submit submitter, needed []*member) error {
	var images [][]byte
	index := make(map[digest]int)
	for _, m := range needed {
		if m.picture == nil {
			continue // came as an embedding
		}
		if _, ok := index[m.pixels]; !ok {
			index[m.pixels] = len(images)
			images = append(images, m.picture.Pix)
		}
	}
	embeddings, timing, err := submit(ctx, images)
	if err != nil {
		return err
	}
	if err := checkEmbeddings(embeddings); err != nil {
		return err
	}
	for _, m := range needed {
		if m.picture != nil {
			m.embedding, m.picture = embeddings[index[m.pixels]], nil
		}
	}
	s.encoded, s.timing = len(images), timing
	return nil
}

// isFinite tells whether v is neither NaN nor an infinity.
func isFinite(v float32) bool {
	return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
}
