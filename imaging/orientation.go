package imaging

// orientation is the value of the EXIF tag 274, 1 to 8: how the stored pixels
// have to be turned to stand upright.
type orientation int

const (
	upright            orientation = 1
	mirrored           orientation = 2 // left and right swapped
	upsideDown         orientation = 3
	flipped            orientation = 4 // top and bottom swapped
	transposed         orientation = 5
	quarterTurnLeft    orientation = 6 // stored a quarter turn too far left
	transversed        orientation = 7
	quarterTurnRight   orientation = 8 // stored a quarter turn too far right
	firstSwappingSides             = transposed
)

// validOrientation takes any number for what it names, and what names nothing, such as
// 2.5, for upright.
func validOrientation(value float64) orientation {
	for turn := mirrored; turn <= quarterTurnRight; turn++ {
		if value == float64(turn) {
			return turn
		}
	}
	return upright
}

// apply writes the source's pixels upright into the scratch memory and returns
// them; they are valid until the scratch is used again.
//
// The turn comes before resizing, as Pillow has it: the two passes of a resize
// round between them, so that turning the small picture would differ in the last bit.
func (o orientation) apply(source pixels, s *scratch) pixels {
	width, height := o.size(source.width, source.height)
	upright := pixels{width: width, height: height, area: o.turn(source)}
	if source.deep != nil {
		turned := grow(&s.deepTurned, width*height*3)
		turnRows(o, turned, grow(&s.deepRow, source.width*3), source, source.deep)
		upright.deep = func(dst []uint16, y, x0, x1 int) { copy(dst, turned[(y*width+x0)*3:(y*width+x1)*3]) }
		upright.read = upright.deep.rounded(width)
		return upright
	}
	turned := grow(&s.turned, width*height*3)
	turnRows(o, turned, grow(&s.row, source.width*3), source, source.read)
	upright.read = rgbRows(turned, width)
	return upright
}

// turnRows writes the source's rows, each read into row, to where they stand upright.
func turnRows[T byte | uint16](o orientation, turned, row []T, source pixels, read func(dst []T, y, x0, x1 int)) {
	width, _ := o.size(source.width, source.height)
	for y := range source.height {
		read(row, y, 0, source.width)
		x0, y0 := o.target(0, y, source)
		x1, y1 := o.target(1, y, source)
		to, step := (y0*width+x0)*3, ((y1-y0)*width+x1-x0)*3
		for from := 0; from < len(row); from += 3 {
			copy(turned[to:to+3], row[from:from+3])
			to += step
		}
	}
}

// size swaps the sides where the orientation does: stored to upright and back.
func (o orientation) size(width, height int) (int, int) {
	if o >= firstSwappingSides {
		return height, width
	}
	return width, height
}

// target returns where the stored pixel x, y goes.
func (o orientation) target(x, y int, source pixels) (int, int) {
	return place(o, x, y, source.width-1-x, source.height-1-y)
}

// turn returns where the source's area goes.
func (o orientation) turn(source pixels) area {
	width, height, a := float64(source.width), float64(source.height), source.area
	x0, y0 := place(o, a.left, a.top, width-a.left, height-a.top)
	x1, y1 := place(o, a.right, a.bottom, width-a.right, height-a.bottom)
	return area{left: min(x0, x1), top: min(y0, y1), right: max(x0, x1), bottom: max(y0, y1)}
}

// place turns a point, given by its distances from the four edges.
func place[T int | float64](o orientation, x, y, right, bottom T) (T, T) {
	switch o {
	case mirrored:
		return right, y
	case upsideDown:
		return right, bottom
	case flipped:
		return x, bottom
	case transposed:
		return y, x
	case quarterTurnLeft:
		return bottom, x
	case transversed:
		return bottom, right
	case quarterTurnRight:
		return y, right
	}
	return x, y
}
