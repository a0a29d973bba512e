// Package icc turns pixels that a colour profile describes into sRGB, as an ICC engine
// does by relative colorimetric intent without black point compensation: device values →
// linear light → XYZ under D50 → linear sRGB, cut off at its gamut → sRGB.
//
// It reads RGB and gray profiles of versions 2 and 4: by matrix and curves, by gray
// curve, and by table (AToB1 or AToB0 of types mft1, mft2 and mAB). CMYK and Lab
// pixels, device links and named colours are refused.
//
// Profiles come from strangers: nothing is allocated by what one claims, only by what
// it has, and a profile is read once, into tables.
package icc

import "sync"

// Transform turns pixels into sRGB. It is never changed, and safe for concurrent use.
type Transform struct {
	gray    bool
	convert converter

	// table is what becomes of each gray level, where the profile is one of gray pixels.
	table *[256][3]byte

	// curves and matrix are of a profile by matrix.
	curves [3]curve
	levels *[3][256]float32 // the curves at 8 bits
	fine   func() *[3]ramp  // the curves at 16 bits, made when they are asked for
	matrix matrix           // from linear device light to linear sRGB
	byLUT  bool
}

// converter is the whole way from device values of 0 to 1 to linear sRGB, exactly.
type converter func(r, g, b float32) (red, green, blue float32)

// New reads a profile. It returns nil without an error where the profile is sRGB itself,
// or so close that no level of 8 bits moves by more than one.
func New(profile []byte) (*Transform, error) {
	p, err := read(profile)
	if err != nil {
		return nil, err
	}
	t, err := p.transform()
	if err != nil {
		return nil, err
	}
	t.prepare()
	if t.isIdentity() {
		return nil, nil
	}
	return t, nil
}

// Gray reports whether the profile is one of gray pixels.
func (t *Transform) Gray() bool { return t.gray }

// ByTable reports whether the profile is a table, which takes several times as long as
// a matrix.
func (t *Transform) ByTable() bool { return t.byLUT && !t.gray }

// prepare works out what rows are turned by.
func (t *Transform) prepare() {
	switch {
	case t.gray:
		t.table = new([256][3]byte)
		for i := range t.table {
			r, g, b := t.convert(float32(i)/255, 0, 0)
			t.table[i] = [3]byte{encode8(r), encode8(g), encode8(b)}
		}
	case !t.byLUT:
		t.levels = new([3][256]float32)
		for c, curve := range t.curves {
			for i := range t.levels[c] {
				t.levels[c][i] = float32(curve.at(float64(i) / 255))
			}
		}
		t.fine = sync.OnceValue(func() *[3]ramp {
			return &[3]ramp{newRamp(t.curves[0].at), newRamp(t.curves[1].at), newRamp(t.curves[2].at)}
		})
	}
}

// Apply8 turns RGB pixels of 8 bits, three bytes each, in place. Of a gray profile the
// first of three equal samples counts.
func (t *Transform) Apply8(pix []byte) {
	switch {
	case t.gray:
		for len(pix) >= 3 {
			copy(pix[:3], t.table[pix[0]][:])
			pix = pix[3:]
		}
	case t.byLUT:
		t.applyTable8(pix)
	default:
		t.applyMatrix8(pix)
	}
}

// applyMatrix8 is where most pictures with a profile spend its time.
func (t *Transform) applyMatrix8(pix []byte) {
	m, levels, out := t.matrix, t.levels, srgb8()
	for len(pix) >= 3 {
		r, g, b := levels[0][pix[0]], levels[1][pix[1]], levels[2][pix[2]]
		pix[0] = out[step(m[0][0]*r+m[0][1]*g+m[0][2]*b, steps8)]
		pix[1] = out[step(m[1][0]*r+m[1][1]*g+m[1][2]*b, steps8)]
		pix[2] = out[step(m[2][0]*r+m[2][1]*g+m[2][2]*b, steps8)]
		pix = pix[3:]
	}
}

// applyTable8 turns a run of equal pixels once.
func (t *Transform) applyTable8(pix []byte) {
	const full = 1.0 / 255
	var last, turned [3]byte
	known := false
	for len(pix) >= 3 {
		if p := [3]byte(pix); !known || p != last {
			r, g, b := t.convert(float32(p[0])*full, float32(p[1])*full, float32(p[2])*full)
			last, turned, known = p, [3]byte{encode8(r), encode8(g), encode8(b)}, true
		}
		copy(pix[:3], turned[:])
		pix = pix[3:]
	}
}

// Apply16 is Apply8 for samples of 16 bits.
func (t *Transform) Apply16(pix []uint16) {
	if !t.gray && !t.byLUT {
		t.applyMatrix16(pix)
		return
	}
	const full = 1.0 / 65535
	var last, turned [3]uint16
	known := false
	for len(pix) >= 3 {
		if p := [3]uint16(pix); !known || p != last {
			r, g, b := t.convert(float32(p[0])*full, float32(p[1])*full, float32(p[2])*full)
			last, turned, known = p, [3]uint16{encode16(r), encode16(g), encode16(b)}, true
		}
		copy(pix[:3], turned[:])
		pix = pix[3:]
	}
}

func (t *Transform) applyMatrix16(pix []uint16) {
	m, fine := t.matrix, t.fine()
	for len(pix) >= 3 {
		r, g, b := fine[0].at(pix[0]), fine[1].at(pix[1]), fine[2].at(pix[2])
		pix[0] = encode16(m[0][0]*r + m[0][1]*g + m[0][2]*b)
		pix[1] = encode16(m[1][0]*r + m[1][1]*g + m[1][2]*b)
		pix[2] = encode16(m[2][0]*r + m[2][1]*g + m[2][2]*b)
		pix = pix[3:]
	}
}

// Probes of isIdentity: levels of each channel, and how far one may move.
const (
	probeStep      = 15 // 18 levels a channel, 0 and 255 among them
	srgbDifference = 1
)

// isIdentity reports whether pixels stay what they are.
func (t *Transform) isIdentity() bool {
	probes := make([]byte, 0, 3*256)
	for i := range 256 {
		probes = append(probes, byte(i), byte(i), byte(i))
	}
	if !t.keeps(probes) {
		return false
	}
	for r := 0; r < 256 && !t.gray; r += probeStep {
		probes = probes[:0]
		for g := 0; g < 256; g += probeStep {
			for b := 0; b < 256; b += probeStep {
				probes = append(probes, byte(r), byte(g), byte(b))
			}
		}
		if !t.keeps(probes) {
			return false
		}
	}
	return true
}

func (t *Transform) keeps(pix []byte) bool {
	turned := append([]byte(nil), pix...)
	t.Apply8(turned)
	for i, v := range turned {
		if diff := int(v) - int(pix[i]); diff > srgbDifference || diff < -srgbDifference {
			return false
		}
	}
	return true
}
