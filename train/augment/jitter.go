package augment

import (
	"math/rand/v2"

	"siamese/imaging"
)

// The ranges of the original trainer's second way.
const (
	aspectJitter   = 0.3 // the aspect changes by U(1-j,1+j)/U(1-j,1+j)
	minJitterScale = 0.75
	maxJitterScale = 1.5
	turnDegrees    = 15 // whole degrees from -15 to 14
	hueGain        = 0.1
	saturationGain = 0.7
	valueGain      = 0.3
)

// jitter is the augmenter "jitter".
type jitter struct{ sized }

func (j *jitter) Apply(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	d := j.draw(random, sizeOf(p))
	p = placed(p.Resize(d.scaled.width, d.scaled.height, imaging.Bicubic), j.output, d.x, d.y)
	if d.flip {
		p = flip(p)
	}
	if d.degrees != 0 {
		p = turn(p, d.degrees)
	}
	return d.gains.apply(p)
}

// jitterDraw is all that chance decides.
type jitterDraw struct {
	scaled  size // of the picture before it is placed
	x, y    int  // of its top left corner on the output
	flip    bool
	degrees float64
	gains   gains
}

// draw keeps the original's order.
func (j *jitter) draw(random *rand.Rand, s size) jitterDraw {
	var d jitterDraw
	d.scaled = j.drawScaled(random, s)
	d.x = int(uniform(random, 0, float64(j.output.width-d.scaled.width)))
	d.y = int(uniform(random, 0, float64(j.output.height-d.scaled.height)))
	d.flip = chance(random, 0.5)
	if chance(random, 0.5) {
		d.degrees = float64(random.IntN(2*turnDegrees) - turnDegrees)
	}
	d.gains = gains{
		hue:        1 + uniform(random, -hueGain, hueGain),
		saturation: 1 + uniform(random, -saturationGain, saturationGain),
		value:      1 + uniform(random, -valueGain, valueGain),
	}
	return d
}

// drawScaled gives the longer side of the picture a share of the output's.
func (j *jitter) drawScaled(random *rand.Rand, s size) size {
	aspect := float64(s.width) / float64(s.height)
	aspect *= uniform(random, 1-aspectJitter, 1+aspectJitter) / uniform(random, 1-aspectJitter, 1+aspectJitter)
	scale := uniform(random, minJitterScale, maxJitterScale)
	var to size
	if aspect < 1 {
		to.height = int(scale * float64(j.output.height))
		to.width = int(float64(to.height) * aspect)
	} else {
		to.width = int(scale * float64(j.output.width))
		to.height = int(float64(to.width) / aspect)
	}
	return size{width: max(1, to.width), height: max(1, to.height)} // the original fails at 0
}

// placed lays the picture on grey, its top left corner at x, y, which may lie
// outside.
func placed(p *imaging.Picture, output size, x, y int) *imaging.Picture {
	out := output.fill(grey)
	left, right := max(0, x), min(output.width, x+p.Width)
	if left >= right {
		return out
	}
	for row := max(0, y); row < min(output.height, y+p.Height); row++ {
		from := ((row-y)*p.Width + left - x) * 3
		copy(out.Pix[(row*output.width+left)*3:(row*output.width+right)*3], p.Pix[from:])
	}
	return out
}
