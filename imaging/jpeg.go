package imaging

import (
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"time"

	"siamese/imaging/internal/jpegfile"
	"siamese/imaging/sandbox"
)

// Rates of libjpeg in the sandbox, as those of cost.go.
const (
	libjpegSampleWork  = 15 * time.Nanosecond
	libjpegVisitWork   = 4 * time.Nanosecond
	arithmeticByteWork = 240 * time.Nanosecond // a byte of arithmetic coding
	sandboxWork        = 5 * time.Millisecond  // an instance: its memory and its module
)

// jpegConfig reads the size from the frame's head: the same bytes for both ways of
// decoding.
func jpegConfig(data []byte) (image.Config, error) {
	f := jpegfile.Read(data)
	switch {
	case f.Refused != "":
		return image.Config{}, fmt.Errorf("%s, expected a baseline or progressive one of 8 bits a sample", f.Refused)
	case f.Components == 0:
		return image.Config{}, errors.New("no head of a frame, expected one")
	case f.Width == 0 || f.Height == 0:
		return image.Config{}, fmt.Errorf("a frame of %dx%d, expected a size", f.Width, f.Height)
	}
	return image.Config{Width: int(f.Width), Height: int(f.Height)}, nil
}

// decodeJPEG leaves to libjpeg what the standard library is known not to take, or to
// get wrong.
func decodeJPEG(t task, from *source) (image.Image, error) {
	if f := jpegfile.Read(t.data); f.NeedsLibjpeg() {
		return byLibjpeg(f, t, from)
	}
	return jpeg.Decode(from)
}

// secondJPEG decodes by libjpeg in the sandbox what decodeJPEG refuses.
func secondJPEG(t task, from *source) (image.Image, error) {
	return byLibjpeg(jpegfile.Read(t.data), t, from)
}

func byLibjpeg(f jpegfile.Frame, t task, from *source) (image.Image, error) {
	return sandbox.JPEG.Decode(sandbox.Job{Data: t.data, Memory: libjpegBytes(f, len(t.data)), GoOn: from.ask})
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
	f := jpegfile.Read(data)
	if f.Scans > maxScans {
		return Cost{}, undecodable(JPEG, fmt.Sprintf("more than %d scans", maxScans))
	}
	if !f.Complete && !f.Progressive && !f.Arithmetic && int64(len(data)) < f.Samples/blockSamples*blockBits/8 {
		return Cost{}, undecodable(JPEG, fmt.Sprintf("%d bytes end before the last of %d blocks", len(data), f.Samples/blockSamples))
	}
	if f.NeedsLibjpeg() {
		return libjpegCost(f, len(data)), nil
	}
	cost := Cost{Bytes: f.Samples + shrunkBytes*f.Pixels(), Work: time.Duration(f.Samples)*jpegSampleWork + time.Duration(len(data))*jpegByteWork}
	if f.Progressive {
		cost.Bytes += 4 * f.Samples
		cost.Work += time.Duration(f.Visited) * jpegVisitWork
	}
	if f.Components == 4 || f.Components == 3 && f.IsRGBInGo() {
		cost.Bytes += 4 * f.Pixels()
		cost.Work += time.Duration(f.Pixels()) * pixelWork
	}
	return cost, nil
}

// libjpegCost counts what an instance takes.
func libjpegCost(f jpegfile.Frame, encoded int) Cost {
	each := jpegByteWork
	if f.Arithmetic {
		each = arithmeticByteWork
	}
	work := sandboxWork + time.Duration(f.Samples)*libjpegSampleWork + time.Duration(f.Visited)*libjpegVisitWork
	return Cost{Bytes: libjpegBytes(f, encoded), Work: work + time.Duration(encoded)*each}
}

// libjpegBytes is the memory of an instance: encoded bytes, pixels, the coefficients
// of an image of several scans, two bytes each, and the rows that are under way in all
// stages. Its malloc rounds up to powers of two.
func libjpegBytes(f jpegfile.Frame, encoded int) int64 {
	const rest, stages, rows, rounding = 2 << 20, 4, 8, 2
	bytes := rest + int64(encoded) + 4*f.Pixels()
	if f.Progressive || f.Partial {
		bytes += rounding * 2 * f.Samples
	}
	wide := int64(f.Components) * (f.Width + 64)
	return bytes + rounding*stages*rows*wide*max(slices.Max(f.Down[:]), 1)
}
