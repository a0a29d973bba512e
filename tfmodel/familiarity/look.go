package familiarity

import (
	"math"
	"math/bits"
)

// The bands of a look: luminance in 16 even ones; saturation and steps between
// neighbours in 8, of powers of two, the first one for exactly 0.
const (
	lightBands = 16
	stepBands  = 8

	// colourScales and lightScales are how often steps of colour and of luminance are
	// counted, each time at half the size of the last.
	colourScales = 2
	lightScales  = 4
)

// lookLength is how many numbers a look has.
const lookLength = lightBands + stepBands + colourScales*stepBands + 2*lightScales*stepBands

// stepBand is the band of a step of 0..255: 0, 1-3, 4-7, 8-15 and so on to 128-255.
var stepBand = func() (bands [256]uint8) {
	for i := 1; i < len(bands); i++ {
		bands[i] = uint8(max(bits.Len(uint(i))-1, 1))
	}
	return bands
}()

// look sums up how a picture looks, whatever it shows: square roots of the shares of
// its pixels in each band of luminance and saturation, and of its steps from pixel to
// pixel in each band of colour and, across and down, of luminance. A drawing has hard
// steps on even ground, noise has steps everywhere, a blank frame none. pixels is
// uint8 [height,width,3] RGB.
func look(pixels []byte, width, height int) []float32 {
	var counts [lookLength]uint32
	light, saturation := counts[:lightBands], counts[lightBands:lightBands+stepBands]
	luminance := make([]uint8, width*height)
	for i := range luminance {
		r, g, b := int32(pixels[3*i]), int32(pixels[3*i+1]), int32(pixels[3*i+2])
		l := uint8((77*r + 150*g + 29*b) >> 8)
		luminance[i] = l
		light[l>>4]++
		saturation[stepBand[max(r, g, b)-min(r, g, b)]]++
	}
	features := make([]float32, 0, lookLength)
	features = appendShares(features, light)
	features = appendShares(features, saturation)
	rest := counts[lightBands+stepBands:]
	for scale := range colourScales {
		bands := rest[scale*stepBands:][:stepBands]
		countColour(bands, pixels, width, height, 1<<scale)
		features = appendShares(features, bands)
	}
	rest = rest[colourScales*stepBands:]
	for scale := range lightScales {
		bands := rest[2*scale*stepBands:][:2*stepBands]
		across, down := bands[:stepBands], bands[stepBands:]
		countSteps(across, down, luminance, width, height)
		features = appendShares(features, across)
		features = appendShares(features, down)
		width, height = halve(luminance, width, height)
	}
	return features
}

// countColour counts steps of red less green and of blue less green from pixel to
// pixel of a row, of each every-th pixel and row.
func countColour(bands []uint32, pixels []byte, width, height, every int) {
	for y := 0; y < height/every*every; y += every {
		row := pixels[3*y*width : 3*(y+1)*width]
		red, blue := int32(row[0])-int32(row[1]), int32(row[2])-int32(row[1])
		for x := every; x < width/every*every; x += every {
			p := row[3*x : 3*x+3]
			nextRed, nextBlue := int32(p[0])-int32(p[1]), int32(p[2])-int32(p[1])
			bands[stepBand[min(abs(nextRed-red)+abs(nextBlue-blue), 255)]]++
			red, blue = nextRed, nextBlue
		}
	}
}

// countSteps counts steps of luminance across and down.
func countSteps(across, down []uint32, luminance []uint8, width, height int) {
	for y := range height {
		row := luminance[y*width : (y+1)*width]
		for x := 1; x < width; x++ {
			across[stepBand[abs(int32(row[x])-int32(row[x-1]))]]++
		}
		if y == 0 {
			continue
		}
		above := luminance[(y-1)*width : y*width]
		for x, l := range row {
			down[stepBand[abs(int32(l)-int32(above[x]))]]++
		}
	}
}

// halve takes the mean of each two by two pixels, in place, and returns the new size.
func halve(luminance []uint8, width, height int) (halfWidth, halfHeight int) {
	halfWidth, halfHeight = width/2, height/2
	for y := range halfHeight {
		for x := range halfWidth {
			i := 2*y*width + 2*x
			sum := int(luminance[i]) + int(luminance[i+1]) + int(luminance[i+width]) + int(luminance[i+width+1])
			luminance[y*halfWidth+x] = uint8(sum >> 2) // it lies before all that is still to be read
		}
	}
	return halfWidth, halfHeight
}

// appendShares appends the square root of each count's share of all; 0 where there is
// nothing.
func appendShares(to []float32, counts []uint32) []float32 {
	var all uint32
	for _, n := range counts {
		all += n
	}
	for _, n := range counts {
		to = append(to, float32(math.Sqrt(float64(n)/float64(max(all, 1)))))
	}
	return to
}

func abs(v int32) int32 { return max(v, -v) }
