// Package strokes works on drawings of characters as a pen's paths: it reads the paths
// of those that were recorded, finds those of others in their ink, and draws them
// again: by another hand, or as a character that differs from the first by a stroke.
//
// Everything random comes by seed: the same drawing and the same seed give the same
// picture, up to single pixels at edges where a processor multiplies and adds in one
// step. All functions are safe for concurrent use; none changes what it is given.
package strokes

import (
	"math"
	"slices"
)

// Side is the width and height of the square that drawings lie in, whatever the size of
// the pictures: Omniglot's, in its pixels. x runs to the right, y down; the centre of
// the first pixel is (0.5, 0.5).
const Side = 105

// Point is a place that the pen passed.
type Point struct {
	X, Y float64
	T    float64 // milliseconds since the drawing began; 0 throughout where nobody recorded them
}

// Stroke is the path of a pen from where it was set down to where it was lifted: one
// point or more, drawn as straight lines between them.
type Stroke []Point

// Drawing is a character as it was drawn once.
type Drawing struct {
	Strokes []Stroke
}

// length is that of the path.
func (s Stroke) length() float64 {
	sum := 0.
	for i := 1; i < len(s); i++ {
		sum += s[i-1].distance(s[i])
	}
	return sum
}

// chord is the distance from the path's first point to its last.
func (s Stroke) chord() float64 { return s[0].distance(s[len(s)-1]) }

// moved is a copy, each of its points by the function.
func (s Stroke) moved(by func(Point) Point) Stroke {
	out := make(Stroke, len(s))
	for i, p := range s {
		out[i] = by(p)
	}
	return out
}

// reversed is a copy from its end to its beginning.
func (s Stroke) reversed() Stroke {
	out := slices.Clone(s)
	slices.Reverse(out)
	return out
}

// at is the point at a share of the path's length, 0 to 1.
func (s Stroke) at(share float64) Point {
	left := share * s.length()
	for i := 1; i < len(s); i++ {
		step := s[i-1].distance(s[i])
		if step >= left && step > 0 {
			return s[i-1].between(s[i], left/step)
		}
		left -= step
	}
	return s[len(s)-1]
}

// resampled has n points, 2 or more, at equal distances along the path.
func (s Stroke) resampled(n int) Stroke {
	out := make(Stroke, 0, n)
	step := s.length() / float64(n-1)
	if step == 0 {
		return append(out, slices.Repeat(s[:1], n)...)
	}
	walked := 0.
	for i := 1; i < len(s); i++ {
		piece := s[i-1].distance(s[i])
		for len(out) < n-1 && float64(len(out))*step <= walked+piece && piece > 0 {
			out = append(out, s[i-1].between(s[i], (float64(len(out))*step-walked)/piece))
		}
		walked += piece
	}
	for len(out) < n {
		out = append(out, s[len(s)-1])
	}
	return out
}

func (p Point) distance(q Point) float64 { return math.Hypot(p.X-q.X, p.Y-q.Y) }

// between is the point at a share of the way to q.
func (p Point) between(q Point, share float64) Point {
	return Point{X: p.X + share*(q.X-p.X), Y: p.Y + share*(q.Y-p.Y), T: p.T + share*(q.T-p.T)}
}

// plus moves the point.
func (p Point) plus(x, y float64) Point { return Point{X: p.X + x, Y: p.Y + y, T: p.T} }

// length is that of all strokes.
func (d Drawing) length() float64 {
	sum := 0.
	for _, s := range d.Strokes {
		sum += s.length()
	}
	return sum
}

// moved is a copy, each of its points by the function.
func (d Drawing) moved(by func(Point) Point) Drawing {
	out := Drawing{Strokes: make([]Stroke, len(d.Strokes))}
	for i, s := range d.Strokes {
		out.Strokes[i] = s.moved(by)
	}
	return out
}

// box is what the points lie in.
func (d Drawing) box() (left, top, right, bottom float64) {
	left, top, right, bottom = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range d.Strokes {
		for _, p := range s {
			left, right = min(left, p.X), max(right, p.X)
			top, bottom = min(top, p.Y), max(bottom, p.Y)
		}
	}
	return left, top, right, bottom
}
