package imaging

import (
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"time"
)

// jpegConfig reads the size from the frame's head: the same bytes for both ways of
// decoding.
func jpegConfig(data []byte) (image.Config, error) {
	f := readJPEG(data)
	switch {
	case f.refused != "":
		return image.Config{}, fmt.Errorf("%s, expected a baseline or progressive one of 8 bits a sample", f.refused)
	case f.components == 0:
		return image.Config{}, errors.New("no head of a frame, expected one")
	case f.width == 0 || f.height == 0:
		return image.Config{}, fmt.Errorf("a frame of %dx%d, expected a size", f.width, f.height)
	}
	return image.Config{Width: int(f.width), Height: int(f.height)}, nil
}

// decodeJPEG leaves to libjpeg what the standard library is known not to take, or to
// get wrong.
func decodeJPEG(t task, from *source) (image.Image, error) {
	if f := readJPEG(t.data); f.needsLibjpeg() {
		return secondJPEG(t, from)
	}
	return jpeg.Decode(from)
}

// secondJPEG decodes by libjpeg in the sandbox.
func secondJPEG(t task, from *source) (image.Image, error) {
	f := readJPEG(t.data)
	return f.byLibjpeg(t, from)
}

// maxScans bounds the passes of a JPEG. Encoders write 1 to about 20; libjpeg-turbo
// gives up beyond 500 (TJFLAG_LIMITSCANS), and browsers draw no more than the first
// few of a slow one. Each pass visits every block of its components but can be a few
// bytes long, so that without a bound a file of 7 MiB keeps a core busy for many
// minutes.
const maxScans = 64

// A block of a sequential JPEG takes two Huffman codes, of a bit each, at least.
const (
	blockSamples = 64
	blockBits    = 2
)

// jpegCost counts the planes of the decoded image, the coefficients of a progressive
// one, four bytes each until the last scan, and the copy in other colours.
func jpegCost(_ Header, data []byte) (Cost, error) {
	f := readJPEG(data)
	if f.scans > maxScans {
		return Cost{}, undecodable(JPEG, fmt.Sprintf("more than %d scans", maxScans))
	}
	if !f.complete && !f.progressive && !f.arithmetic && int64(len(data)) < f.all/blockSamples*blockBits/8 {
		return Cost{}, undecodable(JPEG, fmt.Sprintf("%d bytes end before the last of %d blocks", len(data), f.all/blockSamples))
	}
	if f.needsLibjpeg() {
		return f.libjpegCost(len(data)), nil
	}
	cost := Cost{Bytes: f.all + shrunkBytes*f.pixels(), Work: time.Duration(f.all)*jpegSampleWork + time.Duration(len(data))*jpegByteWork}
	if f.progressive {
		cost.Bytes += 4 * f.all
		cost.Work += time.Duration(f.visited) * jpegVisitWork
	}
	if f.components == 4 || f.components == 3 && f.isRGBInGo() {
		cost.Bytes += 4 * f.pixels()
		cost.Work += time.Duration(f.pixels()) * pixelWork
	}
	return cost, nil
}
