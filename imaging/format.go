package imaging

import (
	"bytes"
	"encoding/binary"
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
