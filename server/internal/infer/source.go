package infer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"siamese/imaging"
	"siamese/server/cache"
	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
)

// Source is an image as its caller brought it: [Encoded], [Raw] or [Embedding].
type Source interface {
	digest() digest
}

// Encoded is the bytes of an image file.
type Encoded []byte

// Raw is pixels without a file around them.
type Raw imaging.Raw

// Embedding is what the encoder made of an image before.
type Embedding struct {
	Values      []float32 // float32 [E]
	ModelDigest string    // of the model that made it
}

// digest is a SHA-256 sum.
type digest [sha256.Size]byte

// What digests are of. Each begins what is hashed and none begins another, so that
// no file, however it is made, has the digest of raw pixels or of a picture. The
// number changes with what follows.
const (
	domainFile    = "siamese 1 file\n"
	domainRaw     = "siamese 1 raw pixels\n"
	domainPicture = "siamese 1 prepared picture\n"
	domainView    = "siamese 1 view of\n"
)

// digestOf hashes numbers, each of eight bytes, and then the bytes.
func digestOf(domain string, data []byte, numbers ...int) digest {
	h := sha256.New()
	h.Write([]byte(domain))
	for _, n := range numbers {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	h.Write(data)
	return digest(h.Sum(nil))
}

func (e Encoded) digest() digest { return digestOf(domainFile, e) }

// digest covers shape and layout too.
func (r Raw) digest() digest {
	return digestOf(domainRaw, r.Pixels, r.Width, r.Height, int(r.Channels))
}

// digest is never asked for: embeddings are not prepared and not shared.
func (e Embedding) digest() digest { return digest{} }

// Image is one distinct image of a request, on its way from what came to its
// embeddings.
type Image struct {
	source    Source       // Encoded or Raw; nil once no model has to prepare it any more
	digest    digest       // of source
	views     []View       // of the handle's models, in their order; nil where the image can't be used
	given     *View        // of views, the one whose embedding it came as; nil of a picture
	isVaried  bool         // whether it is encoded in several views
	choosing  bool         // whether further models are tried where it is foreign to the first
	isCounted bool         // among the images that metrics tell
	fault     *fault.Fault // why the image can't be used; names no field
}

// Refused returns an image that can't be used.
func Refused(f *fault.Fault) *Image { return &Image{fault: f} }

// Fault returns why the image can't be used, without a field; nil where it can.
func (m *Image) Fault() *fault.Fault { return m.fault }

// GivenBy returns the digest of the model whose embedding the image came as, empty for
// a picture.
func (m *Image) GivenBy() string {
	if m.given == nil {
		return ""
	}
	return m.given.engine.info.Digest
}

// Best returns the image as the model has it to which it is the most familiar, among
// those that may answer for it; the first of equals. The image must be without fault.
func (m *Image) Best() *View {
	if m.given != nil {
		return m.given
	}
	best := &m.views[m.firstWanted()]
	for i := range m.views {
		if v := &m.views[i]; v.isChoice && v.embedding != nil && v.familiarity > best.familiarity {
			best = v
		}
	}
	return best
}

// firstWanted is the first model that is asked to encode the image.
func (m *Image) firstWanted() int {
	return max(0, slices.IndexFunc(m.views, func(v View) bool { return v.wanted }))
}

// isForeign reports whether the image is foreign to all models that may answer for it.
func (m *Image) isForeign() bool {
	return !slices.ContainsFunc(m.views, func(v View) bool { return v.isChoice && v.embedding != nil && !v.IsForeign() })
}

// View is an image as one model has it. It does not change any more, and is safe for
// concurrent use, once [Images.Encode] has returned.
type View struct {
	engine      *engine
	wanted      bool             // whether the image is to be encoded by this model
	isChoice    bool             // whether pairs with other pictures may be answered by it
	picture     *imaging.Picture // nil until prepared and again once the embedding is there
	pixels      digest           // of picture
	png         []byte           // picture as a PNG file, where asked for
	thumbnail   []byte           // the whole image as a small JPEG file, where asked for
	embedding   []float32        // [E]; nil until encoded
	moved       []moved          // its further views, where several are asked for
	familiarity float32          // 0 where the model does not tell
	isAssessed  bool             // whether the model has told it
	decode      time.Duration    // from bytes to picture
	fault       *fault.Fault     // why the image can't be prepared; names no field
}

// Info describes the model.
func (v *View) Info() ModelInfo { return v.engine.info }

// PNG returns the picture as the network sees it, where ImagesConfig.KeepPrepared
// asks for it and the image did not come as an embedding.
func (v *View) PNG() []byte { return v.png }

// Thumbnail returns the whole image as a small JPEG file, where ImagesConfig.ThumbnailSide
// asks for it and the image did not come as an embedding.
func (v *View) Thumbnail() []byte { return v.thumbnail }

// Embedding returns float32 [E], nil until the image is encoded. It must not be
// changed.
func (v *View) Embedding() []float32 { return v.embedding }

// Familiarity returns how familiar the image is to the model, 0..1, and whether the
// model tells.
func (v *View) Familiarity() (value float32, isTold bool) {
	return v.familiarity, v.isAssessed
}

// IsForeign reports whether the image is less familiar to the model than its bound.
// It is not where the model does not tell.
func (v *View) IsForeign() bool {
	return v.isAssessed && v.familiarity < v.engine.info.Familiarity.Bound()
}

// take gives the view what the cache knows.
func (v *View) take(known cache.Known) {
	v.embedding = known.Embedding
	v.familiarity, v.isAssessed = known.Familiarity, v.engine.info.Familiarity != nil
}

// picturePixels is uint8 [H,W,3] RGB of the picture, nil where there is none.
func (v *View) picturePixels() []byte {
	if v.picture == nil {
		return nil
	}
	return v.picture.Pix
}

// assess fills in the familiarity once, when the embedding is there, while there are
// pixels too.
func (v *View) assess() error {
	of := v.engine.info.Familiarity
	if of == nil || v.embedding == nil || v.isAssessed {
		return nil
	}
	v.familiarity, v.isAssessed = of.Of(v.picturePixels(), v.embedding), true
	if !isFraction(v.familiarity) {
		return fmt.Errorf("model %q said %v of how familiar an image is to it, expected 0 to 1", v.engine.info.ServingName, v.familiarity)
	}
	return nil
}

// count counts an image by this model.
func (v *View) count(ctx context.Context) {
	if v.isAssessed {
		telemetry.Familiarity(ctx, v.engine.info.ServingName, v.IsForeign())
	}
}

// keep gives the view its embedding and its familiarity, and the model's cache too;
// source is the image's digest.
func (v *View) keep(source digest, embedding []float32) error {
	v.embedding = embedding
	err := v.assess()
	v.picture = nil
	if err != nil {
		return err
	}
	v.engine.cache.Add(cache.Key(v.pixels), cache.Known{Embedding: embedding, Familiarity: v.familiarity})
	v.engine.cache.Link(cache.Key(source), cache.Key(v.pixels))
	return nil
}

// thumbnailQuality is JPEG's: no flaw is seen in a small picture.
const thumbnailQuality = 85

// accept stores the prepared picture, its further views where several are asked for, and
// the thumbnail where there is one.
func (v *View) accept(picture, thumbnail *imaging.Picture, keepPrepared bool) (err error) {
	v.picture, v.pixels = picture, digestOf(domainPicture, picture.Pix)
	if err := v.move(); err != nil {
		return err
	}
	if thumbnail != nil {
		if v.thumbnail, err = thumbnail.JPEG(thumbnailQuality); err != nil {
			return err
		}
	}
	if keepPrepared {
		v.png, err = picture.PNG()
	}
	return err
}

// fail records what is wrong with the image and passes any other error on.
func (v *View) fail(err error) error {
	var refused *imaging.Error
	if errors.As(err, &refused) {
		v.fault = fault.Image(refused)
		return nil
	}
	return err
}

// unitTolerance is how far from 1 the length of an embedding may be that went to the
// caller and came back, as text too.
const unitTolerance = 1e-2

// checkGiven returns what is wrong with an embedding that a caller brought as one of
// this model's.
func (e *engine) checkGiven(values []float32) *fault.Fault {
	if len(values) != e.info.EmbeddingLength {
		return fault.EmbeddingLength(len(values), e.info.EmbeddingLength)
	}
	norm := 0.0
	for i, v := range values {
		if least, most := e.info.EmbeddingMin, e.info.EmbeddingMax; !isFinite(v) || most > 0 && (v < least || v > most) {
			return fault.EmbeddingValue(i, v, least, most)
		}
		norm += float64(v) * float64(v)
	}
	if norm = math.Sqrt(norm); e.info.EmbeddingUnit && math.Abs(norm-1) > unitTolerance {
		return fault.EmbeddingNorm(norm)
	}
	return nil
}
