package siamese

import (
	"fmt"

	"siamese/imaging"
	"siamese/internal/regular"
)

// Image is an image to compare, made by File, Bytes, Prepared or Embedded. The
// zero Image holds nothing and is refused as empty. It is safe for concurrent use.
type Image struct {
	path      string // of a file; read when the image is used
	encoded   []byte
	picture   *imaging.Picture
	embedding []float32
	moved     [][]float32  // embeddings of its further views
	known     *Familiarity // of an embedding, where more than that was seen
}

// File is the image in a file: JPEG, PNG, WebP, GIF (first frame), BMP or TIFF. The
// file is read each time the image is used.
func File(path string) Image { return Image{path: path} }

// Bytes is an encoded image of the formats of File. The bytes stay the caller's and
// must not change while the image is used.
func Bytes(encoded []byte) Image { return Image{encoded: encoded} }

// Prepared is an image as the network sees it, from Model.Prepare or imaging. The
// picture must not change while the image is used.
func Prepared(picture *imaging.Picture) Image { return Image{picture: picture} }

// Embedded is an image that was encoded before, by Model.Embed of a model with the
// same Digest. The embedding must not change while the image is used.
func Embedded(embedding []float32) Image { return Image{embedding: embedding} }

// ImageError says which image of a call can't be used, and why.
type ImageError struct {
	// Index is the image's place in the call, from 0; in Ranking.Failed that among
	// the candidates.
	Index int
	// Err is an *imaging.Error, what reading the file returned, or says which sizes
	// don't fit the model.
	Err error
}

// Error implements error.
func (e *ImageError) Error() string { return fmt.Sprintf("image %d: %v", e.Index, e.Err) }

// Unwrap returns Err.
func (e *ImageError) Unwrap() error { return e.Err }

// Prepare decodes an image and fits it to the model's input: RGB, 8 bits. The caller
// owns the picture. An embedded image has none and is refused. Errors are
// *ImageError.
func (m *Model) Prepare(image Image) (*imaging.Picture, error) {
	prepared, err := m.prepareAll(image)
	if err != nil {
		return nil, err
	}
	if prepared[0].picture == nil {
		return nil, &ImageError{Err: fmt.Errorf("received an embedding, expected an image")}
	}
	return prepared[0].picture, nil
}

// PrepareWithThumbnail is Prepare of an encoded image that also returns the whole image,
// upright, with its longer side scaled down to side pixels, at least 1; a smaller image
// keeps its size. It is decoded once. The caller owns both pictures.
func (m *Model) PrepareWithThumbnail(encoded []byte, side int) (picture, thumbnail *imaging.Picture, err error) {
	if picture, thumbnail, err = m.preparer.PrepareWithThumbnail(encoded, side, nil); err != nil {
		return nil, nil, &ImageError{Err: err}
	}
	return picture, thumbnail, nil
}

// prepareAll returns the images with their pictures or embeddings, whose sizes fit.
func (m *Model) prepareAll(images ...Image) ([]Image, error) {
	prepared := make([]Image, len(images))
	for i, image := range images {
		var err error
		if prepared[i], err = m.prepare(image); err != nil {
			return nil, &ImageError{Index: i, Err: err}
		}
	}
	return prepared, nil
}

func (m *Model) prepare(image Image) (Image, error) {
	switch {
	case image.embedding != nil:
		if got, want := len(image.embedding), m.EmbeddingLength(); got != want {
			return Image{}, fmt.Errorf("received an embedding of %d values, expected %d", got, want)
		}
		if err := m.network.CheckEmbedding(image.embedding); err != nil {
			return Image{}, err
		}
		return image, nil
	case image.picture != nil:
		p, config := image.picture, m.preparer.Config()
		if p.Width != config.Width || p.Height != config.Height || len(p.Pix) != 3*p.Width*p.Height {
			return Image{}, fmt.Errorf("received a picture of %d×%d with %d bytes, expected %d×%d, 3 bytes a pixel", p.Width, p.Height, len(p.Pix), config.Width, config.Height)
		}
		return image, nil
	}
	encoded := image.encoded
	if image.path != "" {
		var err error
		if encoded, err = regular.Read(image.path, int64(m.preparer.Config().Limits.MaxBytes)); err != nil {
			return Image{}, err
		}
	}
	picture, err := m.preparer.Prepare(encoded)
	return Image{picture: picture}, err
}
