package strokes

import "math"

const (
	// matchPoints are compared of two parts.
	matchPoints = 8
	// mostApart is how far, on average, the points of two parts lie from each other that
	// are the same part of two drawings, in the drawings' sizes; see frame.
	mostApart = 0.5
	// mostLonger is how many times as long one of two parts is at most that match.
	mostLonger = 2.0
	// clearly is by how much a match is better than the next one.
	clearly = 1.2
	// closedShare is between a closed path's ends at most, of its length.
	closedShare = 0.15
)

// frame is where a drawing lies and how large it is: the mean of its lines and their
// standard deviation along an axis, alike for both.
type frame struct{ x, y, size float64 }

// frameOf weighs points by the length of line that they stand for; dots count a little.
func frameOf(d Drawing) frame {
	sum, x, y, square := 0., 0., 0., 0.
	add := func(p Point, weight float64) {
		sum, x, y = sum+weight, x+weight*p.X, y+weight*p.Y
		square += weight * (p.X*p.X + p.Y*p.Y)
	}
	for _, s := range d.Strokes {
		add(s[0], 1)
		for i := 1; i < len(s); i++ {
			add(s[i-1].between(s[i], 0.5), s[i-1].distance(s[i]))
		}
	}
	x, y = x/sum, y/sum
	return frame{x: x, y: y, size: math.Sqrt(max(square/sum-x*x-y*y, 2) / 2)}
}

// within gives a stroke in the frame: about (0, 0), of size 1.
func (f frame) within(s Stroke) Stroke {
	return s.moved(func(p Point) Point { return Point{X: (p.X - f.x) / f.size, Y: (p.Y - f.y) / f.size, T: p.T} })
}

// out is the contrary of within.
func (f frame) out(s Stroke) Stroke {
	return s.moved(func(p Point) Point { return Point{X: f.x + p.X*f.size, Y: f.y + p.Y*f.size, T: p.T} })
}

// matched is the part of another drawing that does what a part of the first does.
type matched struct {
	index    int // -1: there is none
	reversed bool
}

// match finds for each part of a drawing the one of another drawing that is nearest in
// shape and place, by the points of both. Two parts match that are each other's nearest,
// near enough, and clearly nearer than the next.
func match(from, to []Stroke) []matched {
	table := make([][]float64, len(from))
	turned := make([][]bool, len(from))
	for i := range from {
		table[i], turned[i] = make([]float64, len(to)), make([]bool, len(to))
		for j := range to {
			table[i][j], turned[i][j] = apart(from[i], to[j])
			if a, b := from[i].length(), to[j].length(); max(a, b) > mostLonger*min(a, b)+mostApart {
				table[i][j] = math.Inf(1)
			}
		}
	}
	found := make([]matched, len(from))
	for i := range from {
		j := clearest(len(to), func(j int) float64 { return table[i][j] })
		found[i] = matched{index: -1}
		if j >= 0 && clearest(len(from), func(i int) float64 { return table[i][j] }) == i {
			found[i] = matched{index: j, reversed: turned[i][j]}
		}
	}
	return found
}

// points are those by which parts are compared, in the drawing's frame.
func points(d Drawing) []Stroke {
	f := frameOf(d)
	all := make([]Stroke, len(d.Strokes))
	for i, s := range d.Strokes {
		all[i] = f.within(s).resampled(matchPoints)
	}
	return all
}

// clearest is the index of the least of n distances, -1 where it is too large or hardly
// less than the next.
func clearest(n int, distance func(int) float64) int {
	best, least, next := -1, math.Inf(1), math.Inf(1)
	for i := range n {
		switch d := distance(i); {
		case d < least:
			best, least, next = i, d, least
		case d < next:
			next = d
		}
	}
	if least > mostApart || next < clearly*least {
		return -1
	}
	return best
}

// apart is the mean distance of two paths' points, and whether it is that of one of them
// reversed. Closed ones begin anywhere.
func apart(a, b Stroke) (least float64, reversed bool) {
	least = math.Inf(1)
	begins := 1
	if isClosed(a) && isClosed(b) {
		begins = len(b) - 1
	}
	for begin := range begins {
		forth, back := 0., 0.
		for i := range a {
			j := i
			if begins > 1 {
				j = (i + begin) % begins
			}
			forth += a[i].distance(b[j])
			back += a[len(a)-1-i].distance(b[j])
		}
		if forth < least {
			least, reversed = forth, false
		}
		if back < least {
			least, reversed = back, true
		}
	}
	return least / float64(len(a)), reversed
}

// isClosed reports whether the path ends where it begins.
func isClosed(s Stroke) bool {
	return len(s) > 2 && s.chord() < closedShare*s.length()
}
