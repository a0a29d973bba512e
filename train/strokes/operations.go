package strokes

import (
	"math"
	"slices"
)

// remove drops a part, not the largest share of the drawing.
func (m *maker) remove() (change, bool) {
	part, ok := m.part(leastChanged, mostRemoved)
	if len(m.base.Strokes) < 2 {
		ok = false
	}
	return changing(part, func(frame, Stroke) []Stroke { return nil }), ok
}

// add sets a foreign part onto one of the template's, or to where it stands in its own
// character.
func (m *maker) add() (change, bool) {
	part, ok := m.part(leastChanged, 1)
	added, found := m.foreign()
	if !ok || !found {
		return change{}, false
	}
	share, hold := []float64{0, 0.5, 1}[m.IntN(3)], []float64{0, 0.5, 1}[m.IntN(3)]
	if hold == 0.5 && share == 0.5 {
		hold = float64(m.IntN(2)) // two middles would mostly lie on each other
	}
	held := added.at(hold)
	return changing(part, func(f frame, s Stroke) []Stroke {
		to := s.at(share)
		placed := added.moved(func(p Point) Point {
			return Point{X: to.X + f.size*(p.X-held.X), Y: to.Y + f.size*(p.Y-held.Y), T: p.T}
		})
		return []Stroke{s, placed}
	}), true
}

// replace puts a foreign part of another form between the ends of one.
func (m *maker) replace() (change, bool) {
	part, ok := m.part(leastChanged, mostReshaped)
	if !ok {
		return change{}, false
	}
	old := m.base.Strokes[part]
	for range 8 {
		added, found := m.foreign()
		if !found || isClosed(added) || isClosed(old) {
			continue
		}
		if math.Abs(straightness(added)-straightness(old)) < 0.06 {
			continue // a straight line for another one
		}
		return reshaping(part, func(_ frame, s Stroke) Stroke { return between(added, s[0], s[len(s)-1]) }), true
	}
	return change{}, false
}

// straightness is 1 for a line and less the more a path bends.
func straightness(s Stroke) float64 { return s.chord() / max(s.length(), 1e-9) }

// between turns and scales a path so that it leads from one point to another.
func between(s Stroke, from, to Point) Stroke {
	a, b := s[0], s[len(s)-1]
	square := (b.X-a.X)*(b.X-a.X) + (b.Y-a.Y)*(b.Y-a.Y)
	real := ((to.X-from.X)*(b.X-a.X) + (to.Y-from.Y)*(b.Y-a.Y)) / square
	imaginary := ((to.Y-from.Y)*(b.X-a.X) - (to.X-from.X)*(b.Y-a.Y)) / square
	return s.moved(func(p Point) Point {
		u, v := p.X-a.X, p.Y-a.Y
		return Point{X: from.X + real*u - imaginary*v, Y: from.Y + imaginary*u + real*v, T: p.T}
	})
}

// bend bends a part to one of its sides.
func (m *maker) bend() (change, bool) {
	part, ok := m.part(1.5*leastChanged, 1)
	half, whole := m.sign()*m.uniform(0.3, 0.5), 0.
	if m.IntN(4) == 0 { // into an S
		half, whole = 0, m.sign()*m.uniform(0.2, 0.3)
	}
	return reshaping(part, func(_ frame, s Stroke) Stroke { return bent(s, half, whole) }), ok
}

// mirror mirrors a part: a bent one about the line between its ends, any about an upright
// or level axis through its own middle or the character's.
func (m *maker) mirror() (change, bool) {
	part, ok := m.part(leastChanged, mostReshaped)
	if !ok {
		return change{}, false
	}
	level, own := m.IntN(2) == 0, m.IntN(2) == 0
	if s := m.base.Strokes[part]; !isClosed(s) && straightness(s) < 0.9 && m.IntN(2) == 0 {
		return reshaping(part, func(_ frame, s Stroke) Stroke { return flipped(s) }), true
	}
	return reshaping(part, func(f frame, s Stroke) Stroke {
		x, y := f.x, f.y
		if own {
			left, top, right, bottom := Drawing{Strokes: []Stroke{s}}.box()
			x, y = (left+right)/2, (top+bottom)/2
		}
		return s.moved(func(p Point) Point {
			if level {
				return Point{X: p.X, Y: 2*y - p.Y, T: p.T}
			}
			return Point{X: 2*x - p.X, Y: p.Y, T: p.T}
		})
	}), true
}

// flipped mirrors a path about the line between its ends.
func flipped(s Stroke) Stroke {
	a := s[0]
	x, y := direction(a, s[len(s)-1])
	return s.moved(func(p Point) Point {
		along := (p.X-a.X)*x + (p.Y-a.Y)*y
		return Point{X: 2*(a.X+along*x) - p.X, Y: 2*(a.Y+along*y) - p.Y, T: p.T}
	})
}

// stretch lengthens a part at one of its ends, straight on, or shortens it there; at an
// end that another part touches it is only lengthened.
func (m *maker) stretch() (change, bool) {
	part, ok := m.part(leastChanged, 1)
	if !ok {
		return change{}, false
	}
	back, longer := m.IntN(2) == 0, m.IntN(2) == 0
	by, left := m.uniform(0.7, 1.2), m.uniform(0.4, 0.6)
	end := m.base.Strokes[part][len(m.base.Strokes[part])-1]
	if back {
		end = m.base.Strokes[part][0]
	}
	longer = longer || isHeld(m.base.Strokes, part, end)
	return changing(part, func(f frame, s Stroke) []Stroke {
		if back {
			s = s.reversed()
		}
		if longer {
			return []Stroke{lengthened(s, by*f.size)}
		}
		return []Stroke{simplified(s.resampled(2 + int(s.length()))[:2+int(left*s.length())])}
	}), true
}

// lengthened goes straight on at the path's end.
func lengthened(s Stroke, by float64) Stroke {
	const pieces = 4
	last := s[len(s)-1]
	x, y := direction(s[max(len(s)-3, 0)], last)
	out := slices.Clone(s)
	for k := 1; k <= pieces; k++ {
		step := by * float64(k) / pieces
		out = append(out, last.plus(step*x, step*y))
	}
	return out
}

// move sets a part elsewhere.
func (m *maker) move() (change, bool) {
	part, ok := m.part(leastChanged, mostRemoved)
	if !ok || len(m.base.Strokes) < 2 {
		return change{}, false
	}
	angle, far := m.uniform(0, 2*math.Pi), m.uniform(0.7, 1.3)
	if m.IntN(2) == 0 { // along an axis
		angle = float64(m.IntN(4)) * math.Pi / 2
	}
	y, x := math.Sincos(angle)
	return changing(part, func(f frame, s Stroke) []Stroke {
		return []Stroke{s.moved(func(p Point) Point { return p.plus(far*f.size*x, far*f.size*y) })}
	}), true
}

// recombine takes the parts on one side of the template and those on the other side of
// another character.
func (m *maker) recombine() (change, bool) {
	if len(m.others) == 0 {
		return change{}, false
	}
	other := m.others[m.IntN(len(m.others))]
	upright, low := m.IntN(2) == 0, m.IntN(2) == 0
	kept, dropped := side(m.base, upright, low)
	_, foreign := side(other, upright, low)
	if len(kept) == 0 || len(dropped) == 0 || len(foreign) == 0 {
		return change{}, false
	}
	f := frameOf(other)
	var taken []Stroke
	for _, i := range foreign {
		taken = append(taken, f.within(other.Strokes[i]))
	}
	return change{needs: append(slices.Clone(kept), dropped...), apply: func(d Drawing, at, _ []Stroke) []Stroke {
		f := frameOf(d)
		var out []Stroke
		for _, i := range kept {
			out = append(out, at[i])
		}
		for _, s := range taken {
			out = append(out, f.out(s))
		}
		return out
	}}, true
}

// side parts a drawing: its parts on one side of its middle, upright or level, the low
// one or the other, and the others.
func side(d Drawing, upright, low bool) (one, others []int) {
	f := frameOf(d)
	for i, s := range d.Strokes {
		middle := frameOf(Drawing{Strokes: []Stroke{s}})
		isLow := middle.y < f.y
		if upright {
			isLow = middle.x < f.x
		}
		if isLow == low {
			one = append(one, i)
		} else {
			others = append(others, i)
		}
	}
	return one, others
}
