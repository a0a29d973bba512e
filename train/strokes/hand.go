package strokes

import (
	"math"
	"math/rand/v2"
)

// How a hand draws a character again: standard deviations of what is drawn by chance.
const (
	handSlant  = 0.10 // shift to the side for each unit of height
	handTurn   = 0.06 // radians, of the whole drawing
	handScale  = 0.06 // of the logarithm of width and height
	handWarp   = 0.05 // of the drawing's half size, for each term of a quadratic warp
	partTurn   = 0.06 // radians, of each part about its middle
	partScale  = 0.06 // of the logarithm of its size
	partMove   = 1.2  // of its place, in a drawing's units
	partBend   = 0.04 // of its length, off the straight line
	partWave   = 0.02 // of its length, to both sides of it
	penWidths  = 0.15 // of the logarithm of the pen's width
	penSpeed   = 0.25 // the most that Pen.Speed is
	openJoint  = 0.12 // how often parts that touched come apart by half of what they moved
	touchShare = 1.0  // of the pen's width: parts that are nearer touch
	margin     = 1.0  // between ink and the edge of the paper
)

// Again draws the parts of a drawing by another hand: the whole slanted, turned, scaled
// and warped a little, each part moved, turned, scaled and bent, those that touch still
// doing so, by a pen of another width. pen is the width of the one before.
func Again(random *rand.Rand, d Drawing, pen float64) (Drawing, Pen) {
	joints := touches(d, touchShare*pen)
	for i := range joints {
		if random.Float64() < openJoint {
			joints[i].held = 0.5
		}
	}
	out := wholly(random, d)
	for i, s := range out.Strokes {
		out.Strokes[i] = partly(random, s)
	}
	for range 2 { // what is joined may be moved by another joint
		for i := range joints {
			joints[i].close(d, out)
		}
	}
	width := pen * math.Exp(penWidths*random.NormFloat64())
	return Fitted(out, width), Pen{Width: width, Speed: penSpeed * random.Float64()}
}

// wholly changes the drawing as one.
func wholly(random *rand.Rand, d Drawing) Drawing {
	left, top, right, bottom := d.box()
	x, y, half := (left+right)/2, (top+bottom)/2, max(right-left, bottom-top, 1)/2
	slant, turn := handSlant*random.NormFloat64(), handTurn*random.NormFloat64()
	wide, high := math.Exp(handScale*random.NormFloat64()), math.Exp(handScale*random.NormFloat64())
	var warp [6]float64
	for i := range warp {
		warp[i] = handWarp * half * random.NormFloat64()
	}
	sin, cos := math.Sincos(turn)
	return d.moved(func(p Point) Point {
		u, v := (p.X-x)/half, (p.Y-y)/half
		across := wide*u*half - slant*v*half + warp[0]*u*u + warp[1]*u*v + warp[2]*v*v
		down := high*v*half + warp[3]*u*u + warp[4]*u*v + warp[5]*v*v
		return Point{X: x + cos*across - sin*down, Y: y + sin*across + cos*down, T: p.T}
	})
}

// partly changes one part.
func partly(random *rand.Rand, s Stroke) Stroke {
	turn, scale := partTurn*random.NormFloat64(), math.Exp(partScale*random.NormFloat64())
	x, y := partMove*random.NormFloat64(), partMove*random.NormFloat64()
	bend, wave := partBend*random.NormFloat64(), partWave*random.NormFloat64()
	middle := s.at(0.5)
	sin, cos := math.Sincos(turn)
	turned := bent(s, bend, wave).moved(func(p Point) Point {
		u, v := scale*(p.X-middle.X), scale*(p.Y-middle.Y)
		return Point{X: middle.X + x + cos*u - sin*v, Y: middle.Y + y + sin*u + cos*v, T: p.T}
	})
	return turned
}

// bent moves the points of a path to its side: by half a wave and by a whole one, as
// shares of its chord, of a closed path of a third of its length.
func bent(s Stroke, half, whole float64) Stroke {
	length, a, b := s.length(), s[0], s[len(s)-1]
	if length == 0 {
		return s
	}
	across := max(s.chord(), length/3)
	sideX, sideY := -(b.Y - a.Y), b.X-a.X
	if norm := math.Hypot(sideX, sideY); norm > 0 {
		sideX, sideY = sideX/norm, sideY/norm
	} else {
		sideX = 1
	}
	out, walked := make(Stroke, len(s)), 0.
	for i, p := range s {
		if i > 0 {
			walked += s[i-1].distance(p)
		}
		off := across * (half*math.Sin(math.Pi*walked/length) + whole*math.Sin(2*math.Pi*walked/length))
		out[i] = p.plus(off*sideX, off*sideY)
	}
	return out
}

// touch is an end of a part that lies on another part.
type touch struct {
	part, end   int     // end is 0 or 1
	other, near int     // the part and its nearest point
	held        float64 // share of what they move apart that is made up for
}

// touches finds the ends of parts that lie on others, at most the distance away.
func touches(d Drawing, most float64) []touch {
	var all []touch
	for i, s := range d.Strokes {
		for end := range 2 {
			at, best := s[end*(len(s)-1)], touch{part: -1}
			nearest := most
			for j, other := range d.Strokes {
				for k, p := range other {
					if far := at.distance(p); i != j && far < nearest {
						nearest, best = far, touch{part: i, end: end, other: j, near: k, held: 1}
					}
				}
			}
			if best.part >= 0 {
				all = append(all, best)
			}
		}
	}
	return all
}

// close moves the end to where it lay beside the other part before; the rest of its part
// follows, the less the farther it is.
func (t touch) close(before, now Drawing) {
	s, was := now.Strokes[t.part], before.Strokes[t.part]
	end := t.end * (len(s) - 1)
	on, wasOn := now.Strokes[t.other][t.near], before.Strokes[t.other][t.near]
	x := on.X + was[end].X - wasOn.X - s[end].X
	y := on.Y + was[end].Y - wasOn.Y - s[end].Y
	last := float64(max(len(s)-1, 1))
	for i := range s {
		share := t.held * (1 - math.Abs(float64(i-end))/last)
		s[i] = s[i].plus(share*x, share*y)
	}
}

// Fitted is the drawing, moved and if need be shrunk so that it lies on the paper with
// lines of that width.
func Fitted(d Drawing, pen float64) Drawing {
	left, top, right, bottom := d.box()
	edge := pen/2 + margin
	room := max(Side-2*edge, 1)
	scale := min(1, room/max(right-left, bottom-top, 1))
	x := fit(scale*left, scale*right, edge)
	y := fit(scale*top, scale*bottom, edge)
	if scale == 1 && x == 0 && y == 0 {
		return d
	}
	return d.moved(func(p Point) Point { return Point{X: scale*p.X + x, Y: scale*p.Y + y, T: p.T} })
}

// fit is by how much a range must be moved to lie on the paper.
func fit(low, high, edge float64) float64 {
	switch {
	case low < edge:
		return edge - low
	case high > Side-edge:
		return Side - edge - high
	}
	return 0
}
