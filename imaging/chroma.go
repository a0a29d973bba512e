package imaging

import "image"

// upsampler brings the chroma planes of one image to the resolution of its luma,
// row by row. Halved axes are interpolated by a triangle filter, three parts of
// the nearer sample to one of the next, with the rounding of libjpeg's "fancy"
// upsampling (jdsample.c): repeating samples, as image/color does, moved colours
// by 4 levels on average in pictures that are not scaled down.
// libwebp's filter is the same but for some last bits.
type upsampler struct {
	image         *image.YCbCr
	columns, rows int // of the chroma planes
	shiftX        int // horizontal subsampling as a power of two
	shiftY        int // vertical subsampling as a power of two
	smoothX       bool
	smoothY       bool
	cb, cr        []byte  // the results
	sums          []int32 // one row of chroma after the vertical step, in quarters, and its ends once more
}

// fewestSmooth is the width of a chroma plane from which libjpeg interpolates.
const fewestSmooth = 3

func newUpsampler(m *image.YCbCr) *upsampler {
	u := &upsampler{image: m}
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		u.shiftX = 1
	case image.YCbCrSubsampleRatio420:
		u.shiftX, u.shiftY = 1, 1
	case image.YCbCrSubsampleRatio440:
		u.shiftY = 1
	case image.YCbCrSubsampleRatio411:
		u.shiftX = 2
	case image.YCbCrSubsampleRatio410:
		u.shiftX, u.shiftY = 2, 1
	}
	u.columns = (m.Rect.Dx() + 1<<u.shiftX - 1) >> u.shiftX
	u.rows = (m.Rect.Dy() + 1<<u.shiftY - 1) >> u.shiftY
	u.smoothX = u.shiftX == 1 && u.columns >= fewestSmooth
	u.smoothY = u.shiftY == 1 && (u.shiftX == 0 || u.smoothX)
	if u.shiftX > 0 || u.smoothY {
		u.cb, u.cr = make([]byte, m.Rect.Dx()), make([]byte, m.Rect.Dx())
		u.sums = make([]int32, u.columns+2)
	}
	return u
}

// row returns the chroma of the pixels x0 to before x1 of row y, valid until the
// next call.
func (u *upsampler) row(y, x0, x1 int) (cb, cr []byte) {
	near := u.image.COffset(0, y)
	if u.shiftX == 0 && !u.smoothY {
		return u.image.Cb[near+x0 : near+x1], u.image.Cr[near+x0 : near+x1]
	}
	far := u.farRow(y)
	return u.plane(u.cb, u.image.Cb, near, far, y, x0, x1), u.plane(u.cr, u.image.Cr, near, far, y, x0, x1)
}

// farRow is the offset of the chroma row on the other side of row y: the one
// above for the upper of two rows, the one below for the lower.
func (u *upsampler) farRow(y int) int {
	row := y >> u.shiftY
	if u.smoothY {
		row += y&1*2 - 1
	}
	return min(max(row, 0), u.rows-1) * u.image.CStride
}

// plane upsamples one plane's part of a row into dst.
func (u *upsampler) plane(dst, plane []byte, near, far, y, x0, x1 int) []byte {
	dst = dst[:x1-x0]
	nearRow, farRow := plane[near:near+u.columns], plane[far:far+u.columns]
	switch {
	case u.smoothX:
		u.blendRows(nearRow, farRow, x0, x1)
		smoothColumns(dst, u.sums, x0, u.smoothY)
	case u.smoothY: // the columns are all there
		rounding := int32(1 + y&1)
		for i := range dst {
			dst[i] = byte((3*int32(nearRow[x0+i]) + int32(farRow[x0+i]) + rounding) >> 2)
		}
	default:
		for i := range dst {
			dst[i] = nearRow[(x0+i)>>u.shiftX]
		}
	}
	return dst
}

// blendRows fills the sums that the pixels x0 to before x1 need.
func (u *upsampler) blendRows(near, far []byte, x0, x1 int) {
	from, to := max(0, x0>>1-1), min(u.columns, (x1-1)>>1+2)
	sums, near, far := u.sums[from+1:to+1], near[from:to], far[from:to]
	for i := range sums {
		sums[i] = 3*int32(near[i]) + int32(far[i])
	}
	u.sums[from], u.sums[to+1] = sums[0], sums[len(sums)-1]
}

// smoothColumns interpolates between sums, each of which lies between two
// pixels; sums[1] belongs to the pixels 0 and 1. The roundings for even and odd
// pixels differ so that on average nothing is added.
func smoothColumns(dst []byte, sums []int32, x0 int, blended bool) {
	even, odd := int32(4), int32(8)
	if blended {
		even, odd = 8, 7
	}
	sums = sums[x0>>1:]
	if x0&1 == 1 {
		dst[0] = byte((3*sums[1] + sums[2] + odd) >> 4)
		dst, sums = dst[1:], sums[1:]
	}
	for len(dst) >= 2 && len(sums) >= 3 {
		center := 3 * sums[1]
		dst[0] = byte((center + sums[0] + even) >> 4)
		dst[1] = byte((center + sums[2] + odd) >> 4)
		dst, sums = dst[2:], sums[1:]
	}
	if len(dst) == 1 {
		dst[0] = byte((3*sums[1] + sums[0] + even) >> 4)
	}
}

// ycbcrTable holds the terms of a conversion to RGB in 16-bit fixed point, the
// rounding included: red = (y[Y] + redCr[Cr]) >> 16, and so on.
type ycbcrTable struct {
	y, redCr, greenCb, greenCr, blueCb [256]int32
}

var (
	fullRange    = newFullRange()
	limitedRange = newLimitedRange()
)

// tableOf returns the table for the levels that a decoder's planes have. Lossy WebP stores black as
// 16 and white as 235; its decoder hands the planes out unchanged, in a type
// whose own conversion would take them for JPEG's 0 and 255.
func tableOf(format Format) *ycbcrTable {
	if format == WebP {
		return limitedRange
	}
	return fullRange
}

// newFullRange is JFIF's conversion as libjpeg rounds it (jdcolor.c).
func newFullRange() *ycbcrTable {
	const rounding = 1 << 15
	t := new(ycbcrTable)
	for i := range int32(256) {
		chroma := i - 128
		t.y[i] = i << 16
		t.redCr[i] = 91881*chroma + rounding // 1.402
		t.greenCb[i] = -22554 * chroma       // 0.344136
		t.greenCr[i] = -46802*chroma + rounding
		t.blueCb[i] = 116130*chroma + rounding // 1.772
	}
	return t
}

// newLimitedRange is BT.601 as libwebp rounds it (src/dsp/yuv.h): terms in 6-bit
// fixed point, each cut off before the sum.
func newLimitedRange() *ycbcrTable {
	const toSixteen = 10
	t := new(ycbcrTable)
	for i := range int32(256) {
		t.y[i] = (i * 19077 >> 8) << toSixteen
		t.redCr[i] = (i*26149>>8 - 14234) << toSixteen
		t.greenCb[i] = -(i * 6419 >> 8) << toSixteen
		t.greenCr[i] = (8708 - i*13320>>8) << toSixteen
		t.blueCb[i] = (i*33050>>8 - 17685) << toSixteen
	}
	return t
}

// ycbcrRows reads planes of any subsampling.
func ycbcrRows(m *image.YCbCr, t *ycbcrTable) rowReader {
	chroma := newUpsampler(m)
	return func(dst []byte, y, x0, x1 int) {
		from := m.YOffset(x0, y)
		cb, cr := chroma.row(y, x0, x1)
		t.convert(dst, m.Y[from:from+x1-x0], cb, cr)
	}
}

// convert turns samples into pixels; dst holds three bytes for each of luma's.
func (t *ycbcrTable) convert(dst, luma, cb, cr []byte) {
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	for i, v := range luma {
		level, b, r := t.y[v], cb[i], cr[i]
		p := dst[i*3 : i*3+3]
		p[0] = clamp8((level + t.redCr[r]) >> 16)
		p[1] = clamp8((level + t.greenCb[b] + t.greenCr[r]) >> 16)
		p[2] = clamp8((level + t.blueCb[b]) >> 16)
	}
}
