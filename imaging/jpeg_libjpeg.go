package imaging

import (
	"image"
	"slices"
	"time"

	"siamese/imaging/sandbox"
)

// Rates of libjpeg in the sandbox, as those of cost.go.
const (
	libjpegSampleWork  = 15 * time.Nanosecond
	libjpegVisitWork   = 4 * time.Nanosecond
	arithmeticByteWork = 240 * time.Nanosecond // a byte of arithmetic coding
	sandboxWork        = 5 * time.Millisecond  // an instance: its memory and its module
)

// needsLibjpeg reports whether an image goes to libjpeg straight: the standard library
// does not take it, or takes it for another picture than libjpeg does.
func (f *jpegFrame) needsLibjpeg() bool {
	switch {
	case f.arithmetic, !f.huffman, !f.complete:
		return true
	case f.components == 3 && f.isRGBInGo() != f.isRGB(), f.components == 4 && !f.adobe:
		return true
	case f.progressive && f.late: // the standard library takes the last tables for all
		return true
	case f.hasRepeatedIDs(), f.lacksTable():
		return true
	}
	return f.components > 1 && f.hasOddSampling()
}

// isRGBInGo reports whether the standard library takes three components for RGB.
func (f *jpegFrame) isRGBInGo() bool {
	return !f.lastJFIF && (f.adobe && f.transform == 0 || string(f.ids[:3]) == "RGB")
}

// isRGB reports whether libjpeg does.
func (f *jpegFrame) isRGB() bool {
	if f.jfif {
		return false
	}
	if f.adobe {
		return f.transform == 0
	}
	return string(f.ids[:3]) == "RGB"
}

func (f *jpegFrame) hasRepeatedIDs() bool {
	for i, id := range f.ids[:f.components] {
		if slices.Contains(f.ids[:i], id) {
			return true
		}
	}
	return false
}

// lacksTable reports whether a component has no table of quantization. The standard
// library multiplies by zero then.
func (f *jpegFrame) lacksTable() bool {
	for _, table := range f.table[:f.components] {
		if table > 7 || f.tables&(1<<table) == 0 {
			return true
		}
	}
	return false
}

// hasOddSampling reports whether the components are sampled in a way that the standard
// library does not take, or miscounts: it takes chroma of the same factors that divide
// luma's, luma of 1, 2 or 4 blocks across and 1 or 2 down. Where the components are no
// YCbCr it repeats samples between which libjpeg interpolates. In a scan of one component it counts blocks right where that has all
// samples or a single block of the unit, and restart intervals where the unit is a
// single block.
func (f *jpegFrame) hasOddSampling() bool {
	h, v := f.across, f.down
	if h[1] != h[2] || v[1] != v[2] || h[1] == 0 || v[1] == 0 {
		return true
	}
	sampling := [2]int64{h[0] / h[1], v[0] / v[1]}
	if h[0]%h[1] != 0 || v[0]%v[1] != 0 || !slices.Contains([][2]int64{{1, 1}, {1, 2}, {2, 1}, {2, 2}, {4, 1}, {4, 2}}, sampling) {
		return true
	}
	whole := h[0] == 1 && v[0] == 1
	if !whole && (f.components == 4 || f.isRGB()) || f.components == 4 && (h[3] != 1 || v[3] != 1) {
		return true
	}
	return !whole && f.restart && f.single || f.single && (h[1] > 1 || v[1] > 1)
}

// libjpegCost counts what an instance takes.
func (f *jpegFrame) libjpegCost(encoded int) Cost {
	each := jpegByteWork
	if f.arithmetic {
		each = arithmeticByteWork
	}
	work := sandboxWork + time.Duration(f.all)*libjpegSampleWork + time.Duration(f.visited)*libjpegVisitWork
	return Cost{Bytes: f.libjpegBytes(encoded), Work: work + time.Duration(encoded)*each}
}

// libjpegBytes is the memory of an instance: encoded bytes, pixels, the coefficients
// of an image of several scans, two bytes each, and the rows that are under way in all
// stages. Its malloc rounds up to powers of two.
func (f *jpegFrame) libjpegBytes(encoded int) int64 {
	const rest, stages, rows, rounding = 2 << 20, 4, 8, 2
	bytes := rest + int64(encoded) + 4*f.pixels()
	if f.progressive || f.partial {
		bytes += rounding * 2 * f.all
	}
	wide := int64(f.components) * (f.width + 64)
	return bytes + rounding*stages*rows*wide*max(slices.Max(f.down[:]), 1)
}

func (f *jpegFrame) byLibjpeg(t task, from *source) (image.Image, error) {
	return sandbox.JPEG.Decode(sandbox.Job{Data: t.data, Memory: f.libjpegBytes(len(t.data)), GoOn: from.ask})
}
