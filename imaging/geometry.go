package imaging

// Rule says how an image of another shape comes to the output size.
type Rule int

// The rules of the network's original trainer.
const (
	// ShorterSide scales the shorter side to the output's and cuts the longer one
	// evenly, with Pillow's bilinear filter. An output that is not square is
	// filled by plain scaling, which distorts.
	ShorterSide Rule = iota
	// Letterbox scales the whole image into the output with Pillow's bicubic
	// filter and fills the rest with mid grey (128).
	Letterbox
)

// String names the rule as flags and model cards do.
func (r Rule) String() string {
	if r == Letterbox {
		return "letterbox"
	}
	return "shorter-side"
}

// layout is a resize worked out: the image is scaled to scaledWidth by
// scaledHeight, of which the window at left, top is placed on the output at x, y.
type layout struct {
	scaledWidth, scaledHeight int
	filter                    filter
	left, top                 int // of the window, in the scaled image
	width, height             int // of the window
	x, y                      int // of the window, on the output
}

// layout works out the resize of an image of the given size.
func (c Config) layout(width, height int) layout {
	switch {
	case c.Rule == Letterbox:
		return c.letterbox(width, height)
	case c.Width != c.Height:
		return layout{
			scaledWidth: c.Width, scaledHeight: c.Height, filter: bilinear,
			width: c.Width, height: c.Height,
		}
	}
	return c.shorterSide(width, height)
}

// shorterSide fits a square output. The original computes the longer side as
// int(side·longer/shorter) in floating point; for sides below 2²⁶ whole-number
// division gives the same.
func (c Config) shorterSide(width, height int) layout {
	side := c.Width
	scaledWidth, scaledHeight := side, side
	if width < height {
		scaledHeight = side * height / width
	} else {
		scaledWidth = side * width / height
	}
	return layout{
		scaledWidth: scaledWidth, scaledHeight: scaledHeight, filter: bilinear,
		left: halfToEven(scaledWidth - side), top: halfToEven(scaledHeight - side),
		width: side, height: side,
	}
}

// letterbox keeps the original's floating point: int(width·scale) falls one
// short of the output for some widths, and the grey edge with it is expected.
func (c Config) letterbox(width, height int) layout {
	scale := min(float64(c.Width)/float64(width), float64(c.Height)/float64(height))
	// The original fails where a side would vanish; one pixel keeps the image.
	scaledWidth := max(1, int(float64(width)*scale))
	scaledHeight := max(1, int(float64(height)*scale))
	return layout{
		scaledWidth: scaledWidth, scaledHeight: scaledHeight, filter: bicubic,
		width: scaledWidth, height: scaledHeight,
		x: (c.Width - scaledWidth) / 2, y: (c.Height - scaledHeight) / 2,
	}
}

// halfToEven is Python's round(n/2) for n ≥ 0.
func halfToEven(n int) int {
	half := n / 2
	if n%2 == 1 && half%2 == 1 {
		return half + 1
	}
	return half
}
