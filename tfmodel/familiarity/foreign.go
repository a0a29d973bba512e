package familiarity

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// ForeignKinds names what Foreign draws, in turn. The caller owns the slice.
func ForeignKinds() []string {
	return []string{"blank frames", "noise", "screens of text", "line drawings"}
}

// Foreign draws pictures that hardly any model is made for, width by height pixels,
// uint8 [height,width,3] RGB each: those of ForeignKinds
// one after the other, by the seed.
func Foreign(count, width, height int, seed uint64) ([][]byte, error) {
	random := rand.New(rand.NewPCG(seed, 7))
	faces, err := textFaces()
	if err != nil {
		return nil, err
	}
	pictures := make([][]byte, count)
	for i := range pictures {
		c := &canvas{random: random, faces: faces}
		c.RGBA = image.NewRGBA(image.Rect(0, 0, width*(1+random.IntN(4)), height*(1+random.IntN(4))))
		switch i % 4 {
		case 0:
			c.blank()
		case 1:
			c.noise()
		case 2:
			c.text()
		default:
			c.lines()
		}
		pictures[i] = c.shrunk(width, height)
	}
	return pictures, nil
}

// textFaces are fonts of some sizes.
func textFaces() ([]font.Face, error) {
	var faces []font.Face
	for _, data := range [][]byte{goregular.TTF, gobold.TTF, gomono.TTF} {
		parsed, err := opentype.Parse(data)
		if err != nil {
			return nil, err
		}
		for _, size := range []float64{9, 12, 16, 24} {
			face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72})
			if err != nil {
				return nil, err
			}
			faces = append(faces, face)
		}
	}
	return faces, nil
}

// canvas is a picture that is drawn by chance.
type canvas struct {
	*image.RGBA
	random *rand.Rand
	faces  []font.Face
}

// blank is one colour, in half of the pictures with a slight run of light or the noise
// of a camera in the dark.
func (c *canvas) blank() {
	r, g, b := c.random.Float64()*255, c.random.Float64()*255, c.random.Float64()*255
	if c.random.IntN(2) == 0 { // black, white, grey
		level := []float64{0, 255, r}[c.random.IntN(3)]
		r, g, b = level, level, level
	}
	var run, grain float64
	switch c.random.IntN(4) {
	case 0:
		run = c.random.Float64() * 40
	case 1:
		grain = c.random.Float64() * 3
	}
	width := float64(c.Rect.Dx())
	c.each(func(x, _ int) (float64, float64, float64) {
		d := run*(float64(x)/width-0.5) + grain*c.random.NormFloat64()
		return r + d, g + d, b + d
	})
}

// noise is of single pixels or of blots, coloured or grey, even, normal or of black and
// white.
func (c *canvas) noise() {
	size := 1 << c.random.IntN(6)
	grid := image.NewRGBA(image.Rect(0, 0, max(c.Rect.Dx()/size, 2), max(c.Rect.Dy()/size, 2)))
	coloured, sort, spread := c.random.IntN(2) == 0, c.random.IntN(3), 20+c.random.Float64()*60
	value := func() float64 {
		switch sort {
		case 0:
			return c.random.Float64() * 255
		case 1:
			return 128 + spread*c.random.NormFloat64()
		default:
			return float64(c.random.IntN(2)) * 255
		}
	}
	(&canvas{RGBA: grid}).each(func(int, int) (float64, float64, float64) {
		r := value()
		if !coloured {
			return r, r, r
		}
		return r, value(), value()
	})
	scaler := draw.Scaler(draw.NearestNeighbor)
	if c.random.IntN(2) == 0 {
		scaler = draw.CatmullRom
	}
	scaler.Scale(c.RGBA, c.Rect, grid, grid.Rect, draw.Src, nil)
}

// text is a page or screen of words, with bars at its edges in some.
func (c *canvas) text() {
	ground, ink := color.RGBA{255, 255, 255, 255}, color.RGBA{0, 0, 0, 255}
	if c.random.IntN(3) == 0 {
		ground, ink = c.shade(0, 60), c.shade(160, 256)
	} else if c.random.IntN(3) == 0 {
		ground, ink = c.shade(200, 256), c.shade(0, 90)
	}
	c.fill(c.Rect, ground)
	for range c.random.IntN(3) {
		c.fill(c.bar(), c.shade(40, 256))
	}
	face := c.faces[c.random.IntN(len(c.faces))]
	drawer := font.Drawer{Dst: c.RGBA, Src: image.NewUniform(ink), Face: face}
	line := face.Metrics().Height.Ceil() + c.random.IntN(6)
	for y := line; y < c.Rect.Dy(); y += line {
		if c.random.IntN(8) == 0 {
			continue // between paragraphs
		}
		if c.random.IntN(6) == 0 {
			drawer.Src = image.NewUniform(c.shade(0, 256))
		}
		drawer.Dot = fixed.P(4+8*c.random.IntN(5), y)
		drawer.DrawString(c.words(1 + c.random.IntN(16)))
	}
}

// words are of chance letters.
func (c *canvas) words(count int) string {
	const letters = "eeeeetttaaooiinnsshhrrddllucmwfgypbvkETAOINS0123456789.,(){}=:_-"
	var text []byte
	for range count {
		for range 1 + c.random.IntN(9) {
			text = append(text, letters[c.random.IntN(len(letters))])
		}
		text = append(text, ' ')
	}
	return string(text)
}

// bar lies along an edge.
func (c *canvas) bar() image.Rectangle {
	bar := c.Rect
	switch c.random.IntN(4) {
	case 0:
		bar.Max.Y = bar.Dy() / (5 + c.random.IntN(10))
	case 1:
		bar.Max.X = bar.Dx() / (3 + c.random.IntN(8))
	case 2:
		bar.Min.Y = bar.Dy() - bar.Dy()/(5+c.random.IntN(10))
	default:
		bar.Min.X = bar.Dx() - bar.Dx()/(3+c.random.IntN(8))
	}
	return bar
}

// lines are strokes, straight and bent, rings and boxes on an even ground.
func (c *canvas) lines() {
	ground := color.RGBA{255, 255, 255, 255}
	low, high := 0, 1
	switch c.random.IntN(4) {
	case 0:
		ground, low, high = c.shade(0, 60), 150, 256
	case 1:
		ground, high = c.shade(200, 256), 100
	case 2:
		high = 200
	}
	c.fill(c.Rect, ground)
	side := float64(min(c.Rect.Dx(), c.Rect.Dy()))
	for range 1 + c.random.IntN(10) {
		ink, pen := c.shade(low, high), side*(0.005+c.random.Float64()*0.03)
		x, y := c.random.Float64()*float64(c.Rect.Dx()), c.random.Float64()*float64(c.Rect.Dy())
		length, turn, bend := side*(0.1+c.random.Float64()), c.random.Float64()*2*math.Pi, 0.0
		if c.random.IntN(2) == 0 {
			bend = c.random.NormFloat64() * 8 / side
		}
		for step := 0.0; step < length; step += 0.7 {
			c.dot(x, y, pen, ink)
			x, y, turn = x+0.7*math.Cos(turn), y+0.7*math.Sin(turn), turn+0.7*bend
			if bend == 0 && c.random.Float64() < 2/side {
				turn += math.Pi / 2 // a corner
			}
		}
	}
}

// dot paints a disc.
func (c *canvas) dot(x, y, radius float64, ink color.RGBA) {
	for dy := -radius; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			if dx*dx+dy*dy <= radius*radius {
				c.SetRGBA(int(x+dx), int(y+dy), ink) // nothing outside
			}
		}
	}
}

// shade is a grey or a colour whose channels lie from low to below high.
func (c *canvas) shade(low, high int) color.RGBA {
	channel := func() uint8 { return uint8(low + c.random.IntN(high-low)) }
	grey := channel()
	if c.random.IntN(2) == 0 {
		return color.RGBA{grey, grey, grey, 255}
	}
	return color.RGBA{channel(), channel(), channel(), 255}
}

func (c *canvas) fill(area image.Rectangle, shade color.RGBA) {
	draw.Draw(c.RGBA, area, image.NewUniform(shade), image.Point{}, draw.Src)
}

// each sets every pixel, clipped to 0..255.
func (c *canvas) each(pixel func(x, y int) (r, g, b float64)) {
	clip := func(v float64) uint8 { return uint8(min(max(v, 0), 255)) }
	for y := range c.Rect.Dy() {
		for x := range c.Rect.Dx() {
			r, g, b := pixel(x, y)
			c.SetRGBA(x, y, color.RGBA{clip(r), clip(g), clip(b), 255})
		}
	}
}

// shrunk is the picture at the network's size.
func (c *canvas) shrunk(width, height int) []byte {
	small := image.NewRGBA(image.Rect(0, 0, width, height))
	scaler := draw.Scaler(draw.BiLinear)
	scaler.Scale(small, small.Rect, c.RGBA, c.Rect, draw.Src, nil)
	pixels := make([]byte, 0, 3*width*height)
	for i := 0; i < len(small.Pix); i += 4 {
		pixels = append(pixels, small.Pix[i:i+3]...)
	}
	return pixels
}
