package imaging

import (
	"bytes"
	"encoding/binary"
	"image"
	"log/slog"
	"slices"
	"strings"
)

// Format is an encoding of images, detected by the first bytes alone: file names
// and content types are never consulted.
type Format string

// The formats that Prepare reads.
const (
	JPEG Format = "jpeg" // baseline and progressive; gray, YCbCr, RGB, CMYK, YCCK; 8 bits
	PNG  Format = "png"  // all colour types and depths; of an animation the default image
	GIF  Format = "gif"  // the first frame, placed on the logical screen
	BMP  Format = "bmp"  // uncompressed, 1 to 8, 24 and 32 bits a pixel
	TIFF Format = "tiff" // the first page; gray, palette, RGB and RGBA of 1, 8 or 16 bits
	WebP Format = "webp" // lossy and lossless stills; animations are refused
)

// Formats lists every Format that Prepare reads. The caller owns the slice.
func Formats() []Format {
	return []Format{JPEG, PNG, GIF, BMP, TIFF, WebP}
}

// sniffLength is how many bytes sniff looks at.
const sniffLength = 18

// sniff detects the format by magic bytes. The registry of the image package is
// not used: what it knows depends on what else is linked into the program.
func sniff(data []byte) (Format, error) {
	head := data[:min(len(data), sniffLength)]
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return JPEG, nil
	case bytes.HasPrefix(head, []byte(pngSignature)):
		return PNG, nil
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		return GIF, nil
	case bytes.HasPrefix(head, []byte("II*\x00")), bytes.HasPrefix(head, []byte("MM\x00*")):
		return TIFF, nil
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return WebP, nil
	case isBMP(head):
		return BMP, nil
	}
	return "", refuse(ReasonFormatUnknown, "received data that starts with %q, expected one of %s",
		head[:min(len(head), 8)], formatNames())
}

// isBMP also asks for a known size of the second header, since "BM" alone
// starts ordinary text too.
func isBMP(head []byte) bool {
	if len(head) < sniffLength || string(head[:2]) != "BM" {
		return false
	}
	known := []uint32{12, 40, 52, 56, 64, 108, 124}
	return slices.Contains(known, binary.LittleEndian.Uint32(head[14:18]))
}

func formatNames() string {
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// Header is what an image's first bytes say before it is decoded.
type Header struct {
	Format        Format
	Width, Height int  // pixels as stored, before any EXIF orientation; of a GIF the logical screen
	Cost          Cost // of preparing it
}

// Pixels is Width·Height.
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
		return codecOf(format).config(data)
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
