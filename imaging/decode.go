package imaging

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

// task is an image to decode. Its header has passed every limit.
type task struct {
	header Header
	data   []byte
	alpha  Alpha
	goOn   func() error // asked while it is decoded; nil: always goes on
	needed image.Point  // what the resize scales the image to, turned as it is stored
}

// run decodes the image. The pixels may lie in the scratch memory, and are valid
// until it is used for another image.
func (t task) run(s *scratch) (pixels, error) {
	from := newSource(t.data, t.header.Cost.Work, t.goOn)
	decoded, err := guard(t.header.Format, func() (pixels, error) {
		if t.header.Format == JPEG {
			if source, ok := t.shrinkJPEG(s); ok {
				return source, nil
			}
		}
		header := t.header
		decoded, err := decodeBody(header.Format, t.data, from)
		if err != nil {
			return pixels{}, err
		}
		// A GIF's frame may cover a part of its screen; the library keeps it inside.
		if size := decoded.Bounds().Size(); header.Format != GIF && size != image.Pt(header.Width, header.Height) {
			return pixels{}, fmt.Errorf("the header declares %dx%d pixels, the data of %dx%d", header.Width, header.Height, size.X, size.Y)
		}
		return pixelsOf(decoded, header, t.alpha)
	})
	if from.err != nil {
		return pixels{}, from.err // whatever the decoder has made of it
	}
	return decoded, err
}

func decodeBody(format Format, data []byte, from *source) (image.Image, error) {
	switch format {
	case JPEG:
		return jpeg.Decode(from)
	case PNG:
		return png.Decode(from)
	case GIF:
		// Stops behind the first frame, however many follow.
		return gif.Decode(from)
	case BMP:
		return bmp.Decode(from)
	case TIFF:
		return decodeTIFF(data, from)
	case WebP:
		return webp.Decode(from)
	}
	return nil, errors.New("no decoder for the format")
}

// checkBody refuses what would cost the decoder more than the image is worth.
func checkBody(header Header, data []byte) error {
	_, err := guard(header.Format, func() (struct{}, error) { return struct{}{}, bodyFault(header, data) })
	return err
}

func bodyFault(header Header, data []byte) error {
	switch header.Format {
	case PNG:
		return checkPNGLength(header, data)
	case BMP:
		return checkBMPLength(header, data)
	case TIFF:
		return checkBlocks(data)
	case WebP:
		return checkStill(data)
	}
	return nil
}

// maxScans bounds the passes of a JPEG. Encoders write 1 to about 20; libjpeg-turbo
// gives up beyond 500 (TJFLAG_LIMITSCANS), and browsers draw no more than the first
// few of a slow one. Each pass visits every block of its components but can be a few
// bytes long, so that without a bound a file of 7 MiB keeps a core busy for many
// minutes.
const maxScans = 64

// checkBMPLength holds the header against the bytes that are there: the decoder
// takes the memory for all pixels before it reads the first.
func checkBMPLength(header Header, data []byte) error {
	const offsetField, depthField = 10, 28
	if len(data) < depthField+2 {
		return errors.New("bmp: no whole header")
	}
	start := int64(binary.LittleEndian.Uint32(data[offsetField:]))
	depth := int64(binary.LittleEndian.Uint16(data[depthField:]))
	rowBytes := (int64(header.Width)*depth + 31) / 32 * 4
	if want := start + rowBytes*int64(header.Height); int64(len(data)) < want {
		return fmt.Errorf("bmp: %d bytes, %dx%d pixels of %d bits take %d", len(data), header.Width, header.Height, depth, want)
	}
	return nil
}

// deflateRatio is the most that deflate packs: 258 bytes into two codes of one
// bit.
const deflateRatio = 258 * 8 / 2

// checkPNGLength holds the header against the bytes that are there: the decoder
// takes the memory for all pixels before it unpacks the first.
func checkPNGLength(header Header, data []byte) error {
	ihdr := pngChunk(data, "IHDR")
	const depth, colour, fields = 8, 9, 13
	if len(ihdr) != fields {
		return fmt.Errorf("png: IHDR has %d bytes, expected %d", len(ihdr), fields)
	}
	// An unknown colour type counts as one sample: the decoder refuses it.
	samples := map[byte]int64{2: 3, 4: 2, 6: 4}[ihdr[colour]]
	bits := int64(ihdr[depth]) * max(samples, 1)
	want := int64(header.Height) * (int64(header.Width)*bits + 7) / 8
	if most := int64(len(data)) * deflateRatio; most < want {
		return fmt.Errorf("png: %d bytes unpack to at most %d, %dx%d pixels of %d bits take %d", len(data), most, header.Width, header.Height, bits, want)
	}
	return nil
}
