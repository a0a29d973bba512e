package imaging

import "time"

// Cost is what preparing an image takes, told from its header and structure before
// a pixel is decoded.
type Cost struct {
	// Bytes bounds the memory beside the encoded bytes, in bytes: what decoder, turn
	// and resize take together, were none of it collected before the end.
	Bytes int64

	// Work is about how long one core of a server takes. It compares images with each
	// other; it is no promise of time.
	Work time.Duration
}

// Rates of the decoders on one core at 2.1 GHz, measured with BenchmarkCost. A sample
// is one number of one channel.
const (
	jpegSampleWork = 10 * time.Nanosecond  // entropy decoding and transform of a sample
	jpegVisitWork  = 3 * time.Nanosecond   // a scan's visit to a sample of a progressive JPEG
	byteWork       = 8 * time.Nanosecond   // a byte that is unpacked, filtered and stored
	webpWork       = 30 * time.Nanosecond  // a pixel of a lossy WebP
	losslessWork   = 150 * time.Nanosecond // a pixel of a lossless WebP with all transforms
	pixelWork      = 5 * time.Nanosecond   // a pixel that is resized
	blockWork      = 20 * time.Microsecond // a strip or tile of a TIFF, with what unpacks it
)

// fixedBytes is what a decoder takes besides pixels: tables, windows and buffers.
const fixedBytes = 1 << 20

func bytesCost(bytes int64) Cost {
	return Cost{Bytes: bytes, Work: time.Duration(bytes) * byteWork}
}

// fitCost adds what turning and resizing take.
func (p *Preparer) fitCost(decoding Cost, width, height int, turn orientation) Cost {
	pixels := int64(width) * int64(height)
	l := p.config.layout(turn.size(width, height))
	_, rows := turn.size(width, height)
	decoding.Bytes += fixedBytes + 3*int64(rows)*int64(l.width) + 3*int64(p.config.Width)*int64(p.config.Height)
	decoding.Work += time.Duration(pixels) * pixelWork
	if turn != upright {
		decoding.Bytes += 3 * pixels
		decoding.Work += time.Duration(pixels) * pixelWork
	}
	return decoding
}

func sum(a, b Cost) Cost { return Cost{Bytes: a.Bytes + b.Bytes, Work: a.Work + b.Work} }
