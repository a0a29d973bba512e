package imaging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"log/slog"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// Header is what an image's first bytes say before it is decoded.
type Header struct {
	Format        Format
	Width, Height int // pixels as stored, before any EXIF orientation; of a GIF the logical screen
}

// Pixels is Width·Height, the unit in which a memory budget can count.
func (h Header) Pixels() int {
	return h.Width * h.Height
}

// LogValue has format and size, never image data.
func (h Header) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("format", string(h.Format)),
		slog.Int("width", h.Width),
		slog.Int("height", h.Height),
	)
}

// readHeader reads the size from the same fields as the decoder will, so that
// limits checked here hold there.
func readHeader(format Format, data []byte) (Header, error) {
	size, err := guard(format, func() (image.Config, error) {
		switch format {
		case JPEG:
			return jpeg.DecodeConfig(bytes.NewReader(data))
		case PNG:
			return pngConfig(data)
		case GIF:
			return gif.DecodeConfig(bytes.NewReader(data))
		case BMP:
			return bmp.DecodeConfig(bytes.NewReader(data))
		case TIFF:
			return tiff.DecodeConfig(bytes.NewReader(data))
		case WebP:
			return webpConfig(data)
		}
		return image.Config{}, errors.New("no reader for the format")
	})
	if err != nil {
		return Header{}, err
	}
	return Header{Format: format, Width: size.Width, Height: size.Height}, nil
}

// guard runs a decoder and turns its errors, and its panics, into *Error.
//
// The decoders parse hostile input with little but slices between them and a
// run-time panic; one has to cost its own request alone, not the process.
func guard[T any](format Format, decode func() (T, error)) (result T, err error) {
	defer func() {
		if recover() != nil {
			err = undecodable(format, "the decoder gave up")
		}
	}()
	result, err = decode()
	if err != nil {
		return result, undecodable(format, err)
	}
	return result, nil
}

// pngConfig reads the size from IHDR alone. The library's DecodeConfig walks on
// to the palette and refuses a zero side with no size in its words.
func pngConfig(data []byte) (image.Config, error) {
	const ihdr = len(pngSignature) + 4 // behind the chunk's length
	if len(data) < ihdr+12 || string(data[ihdr:ihdr+4]) != "IHDR" {
		return image.Config{}, errors.New("png: the first chunk is not a whole IHDR")
	}
	return image.Config{
		Width:  int(binary.BigEndian.Uint32(data[ihdr+4:])),
		Height: int(binary.BigEndian.Uint32(data[ihdr+8:])),
	}, nil
}
