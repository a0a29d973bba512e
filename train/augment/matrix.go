package augment

// matrix tells, as Pillow's affine transforms do, where a pixel of the output comes
// from: the centre of pixel (x, y), which lies at (x+½, y+½), from
// (a·x + b·y + c, d·x + e·y + f) of the source.
type matrix struct{ a, b, c, d, e, f float64 }

// about completes the linear part of m so that the centre of the source comes to
// lie at the centre plus the shift.
func (m matrix) about(centerX, centerY, shiftX, shiftY float64) matrix {
	x, y := centerX+shiftX, centerY+shiftY
	m.c = centerX - float64(m.a*x) - float64(m.b*y)
	m.f = centerY - float64(m.d*x) - float64(m.e*y)
	return m
}

// at returns the place in the source of the centre of an output pixel. The
// conversions forbid fused multiply-adds, which would round otherwise than Pillow
// on some processors.
func (m matrix) at(x, y int) (sourceX, sourceY float64) {
	u, v := float64(x)+0.5, float64(y)+0.5
	return float64(m.a*u) + float64(m.b*v) + m.c, float64(m.d*u) + float64(m.e*v) + m.f
}
