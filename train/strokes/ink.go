package strokes

import "math"

const (
	// leastGrid is the side of a bitmap below which lines of two pixels run into each
	// other; smaller pictures are enlarged to it.
	leastGrid = 96
	// leastContrast is between ink and paper at least, of 255 levels.
	leastContrast = 64
	// mostInk is the share of a drawing that is ink at most. Omniglot's have up to 0.13.
	mostInk = 0.5
)

// bitmap is ink on a grid, with a border of paper around it so that each cell has eight
// neighbours.
type bitmap struct {
	width, height int // with the border
	ink           []bool
	scale         float64 // of a cell, in a drawing's units
}

// inkOf finds the dark lines of a light picture, [height,width] uint8; false where it has
// none: it is blank, or mostly dark.
func inkOf(pixels []byte, width, height int) (bitmap, bool) {
	level, ok := threshold(pixels)
	if !ok {
		return bitmap{}, false
	}
	enlarged := 1 + (leastGrid-1)/min(width, height)
	if min(width, height) >= leastGrid {
		enlarged = 1
	}
	b := bitmap{width: enlarged*width + 2, height: enlarged*height + 2, scale: Side / float64(enlarged*max(width, height))}
	b.ink = make([]bool, b.width*b.height)
	at := func(x, y int) float64 { return float64(pixels[y*width+x]) }
	if enlarged > 1 {
		at = func(x, y int) float64 {
			return sampled(pixels, width, height, (float64(x)+0.5)/float64(enlarged)-0.5, (float64(y)+0.5)/float64(enlarged)-0.5)
		}
	}
	count := 0
	for y := range b.height - 2 {
		for x := range b.width - 2 {
			if at(x, y) <= level {
				b.ink[(y+1)*b.width+x+1] = true
				count++
			}
		}
	}
	return b, count > 0 && float64(count) <= mostInk*float64(len(b.ink))
}

// threshold is the level that parts ink from paper best, by Otsu's method; the darkest
// levels are ink up to it. It returns false where all is of nearly one level.
func threshold(pixels []byte) (float64, bool) {
	var counts [256]float64
	for _, level := range pixels {
		counts[level]++
	}
	darkest, lightest := 0, 255
	for ; darkest < 255 && counts[darkest] == 0; darkest++ {
	}
	for ; lightest > 0 && counts[lightest] == 0; lightest-- {
	}
	if lightest-darkest < leastContrast {
		return 0, false
	}
	sum := 0.
	for level, count := range counts {
		sum += float64(level) * count
	}
	best, from, to, below, sumBelow := -1., 0, 0, 0., 0.
	for level := darkest; level < lightest; level++ {
		below += counts[level]
		sumBelow += float64(level) * counts[level]
		above := float64(len(pixels)) - below
		apart := sumBelow/below - (sum-sumBelow)/above
		if between := below * above * apart * apart; between > best {
			best, from, to = between, level, level
		} else if between == best {
			to = level
		}
	}
	return float64(from+to) / 2, true
}

// sampled is the level at a place between pixels.
func sampled(pixels []byte, width, height int, x, y float64) float64 {
	x, y = min(max(x, 0), float64(width-1)), min(max(y, 0), float64(height-1))
	left, top := int(x), int(y)
	right, lower := min(left+1, width-1), min(top+1, height-1)
	u, v := x-float64(left), y-float64(top)
	upper := float64(pixels[top*width+left])*(1-u) + float64(pixels[top*width+right])*u
	under := float64(pixels[lower*width+left])*(1-u) + float64(pixels[lower*width+right])*u
	return upper*(1-v) + under*v
}

// area is that of the ink in a drawing's units.
func (b bitmap) area() float64 {
	count := 0
	for _, ink := range b.ink {
		if ink {
			count++
		}
	}
	return float64(count) * b.scale * b.scale
}

// penWidth is how wide lines of the drawing's length cover such an area, round at both
// ends.
func penWidth(d Drawing, area float64) float64 {
	ends, length := math.Pi/4*float64(len(d.Strokes)), d.length()
	return (math.Sqrt(length*length+4*ends*area) - length) / (2 * ends)
}
