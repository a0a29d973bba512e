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
	jpegByteWork   = 15 * time.Nanosecond  // a byte of Huffman coding, which few pixels may have many of
	jpegVisitWork  = 3 * time.Nanosecond   // a scan's visit to a sample of a progressive JPEG
	byteWork       = 8 * time.Nanosecond   // a byte that is unpacked, filtered and stored
	webpWork       = 30 * time.Nanosecond  // a pixel of a lossy WebP
	losslessWork   = 150 * time.Nanosecond // a pixel of a lossless WebP with all transforms
	heifWork       = 150 * time.Nanosecond // a pixel of a HEIC or AVIF
	heifByteWork   = 100 * time.Nanosecond // a byte of its encoded data
	hevcStartWork  = 10 * time.Millisecond // an instance of HEIC's decoder
	av1StartWork   = 2 * time.Millisecond  // one of AVIF's
	hevcTileWork   = 1 * time.Millisecond  // a tile of HEIC, beside its pixels
	av1TileWork    = 1 * time.Millisecond  // one of AVIF
	pixelWork      = 5 * time.Nanosecond   // a pixel that is resized
	blockWork      = 20 * time.Microsecond // a strip or tile of a TIFF, with what unpacks it
	deepPixelWork  = 10 * time.Nanosecond  // a pixel of 16 bits a sample that is resized
	matrixWork     = 13 * time.Nanosecond  // a pixel that a profile's matrix turns into sRGB
	deepMatrixWork = 35 * time.Nanosecond  // the same of 16 bits a sample
	tableWork      = 115 * time.Nanosecond // a pixel that a profile's table turns into sRGB
)

// Memory that a profile takes: what it is unpacked and copied to for each of its bytes,
// and the tables that are made of it.
const (
	profileGrowth = 8
	profileTables = 512 << 10
)

// fixedBytes is what a decoder takes besides pixels: tables, windows and buffers.
const fixedBytes = 1 << 20

func bytesCost(bytes int64) Cost {
	return Cost{Bytes: bytes, Work: time.Duration(bytes) * byteWork}
}

// fitCost adds what profile, turn and resize take.
func (p *Preparer) fitCost(decoding Cost, width, height int, d details) Cost {
	pixels := int64(width) * int64(height)
	l := p.config.layout(d.turn.size(width, height))
	_, rows := d.turn.size(width, height)
	sample, visit := int64(1), pixelWork
	if d.deep {
		sample, visit = 2, deepPixelWork
	}
	decoding.Bytes += fixedBytes + sample*3*int64(rows)*int64(l.width) + 3*int64(p.config.Width)*int64(p.config.Height)
	decoding.Work += time.Duration(pixels) * visit
	if d.turn != upright {
		decoding.Bytes += sample * 3 * pixels
		decoding.Work += time.Duration(pixels) * visit
	}
	return sum(decoding, d.profileCost(pixels))
}

// profileCost is what a colour profile takes.
func (d details) profileCost(pixels int64) Cost {
	cost := Cost{Bytes: profileGrowth * int64(d.profile)}
	if d.colour == nil {
		return cost
	}
	each := matrixWork
	switch {
	case d.colour.ByTable():
		each = tableWork
	case d.deep:
		each = deepMatrixWork
	}
	cost.Bytes += profileTables
	cost.Work = time.Duration(pixels) * each
	return cost
}

func sum(a, b Cost) Cost { return Cost{Bytes: a.Bytes + b.Bytes, Work: a.Work + b.Work} }
