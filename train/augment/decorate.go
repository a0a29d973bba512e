package augment

import (
	"image"
	palette "image/color"
	"math/rand/v2"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"siamese/imaging"
)

// decorated puts things on and around a picture: stickers, text, a border, a phone's
// screen. What of it happens is drawn by happens.
func decorated(random *rand.Rand, p *imaging.Picture, happens func(share float64) bool) *imaging.Picture {
	stickers, text, border, screenshot := happens(stickerShare), happens(textShare), happens(borderShare), happens(screenshotShare)
	if !stickers && !text && !border && !screenshot {
		return p
	}
	c := canvasOf(p)
	if stickers {
		for range 1 + random.IntN(3) {
			c.sticker(random)
		}
	}
	if text {
		c.caption(random)
	}
	if border {
		c = c.within(borderBox(random, p), drawColor(random))
	}
	if screenshot {
		c = c.screenshot(random)
	}
	return c.picture()
}

// canvas is a picture that can be drawn on. It is in RGBA for package font.
type canvas struct{ *image.RGBA }

func canvasOf(p *imaging.Picture) canvas {
	c := canvas{image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))}
	for from, to := 0, 0; from < len(p.Pix); from, to = from+3, to+4 {
		copy(c.Pix[to:to+3], p.Pix[from:from+3])
		c.Pix[to+3] = 0xff
	}
	return c
}

// picture drops the alpha, which is full everywhere.
func (c canvas) picture() *imaging.Picture {
	p := size{width: c.Rect.Dx(), height: c.Rect.Dy()}.empty()
	for from, to := 0, 0; to < len(p.Pix); from, to = from+4, to+3 {
		copy(p.Pix[to:to+3], c.Pix[from:from+3])
	}
	return p
}

// drawColor draws white, black or any colour.
func drawColor(random *rand.Rand) palette.RGBA {
	switch random.IntN(4) {
	case 0:
		return palette.RGBA{0xff, 0xff, 0xff, 0xff}
	case 1:
		return palette.RGBA{0, 0, 0, 0xff}
	}
	return palette.RGBA{byte(random.UintN(256)), byte(random.UintN(256)), byte(random.UintN(256)), 0xff}
}

// fill paints a box or the ellipse in it.
func (c canvas) fill(box image.Rectangle, ink palette.RGBA, ellipse bool) {
	width, height := float64(box.Dx()), float64(box.Dy())
	within := box.Intersect(c.Rect)
	for y := within.Min.Y; y < within.Max.Y; y++ {
		for x := within.Min.X; x < within.Max.X; x++ {
			u, v := (float64(x-box.Min.X)+0.5)/width*2-1, (float64(y-box.Min.Y)+0.5)/height*2-1
			if !ellipse || u*u+v*v <= 1 {
				c.SetRGBA(x, y, ink)
			}
		}
	}
}

// sticker puts a patch of up to a third of the sides on the picture: a box or a disc
// with a smaller one on it.
func (c canvas) sticker(random *rand.Rand) {
	width, height := c.Rect.Dx(), c.Rect.Dy()
	w, h := width/10+random.IntN(width/4+1), height/10+random.IntN(height/4+1)
	x, y := random.IntN(width), random.IntN(height)
	round := random.IntN(2) == 0
	box := image.Rect(x-w/2, y-h/2, x-w/2+max(w, 1), y-h/2+max(h, 1))
	c.fill(box, drawColor(random), round)
	if inner := box.Inset(min(w, h) / 4); !inner.Empty() {
		c.fill(inner, drawColor(random), random.IntN(2) == 0)
	}
}

// letters are what captions are made of.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,!?#@:-"

// words draws a text of n letters.
func words(random *rand.Rand, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[random.IntN(len(letters))]
	}
	return string(text)
}

// caption writes one to three lines anywhere, sometimes on a bar.
func (c canvas) caption(random *rand.Rand) {
	ink, bar := drawColor(random), drawColor(random)
	lines := 1 + random.IntN(3)
	lineHeight := basicfont.Face7x13.Height
	y := random.IntN(max(1, c.Rect.Dy()-lines*lineHeight+1))
	if random.IntN(2) == 0 {
		c.fill(image.Rect(0, y, c.Rect.Dx(), y+lines*lineHeight), bar, false)
	}
	for line := range lines {
		x := random.IntN(c.Rect.Dx()/3 + 1)
		c.write(words(random, 4+random.IntN(16)), x, y+line*lineHeight, ink)
	}
}

// write puts a line with its upper left corner at (x, y); what lies outside is lost.
func (c canvas) write(text string, x, y int, ink palette.RGBA) {
	drawer := font.Drawer{
		Dst: c.RGBA, Src: image.NewUniform(ink), Face: basicfont.Face7x13,
		Dot: fixed.P(x, y+basicfont.Face7x13.Ascent),
	}
	drawer.DrawString(text)
}

// borderBox is where the picture lies within a border of up to a fifth of each side.
func borderBox(random *rand.Rand, p *imaging.Picture) image.Rectangle {
	across, down := random.IntN(p.Width/5+1), random.IntN(p.Height/5+1)
	switch random.IntN(3) {
	case 0:
		across = 0 // bars above and below
	case 1:
		down = 0 // bars at the sides
	}
	return image.Rect(across, down, p.Width-across, p.Height-down)
}

// within is a canvas of the same size with the picture shrunk into a box of it.
func (c canvas) within(box image.Rectangle, ground palette.RGBA) canvas {
	out := canvas{image.NewRGBA(c.Rect)}
	out.fill(c.Rect, ground, false)
	inner := canvasOf(c.picture().Resize(max(box.Dx(), 1), max(box.Dy(), 1), imaging.Bilinear))
	for y := range inner.Rect.Dy() {
		from := inner.Pix[y*inner.Stride:][:inner.Rect.Dx()*4]
		copy(out.Pix[out.PixOffset(box.Min.X, box.Min.Y+y):], from)
	}
	return out
}

// screenshot shows the picture in an application: bars above and below, lines of text
// and a few buttons.
func (c canvas) screenshot(random *rand.Rand) canvas {
	width, height := c.Rect.Dx(), c.Rect.Dy()
	top, bottom := height/12+random.IntN(height/8+1), height/12+random.IntN(height/5+1)
	side := 0
	if random.IntN(2) == 0 {
		side = random.IntN(width/10 + 1)
	}
	ground, ink := palette.RGBA{0xff, 0xff, 0xff, 0xff}, palette.RGBA{0x22, 0x22, 0x22, 0xff}
	if random.IntN(2) == 0 {
		ground, ink = palette.RGBA{0x18, 0x18, 0x1c, 0xff}, palette.RGBA{0xdd, 0xdd, 0xdd, 0xff}
	}
	out := c.within(image.Rect(side, top, width-side, height-bottom), ground)
	out.write(words(random, 5+random.IntN(10)), 4+random.IntN(8), (top-basicfont.Face7x13.Height)/2, ink)
	for x := 4 + random.IntN(6); x < width; x += 12 + random.IntN(20) {
		out.fill(image.Rect(x, height-bottom+2, x+6, height-bottom+8), drawColor(random), true)
	}
	out.write(words(random, 5+random.IntN(16)), 4, height-bottom+8, ink)
	return out
}

// Stickered is the picture with patches on it, by chance. p is not changed, nor by the
// functions below.
func Stickered(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	c := canvasOf(p)
	for range 3 {
		c.sticker(random)
	}
	return c.picture()
}

// Captioned is the picture with text on it, by chance.
func Captioned(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	c := canvasOf(p)
	c.caption(random)
	return c.picture()
}

// Bordered is the picture in a border, by chance.
func Bordered(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	return canvasOf(p).within(borderBox(random, p), drawColor(random)).picture()
}

// Screenshot is the picture as an application shows it, by chance.
func Screenshot(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	return canvasOf(p).screenshot(random).picture()
}
