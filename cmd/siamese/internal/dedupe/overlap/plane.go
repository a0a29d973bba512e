package overlap

import "math"

// plane is levels of grey in rows.
type plane struct {
	width, height int
	levels        []float32
}

func newPlane(width, height int) plane {
	return plane{width, height, make([]float32, width*height)}
}

// row is part of a row, from x on.
func (p plane) row(x, y, width int) []float32 {
	from := y*p.width + x
	return p.levels[from : from+width]
}

// resized is a plane scaled to another size: each pixel is the mean of what it covers.
func (p plane) resized(width, height int) plane {
	across := newPlane(width, p.height)
	taps := coverage(p.width, width)
	for y := range p.height {
		from, to := p.row(0, y, p.width), across.row(0, y, width)
		for x, tap := range taps {
			for i, share := range tap.shares {
				to[x] += share * from[tap.first+i]
			}
		}
	}
	out := newPlane(width, height)
	for y, tap := range coverage(p.height, height) {
		to := out.row(0, y, width)
		for i, share := range tap.shares {
			for x, level := range across.row(0, tap.first+i, width) {
				to[x] += share * level
			}
		}
	}
	return out
}

// tap is the pixels that one pixel of another size covers, with their shares.
type tap struct {
	first  int
	shares []float32
}

// coverage is, for each of some pixels, what it covers of others.
func coverage(of, by int) []tap {
	taps := make([]tap, by)
	step := float64(of) / float64(by)
	for i := range taps {
		from, to := float64(i)*step, float64(i+1)*step
		first := int(from)
		last := min(int(math.Ceil(to-1e-9)), of)
		taps[i].first = first
		for j := first; j < last; j++ {
			part := min(to, float64(j+1)) - max(from, float64(j))
			taps[i].shares = append(taps[i].shares, float32(part/step))
		}
	}
	return taps
}

// detail is what differs from the surroundings: the plane without its mean over a
// window of 2·reach+1 pixels a side, cut off at the edges.
func (p plane) detail(reach int) plane {
	s := p.sums()
	out := newPlane(p.width, p.height)
	for y := range p.height {
		top, bottom := max(y-reach, 0), min(y+reach+1, p.height)
		for x := range p.width {
			left, right := max(x-reach, 0), min(x+reach+1, p.width)
			sum, _ := s.of(left, top, right, bottom)
			out.levels[y*p.width+x] = p.levels[y*p.width+x] - float32(sum/float64((right-left)*(bottom-top)))
		}
	}
	return out
}

// sums are those of the levels, and of their squares, above and left of each pixel.
type sums struct {
	width          int
	levels, square []float64
}

func (p plane) sums() sums {
	s := sums{p.width + 1, make([]float64, (p.width+1)*(p.height+1)), make([]float64, (p.width+1)*(p.height+1))}
	for y := range p.height {
		var levels, square float64
		for x, level := range p.row(0, y, p.width) {
			levels += float64(level)
			square += float64(level) * float64(level)
			at := (y+1)*s.width + x + 1
			s.levels[at] = s.levels[at-s.width] + levels
			s.square[at] = s.square[at-s.width] + square
		}
	}
	return s
}

// of are the sums over a rectangle, right and bottom not included.
func (s sums) of(left, top, right, bottom int) (levels, square float64) {
	a, b, c, d := top*s.width+left, top*s.width+right, bottom*s.width+left, bottom*s.width+right
	return s.levels[d] - s.levels[b] - s.levels[c] + s.levels[a], s.square[d] - s.square[b] - s.square[c] + s.square[a]
}
