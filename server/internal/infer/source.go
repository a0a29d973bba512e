package infer

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"siamese/imaging"
	"siamese/server/internal/fault"
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

// Image is one distinct image of a request, on its way from bytes to embedding.
type Image struct {
	source    Source           // Encoded or Raw; nil once prepared
	digest    digest           // of source
	picture   *imaging.Picture // nil until prepared and again once the embedding is there
	pixels    digest           // of picture
	png       []byte           // picture as a PNG file, where asked for
	embedding []float32        // [E]; nil until encoded
	decode    time.Duration    // from bytes to picture
	fault     *fault.Fault     // why the image can't be used; names no field
}

// Refused returns an image that can't be used.
func Refused(f *fault.Fault) *Image { return &Image{fault: f} }

// Fault returns why the image can't be used, without a field; nil where it can.
func (m *Image) Fault() *fault.Fault { return m.fault }

// PNG returns the picture as the network sees it, where ImagesConfig.KeepPrepared
// asks for it and the image did not come as an embedding.
func (m *Image) PNG() []byte { return m.png }

// Embedding returns float32 [E], nil until the image is encoded. It must not be
// changed.
func (m *Image) Embedding() []float32 { return m.embedding }

// given makes an image of an embedding that the caller brought, once it is shown
// to be one of this model's.
func (e *engine) given(brought Embedding) *Image {
	if brought.ModelDigest != e.info.Digest {
		return Refused(fault.ModelMismatch(brought.ModelDigest, e.info.Digest))
	}
	if len(brought.Values) != e.info.EmbeddingLength {
		return Refused(fault.EmbeddingLength(len(brought.Values), e.info.EmbeddingLength))
	}
	for i, v := range brought.Values {
		if least, most := e.info.EmbeddingMin, e.info.EmbeddingMax; !isFinite(v) || most > 0 && (v < least || v > most) {
			return Refused(fault.EmbeddingValue(i, v, least, most))
		}
	}
	return &Image{embedding: brought.Values}
}

// accept stores the prepared picture and lets go of the source.
func (m *Image) accept(picture *imaging.Picture, keepPrepared bool) error {
	m.source, m.picture, m.pixels = nil, picture, digestOf(domainPicture, picture.Pix)
	if !keepPrepared {
		return nil
	}
	png, err := picture.PNG()
	m.png = png
	return err
}
