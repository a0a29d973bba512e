package client

import siamesev1 "siamese/proto/siamese/v1"

// Image is a picture, or what stands for it. At most one field is set; where none is,
// the server refuses it with IMAGE_UNSET.
type Image struct {
	// Encoded is the content of an image file, such as a JPEG; ServerInfo tells which
	// kinds are read.
	Encoded []byte
	// Embedding stands for an image that the same model has embedded: nothing is
	// decoded or encoded.
	Embedding *Embedding
	// Raw is pixels that need no decoding.
	Raw *RawPixels
}

// RawPixels is an uncompressed picture.
type RawPixels struct {
	// Width and Height are columns and rows, at least 2 each.
	Width, Height uint32
	// Format is the layout of Data.
	Format PixelFormat
	// Data is the pixels row by row from the top left, without padding.
	Data []byte
}

// PixelFormat is the layout of raw pixels. The server refuses the zero value.
type PixelFormat int32

// Layouts of raw pixels: three bytes a pixel, red, green and blue; or one, 0 black to
// 255 white.
const (
	RGB8  = PixelFormat(siamesev1.PixelFormat_PIXEL_FORMAT_RGB8)
	Gray8 = PixelFormat(siamesev1.PixelFormat_PIXEL_FORMAT_GRAY8)
)

// encodedImage is an image file; an empty one where data is nil.
func encodedImage(data []byte) Image {
	if data == nil {
		data = []byte{}
	}
	return Image{Encoded: data}
}

func (i Image) proto() *siamesev1.Image {
	switch {
	case i.Embedding != nil:
		return &siamesev1.Image{Source: &siamesev1.Image_Embedding{Embedding: &siamesev1.Embedding{
			Values: i.Embedding.Values, ModelDigest: i.Embedding.ModelDigest,
		}}}
	case i.Raw != nil:
		return &siamesev1.Image{Source: &siamesev1.Image_Raw{Raw: &siamesev1.RawPixels{
			Width: i.Raw.Width, Height: i.Raw.Height, Format: siamesev1.PixelFormat(i.Raw.Format), Data: i.Raw.Data,
		}}}
	case i.Encoded != nil:
		return encoded(i.Encoded)
	default:
		return &siamesev1.Image{}
	}
}
