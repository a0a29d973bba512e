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

func validOrientation(value uint16) orientation {
	if value < uint16(upright) || value > uint16(quarterTurnRight) {
		return upright
	}
	return orientation(value)
}

// apply writes the source's pixels upright into the scratch memory and returns
// them; they are valid until the scratch is used again.
//
// The turn comes before resizing, as Pillow has it: the two passes of a resize
// round between them, so that turning the small picture would differ in the last bit.
func (o orientation) apply(source pixels, s *scratch) pixels {
	width, height := source.width, source.height
	if o >= firstSwappingSides {
		width, height = height, width
	}
	turned := grow(&s.turned, width*height*3)
	row := grow(&s.row, source.width*3)
	for y := range source.height {
		source.read(row, y, 0, source.width)
		x0, y0 := o.target(0, y, source)
		x1, y1 := o.target(1, y, source)
		to, step := (y0*width+x0)*3, ((y1-y0)*width+x1-x0)*3
		for from := 0; from < len(row); from += 3 {
			copy(turned[to:to+3], row[from:from+3])
			to += step
		}
	}
	return pixels{width: width, height: height, read: rgbRows(turned, width)}
}

// target tells where the stored pixel x, y goes.
func (o orientation) target(x, y int, source pixels) (int, int) {
	right, bottom := source.width-1-x, source.height-1-y
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
