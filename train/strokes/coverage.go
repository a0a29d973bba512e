package strokes

// middle parts ink from paper.
const middle = 0x80

// Coverage compares two pictures of one drawing, [height,width] uint8: which share of the
// first's ink has ink of the second at most a pixel away, and which of the second's has
// ink of the first. Where there is no ink the share is 1.
func Coverage(first, second []byte, width, height int) (covered, on float64) {
	return near(first, second, width, height), near(second, first, width, height)
}

// near is the share of a picture's ink that is a pixel at most from ink of another one.
func near(of, by []byte, width, height int) float64 {
	all, found := 0, 0
	for i, level := range of {
		if level >= middle {
			continue
		}
		all++
		if inkAround(by, i%width, i/width, width, height) {
			found++
		}
	}
	if all == 0 {
		return 1
	}
	return float64(found) / float64(all)
}

// inkAround reports whether there is ink at a pixel or beside it.
func inkAround(p []byte, x, y, width, height int) bool {
	for v := max(y-1, 0); v <= min(y+1, height-1); v++ {
		for u := max(x-1, 0); u <= min(x+1, width-1); u++ {
			if p[v*width+u] < middle {
				return true
			}
		}
	}
	return false
}
