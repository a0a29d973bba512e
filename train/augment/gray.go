package augment

import (
	"math/rand/v2"

	"siamese/imaging"
)

// Gray is a picture whose three channels are alike: Pix has each pixel once,
// [Height,Width] uint8.
type Gray struct {
	Width, Height int
	Pix           []byte
}

// GrayAugmenter is an Augmenter that has less work with a gray picture.
type GrayAugmenter interface {
	Augmenter
	// ApplyGray writes into out, [H,W,3] of the configured size, what Apply returns
	// for p with all three channels, bit for bit. p is not changed. Safe for
	// concurrent use as Apply is.
	ApplyGray(random *rand.Rand, p Gray, out []byte)
}

func (a *affine) ApplyGray(random *rand.Rand, p Gray, out []byte) {
	if (size{width: p.Width, height: p.Height}) != a.output {
		copy(out, a.Apply(random, p.picture()).Pix)
		return
	}
	if radius := a.config.drawStroke(random); radius != 0 {
		p.Pix = spread(p.Pix, p.Width, 1, radius)
	}
	bilinearWarpGray(out, p, a.config.draw(random).inverse(a.output), a.config.Fill)
}

// picture has all three channels.
func (p Gray) picture() *imaging.Picture {
	wide := size{width: p.Width, height: p.Height}.empty()
	for i, level := range p.Pix {
		setGray(wide.Pix[3*i:], level)
	}
	return wide
}

// setGray sets the three channels of the first pixel.
func setGray(pix []byte, level byte) {
	pixel := (*[3]byte)(pix)
	pixel[0], pixel[1], pixel[2] = level, level, level
}

// bilinearWarpGray is bilinearWarp for one channel, written to all three. It takes a
// row's pixels from outside of the source, which are fill, in one piece, and paper
// without weighing it.
func bilinearWarpGray(out []byte, p Gray, m matrix, fill uint8) {
	width, height := int64(p.Width)<<placeBits, int64(p.Height)<<placeBits
	stepX, stepY := place(m.a), place(m.d)
	for y := range p.Height {
		row := out[:3*p.Width]
		out = out[3*p.Width:]
		x, y := m.at(0, y)
		u, v := place(x), place(y)
		low, high := within(u, stepX, width, p.Width)
		lowY, highY := within(v, stepY, height, p.Width)
		low = max(low, lowY)
		high = max(low, min(high, highY))
		fillRow(row[:3*low], fill)
		u, v = u+int64(low)*stepX-halfPlace, v+int64(low)*stepY-halfPlace
		for to := row[3*low : 3*high]; len(to) >= 3; to = to[3:] {
			setGray(to, bilinearGray(p, u, v))
			u, v = u+stepX, v+stepY
		}
		fillRow(row[3*high:], fill)
	}
}

// within is which of count places from start on, step apart, lie from 0 to below
// limit: those from low to below high, none where low is high.
func within(start, step, limit int64, count int) (low, high int) {
	last := int64(count)
	switch {
	case step > 0:
		return int(clamp(-floorDiv(start, step), last)), int(clamp(-floorDiv(start-limit, step), last))
	case step < 0:
		return int(clamp(floorDiv(start-limit, -step)+1, last)), int(clamp(floorDiv(start, -step)+1, last))
	case start >= 0 && start < limit:
		return 0, count
	}
	return 0, 0
}

func clamp(v, high int64) int64 { return min(max(v, 0), high) }

// floorDiv divides by a positive number, rounding down.
func floorDiv(a, b int64) int64 {
	quotient := a / b
	if a%b < 0 {
		quotient--
	}
	return quotient
}

func fillRow(row []byte, level byte) {
	for i := range row {
		row[i] = level
	}
}

// bilinearGray is bilinearPixel for one channel.
func bilinearGray(p Gray, u, v int64) byte {
	x, y := int(u>>placeBits), int(v>>placeBits)
	x0, x1 := max(x, 0), min(x+1, p.Width-1)
	above := p.Pix[max(y, 0)*p.Width:][:p.Width]
	below := p.Pix[min(y+1, p.Height-1)*p.Width:][:p.Width]
	a, b, c, d := above[x0], above[x1], below[x0], below[x1]
	if a == b && b == c && c == d {
		return a // which is what weights that sum to one give
	}
	right := uint64(u) >> (placeBits - weightBits) & (weightOne - 1)
	lower := uint64(v) >> (placeBits - weightBits) & (weightOne - 1)
	top := uint64(a)*(weightOne-right) + uint64(b)*right
	bottom := uint64(c)*(weightOne-right) + uint64(d)*right
	return byte((top*(weightOne-lower) + bottom*lower) >> (2 * weightBits))
}
