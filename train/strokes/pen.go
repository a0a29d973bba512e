package strokes

import "math"

// Pen draws strokes: a disc that is moved along them.
type Pen struct {
	Width float64 // in a drawing's units; below 1 pixel it is 1
	// Speed is how much thinner quick strokes are than slow ones, where times are known:
	// the power of the speed that the width falls by. 0: not at all; 0.3 is a lot.
	Speed float64
	// Hard has pixels that are either ink or paper, as Omniglot's are; else edges are
	// shades of gray.
	Hard bool
}

// Draw draws on white paper, [height,width] uint8, ink 0. width and height are 1 or more.
func (p Pen) Draw(d Drawing, width, height int) []byte {
	pixels := make([]byte, width*height)
	for i := range pixels {
		pixels[i] = math.MaxUint8
	}
	c := sheet{width: width, height: height, pixels: pixels, hard: p.Hard}
	scale := float64(max(width, height)) / Side
	for _, s := range d.Strokes {
		radii := p.radii(s)
		for i, at := range s {
			radius := max(radii[i]*scale, 0.5)
			to := s[min(i+1, len(s)-1)]
			if i == len(s)-1 && i > 0 {
				break
			}
			c.line(at.X*scale-0.5, at.Y*scale-0.5, to.X*scale-0.5, to.Y*scale-0.5, radius)
		}
	}
	return pixels
}

// widths that a quick and a slow pen differ by at most.
const (
	leastWidth = 0.6
	mostWidth  = 1.5
)

// radii are the pen's at each point of a stroke.
func (p Pen) radii(s Stroke) []float64 {
	radii := make([]float64, len(s))
	whole := s[len(s)-1].T - s[0].T
	timed := p.Speed != 0 && whole > 0 && len(s) > 2
	mean := s.length() / whole
	for i := range s {
		radii[i] = p.Width / 2
		if !timed {
			continue
		}
		from, to := max(i-1, 0), min(i+2, len(s)-1)
		if spent := s[to].T - s[from].T; spent > 0 {
			speed := s[from:to+1].length() / spent / mean
			radii[i] *= min(max(math.Pow(max(speed, 0.01), -p.Speed), leastWidth), mostWidth)
		}
	}
	return radii
}

// sheet is the paper.
type sheet struct {
	width, height int
	pixels        []byte
	hard          bool
}

// line inks what is at most the radius from a line.
func (c *sheet) line(x0, y0, x1, y1, radius float64) {
	reach := radius + 0.5
	left, right := max(int(math.Ceil(min(x0, x1)-reach)), 0), min(int(max(x0, x1)+reach), c.width-1)
	top, bottom := max(int(math.Ceil(min(y0, y1)-reach)), 0), min(int(max(y0, y1)+reach), c.height-1)
	dx, dy := x1-x0, y1-y0
	square := dx*dx + dy*dy
	inverse := 0.
	if square > 0 {
		inverse = 1 / square
	}
	inner, outer := max(radius-0.5, 0), reach
	if c.hard {
		inner, outer = radius, radius
	}
	for y := top; y <= bottom; y++ {
		row := c.pixels[y*c.width : (y+1)*c.width]
		v := float64(y) - y0
		for x := left; x <= right; x++ {
			u := float64(x) - x0
			share := min(max((u*dx+v*dy)*inverse, 0), 1)
			offX, offY := u-share*dx, v-share*dy
			switch far := offX*offX + offY*offY; {
			case far >= outer*outer:
			case far <= inner*inner:
				row[x] = 0
			default:
				level := byte(math.MaxUint8 * min(math.Sqrt(far)-radius+0.5, 1))
				row[x] = min(row[x], level)
			}
		}
	}
}
