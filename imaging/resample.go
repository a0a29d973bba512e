package imaging

import (
	"image"
	"math"
)

// Resizing as Pillow does it for 8-bit images (Pillow's src/libImaging/Resample.c):
// a horizontal pass rounded to 8 bits, then a vertical one, each a weighted sum
// over a window that grows with the scale, with weights in 22-bit fixed point.
// The order of the passes and the rounding between them show in the last bit.
// What the output's window does not need is skipped, which changes no result.

// weightBits is Pillow's PRECISION_BITS: 8 bits of sample and 2 of headroom
// are left of 32.
const weightBits = 22

// half rounds a sum of weighted samples.
const half = 1 << (weightBits - 1)

// matteGrey fills what a letterbox leaves open.
const matteGrey = 128

// filter is a resampling kernel and its radius, at a scale of one.
type filter struct {
	weight func(x float64) float64
	radius float64
}

var (
	bilinear = filter{weight: triangle, radius: 1}
	bicubic  = filter{weight: cubic, radius: 2}
)

func triangle(x float64) float64 {
	return max(0, 1-math.Abs(x))
}

// cubic is Keys' kernel with a = -1/2. The conversions forbid fused
// multiply-adds, which would give other weights on some processors.
func cubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64(float64(float64(float64(float64(x-5)*x)+8)*x)-4) * a
	}
	return 0
}

// tap is the weighted window of the source that makes one output sample.
type tap struct {
	first   int // index of the first source sample
	weights []int32
}

// stretch is an axis to scale: of size source samples, the part from start to end
// becomes outSize samples. Pillow calls the part a box.
type stretch struct {
	size       int
	start, end float64
	outSize    int
}

// axis computes the taps of output samples from to from+count. Nil taps stand
// for an unscaled axis.
func axis(s stretch, from, count int, f filter) []tap {
	if s.size == s.outSize && s.end-s.start == float64(s.size) {
		return nil
	}
	scale := (s.end - s.start) / float64(s.outSize)
	widening := max(1, scale)
	radius := f.radius * widening
	taps := make([]tap, count)
	raw := make([]float64, int(math.Ceil(radius))*2+1)
	weights := make([]int32, len(raw)*count)
	for i := range taps {
		center := s.start + float64((float64(from+i)+0.5)*scale)
		first := max(0, int(center-radius+0.5))
		last := min(s.size, int(center+radius+0.5))
		n := last - first
		window(raw[:n], first, center, 1/widening, f)
		quantize(weights[:n], raw[:n])
		taps[i] = tap{first: first, weights: weights[:n:n]}
		weights = weights[n:]
	}
	return taps
}

// window evaluates the kernel at the source samples from first on, to sum 1. The
// order of the operations is Pillow's: another one rounds differently.
func window(weights []float64, first int, center, step float64, f filter) {
	sum := 0.0
	for i := range weights {
		weights[i] = f.weight(float64((float64(first+i) - center + 0.5) * step))
		sum += weights[i]
	}
	if sum == 0 {
		return
	}
	for i := range weights {
		weights[i] /= sum
	}
}

// quantize rounds half away from zero, by addition and cut as Pillow does.
func quantize(weights []int32, exact []float64) {
	for i, w := range exact {
		weights[i] = int32(float64(w*(1<<weightBits)) + math.Copysign(0.5, w))
	}
}

// resample fills the picture from the source by the layout.
func resample(dst *Picture, source pixels, l layout, s *scratch) {
	columns, rows := l.axes(source)
	firstRow, lastRow := span(rows, l.top, l.height)
	narrow := squeeze(source, columns, l, firstRow, lastRow, s)

	l.matte(dst)
	stride := l.width * 3
	sums := grow(&s.sums, stride)
	for y := range l.height {
		at := ((l.y+y)*dst.Width + l.x) * 3
		out := dst.Pix[at : at+stride]
		if rows == nil {
			copy(out, narrow[y*stride:])
			continue
		}
		sumRows(sums, narrow[(rows[y].first-firstRow)*stride:], rows[y].weights)
		for i, sum := range sums {
			out[i] = clamp8(sum >> weightBits)
		}
	}
}

// axes computes the taps of the layout's window.
func (l layout) axes(source pixels) (columns, rows []tap) {
	columns = axis(stretch{source.width, source.area.left, source.area.right, l.scaledWidth}, l.left, l.width, l.filter)
	rows = axis(stretch{source.height, source.area.top, source.area.bottom, l.scaledHeight}, l.top, l.height, l.filter)
	return columns, rows
}

// matte fills the picture where the window leaves a part of it open.
func (l layout) matte(dst *Picture) {
	if l.width == dst.Width && l.height == dst.Height {
		return
	}
	for i := range dst.Pix {
		dst.Pix[i] = matteGrey
	}
}

// span returns which source samples, from first to before last, the taps need; an
// unscaled axis needs just those of the window.
func span(taps []tap, from, count int) (first, last int) {
	if taps == nil {
		return from, from + count
	}
	end := taps[len(taps)-1]
	return taps[0].first, end.first + len(end.weights)
}

// squeeze runs the horizontal pass over the source's rows from first to before
// last, into RGB rows of the layout's width.
func squeeze(source pixels, columns []tap, l layout, first, last int, s *scratch) []byte {
	stride := l.width * 3
	narrow := grow(&s.narrow, (last-first)*stride)
	left, right := span(columns, l.left, l.width)
	row := grow(&s.row, (right-left)*3)
	for y := first; y < last; y++ {
		out := narrow[(y-first)*stride:][:stride]
		if columns == nil {
			source.read(out, y, left, right)
			continue
		}
		source.read(row, y, left, right)
		for i, t := range columns {
			sumPixels(out[i*3:i*3+3], row[(t.first-left)*3:], t.weights)
		}
	}
	return narrow
}

// sumPixels makes one RGB pixel of neighbours in a row. This loop and sumRows
// are where resizing spends its time.
func sumPixels(out, row []byte, weights []int32) {
	r, g, b := int32(half), int32(half), int32(half)
	for len(weights) >= 2 && len(row) >= 6 { // two at a time: a fifth faster
		w, v := weights[0], weights[1]
		r += w*int32(row[0]) + v*int32(row[3])
		g += w*int32(row[1]) + v*int32(row[4])
		b += w*int32(row[2]) + v*int32(row[5])
		weights, row = weights[2:], row[6:]
	}
	if len(weights) == 1 {
		w := weights[0]
		r, g, b = r+w*int32(row[0]), g+w*int32(row[1]), b+w*int32(row[2])
	}
	out[0], out[1], out[2] = clamp8(r>>weightBits), clamp8(g>>weightBits), clamp8(b>>weightBits)
}

// sumRows adds up weighted rows, sample by sample.
func sumRows(sums []int32, rows []byte, weights []int32) {
	for i := range sums {
		sums[i] = half
	}
	for _, w := range weights {
		row := rows[:len(sums)]
		for i, v := range row {
			sums[i] += w * int32(v)
		}
		rows = rows[len(sums):]
	}
}

// clamp8 bounds v to 0..255.
func clamp8(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31)) // all ones where v is positive, zero where negative
	}
	return byte(v)
}

// Filter is one of Pillow's resampling kernels.
type Filter int

// The kernels that the network's original trainer uses. Both widen as a picture
// shrinks, so that no sample is left out.
const (
	Bilinear Filter = iota // a tent over 2 samples
	Bicubic                // Keys' cubic, a = -1/2, over 4 samples
)

// String names the kernel as Pillow does, in lower case.
func (f Filter) String() string {
	if f == Bicubic {
		return "bicubic"
	}
	return "bilinear"
}

func (f Filter) kernel() filter {
	if f == Bicubic {
		return bicubic
	}
	return bilinear
}

// Resize scales the whole picture to width by height pixels, equal to Pillow's
// Image.resize to the bit. The result is always a new picture, also where the
// size stays; p is not changed. A side below 1 counts as 1, and a picture
// without pixels gives black ones. Safe for concurrent use.
func (p *Picture) Resize(width, height int, f Filter) *Picture {
	resized := newPicture(max(1, width), max(1, height))
	if p.Width <= 0 || p.Height <= 0 {
		return resized
	}
	resample(resized, whole(p.Width, p.Height, rgbRows(p.Pix, p.Width)), layout{
		scaledWidth: resized.Width, scaledHeight: resized.Height, filter: f.kernel(),
		width: resized.Width, height: resized.Height,
	}, new(scratch))
	return resized
}

// Crop copies the box, in pixels from the top left corner. Of a box that reaches
// outside only the part inside is kept, which may be a picture of 0x0. p is not
// changed. Safe for concurrent use.
func (p *Picture) Crop(box image.Rectangle) *Picture {
	box = box.Intersect(image.Rect(0, 0, p.Width, p.Height))
	cut := newPicture(box.Dx(), box.Dy())
	stride := cut.Width * 3
	for y := range cut.Height {
		from := ((box.Min.Y+y)*p.Width + box.Min.X) * 3
		copy(cut.Pix[y*stride:(y+1)*stride], p.Pix[from:])
	}
	return cut
}

// scratch is the working memory of one resize, reused through a sync.Pool.
type scratch struct {
	row    []byte  // one row of the source, RGB
	narrow []byte  // the source's rows after the horizontal pass, RGB
	sums   []int32 // one row's sums in the vertical pass
	turned []byte  // the whole source, turned upright; only for rare orientations
	shrunk []byte  // the whole source as RGB, where the decoder shrinks

	// The same of sources of 16 bits a sample.
	deepRow, deepNarrow, deepTurned []uint16
	deepSums                        []int64
}

// maxPooledBytes is the size above which a buffer goes back to the collector: a
// pool would keep the memory of the largest image for every worker.
const maxPooledBytes = 4 << 20

// trim drops the buffers that are too large to keep.
func (s *scratch) trim() {
	for _, buffer := range []*[]byte{&s.row, &s.narrow, &s.turned, &s.shrunk} {
		if cap(*buffer) > maxPooledBytes {
			*buffer = nil
		}
	}
	for _, buffer := range []*[]uint16{&s.deepRow, &s.deepNarrow, &s.deepTurned} {
		if 2*cap(*buffer) > maxPooledBytes {
			*buffer = nil
		}
	}
}

// grow sets the buffer to n elements, of undefined content.
func grow[T any](buffer *[]T, n int) []T {
	if cap(*buffer) < n {
		*buffer = make([]T, n)
	}
	*buffer = (*buffer)[:n]
	return *buffer
}
