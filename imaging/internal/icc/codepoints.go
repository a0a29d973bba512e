package icc

// Numbers of ITU-T H.273 that have a meaning here.
const (
	primaries709  = 1
	primaries2020 = 9
	primariesP3   = 12

	transferGamma22 = 4
	transferGamma28 = 5
	transferLinear  = 8
	transferSRGB    = 13
)

// FromCodePoints returns the transform of colours that are told by the numbers of ITU-T
// H.273 for primaries and transfer function. It returns nil where they are sRGB's, where
// the primaries are unknown or as close to sRGB's as those of old television, and for
// high dynamic range, which is shown as it is stored. The curves of video (1, 6, 14
// and 15) count as sRGB's, as browsers show them.
func FromCodePoints(primary, transfer byte) *Transform {
	var gamut primaries
	switch primary {
	case primaries709:
		gamut = primaries{0.64, 0.33, 0.30, 0.60, 0.15, 0.06, d65x, d65y}
	case primaries2020:
		gamut = primaries{0.708, 0.292, 0.170, 0.797, 0.131, 0.046, d65x, d65y}
	case primariesP3:
		gamut = primaries{0.680, 0.320, 0.265, 0.690, 0.150, 0.060, d65x, d65y}
	default:
		return nil
	}
	var c curve
	switch transfer {
	case 1, 6, transferSRGB, 14, 15:
		c = curve{form: 3, n: [7]float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045}}
	case transferGamma22:
		c.n[0] = 2.2
	case transferGamma28:
		c.n[0] = 2.8
	case transferLinear:
		c = identity
	default:
		return nil
	}
	t := &Transform{curves: [3]curve{c, c, c}}
	t.setMatrix(gamut.toXYZ())
	t.prepare()
	if t.isIdentity() {
		return nil
	}
	return t
}
