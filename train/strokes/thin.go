package strokes

// The neighbours of a cell, clockwise from the one above.
const neighbours = 8

// offsets are those of the neighbours.
func (b bitmap) offsets() [neighbours]int {
	w := b.width
	return [neighbours]int{-w, -w + 1, 1, w + 1, w, w - 1, -1, -w - 1}
}

// around has the ink of a cell's neighbours as 0 and 1.
func (b bitmap) around(at int, offsets *[neighbours]int) (p [neighbours]int) {
	for i, offset := range offsets {
		if b.ink[at+offset] {
			p[i] = 1
		}
	}
	return p
}

// thin leaves lines of one cell in the middle of the ink, by the method of Guo and Hall
// ("Parallel thinning with two-subiteration algorithms", CACM 32, 1989), and no corners
// that a diagonal step passes by.
func (b bitmap) thin() {
	offsets := b.offsets()
	var inked []int
	for at, ink := range b.ink {
		if ink {
			inked = append(inked, at)
		}
	}
	for pass, unchanged := 0, 0; unchanged < 2; pass++ {
		var gone []int
		kept := inked[:0]
		for _, at := range inked {
			if b.removable(at, pass%2, &offsets) {
				gone = append(gone, at)
			} else {
				kept = append(kept, at)
			}
		}
		for _, at := range gone {
			b.ink[at] = false
		}
		inked = kept
		if unchanged++; len(gone) > 0 {
			unchanged = 0
		}
	}
	for _, at := range inked {
		if p := b.around(at, &offsets); isCorner(p) && crossings(p) == 1 {
			b.ink[at] = false
		}
	}
}

// removable is Guo and Hall's condition in one of the two passes.
func (b bitmap) removable(at, pass int, offsets *[neighbours]int) bool {
	p := b.around(at, offsets)
	if crossings(p) != 1 {
		return false
	}
	first := (p[7] | p[0]) + (p[1] | p[2]) + (p[3] | p[4]) + (p[5] | p[6])
	second := (p[0] | p[1]) + (p[2] | p[3]) + (p[4] | p[5]) + (p[6] | p[7])
	if n := min(first, second); n < 2 || n > 3 {
		return false
	}
	if pass == 0 {
		return (p[0]|p[1]|(1-p[3]))&p[2] == 0
	}
	return (p[4]|p[5]|(1-p[7]))&p[6] == 0
}

// crossings is how many separate lines of ink meet a cell.
func crossings(p [neighbours]int) int {
	count := 0
	for i := 0; i < neighbours; i += 2 {
		count += (1 - p[i]) & (p[i+1] | p[(i+2)%neighbours])
	}
	return count
}

// isCorner reports whether lines go on to two sides that stand at a right angle.
func isCorner(p [neighbours]int) bool {
	return (p[0]|p[4])&(p[2]|p[6]) == 1
}

// degree is how many neighbours have ink.
func (b bitmap) degree(at int, offsets *[neighbours]int) int {
	count := 0
	for _, ink := range b.around(at, offsets) {
		count += ink
	}
	return count
}
