package imaging

import "image"

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
