package bench

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
)

// Pictures to send: each number gives another one, the same in each run.
const (
	sceneWidth, sceneHeight = 640, 480
	sceneQuality            = 85 // with the noise some 90 kB, as a camera's
	sceneNoise              = 24 // grey levels

	drawingSize    = 105 // of each side
	drawingStrokes = 4
)

// picture makes the picture of a number, an image file.
type picture func(number int) ([]byte, error)

// Scenes makes n different JPEGs of 640×480, the same in each run.
func Scenes(n int) ([][]byte, error) { return pictures(n, scene) }

// Drawings makes n different PNGs of 105×105, the same in each run.
func Drawings(n int) ([][]byte, error) { return pictures(n, drawing) }

// pictures makes the first n of a kind.
func pictures(n int, kind picture) ([][]byte, error) {
	made := make([][]byte, n)
	for i := range made {
		var err error
		if made[i], err = kind(i); err != nil {
			return nil, fmt.Errorf("picture %d: %w", i, err)
		}
	}
	return made, nil
}

// scene is a JPEG of 640×480: waves of colour with the noise of a camera.
func scene(number int) ([]byte, error) {
	random := numbered(number)
	picture := image.NewYCbCr(image.Rect(0, 0, sceneWidth, sceneHeight), image.YCbCrSubsampleRatio420)
	across, down, phase := 1+9*random.Float64(), 1+9*random.Float64(), 2*math.Pi*random.Float64()
	for y := range sceneHeight {
		for x := range sceneWidth {
			wave := math.Sin(across*float64(x)/sceneWidth+phase) * math.Cos(down*float64(y)/sceneHeight)
			picture.Y[y*picture.YStride+x] = byte(128 + 90*wave + sceneNoise*(random.Float64()-0.5))
		}
	}
	for i := range picture.Cb {
		picture.Cb[i] = byte(128 + 60*math.Sin(across*float64(i)/float64(len(picture.Cb))))
		picture.Cr[i] = byte(128 + 60*math.Cos(down*float64(i)/float64(len(picture.Cr))))
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: sceneQuality}); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// drawing is a PNG of 105×105: black strokes on white, like a character.
func drawing(number int) ([]byte, error) {
	random := numbered(number)
	picture := image.NewGray(image.Rect(0, 0, drawingSize, drawingSize))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for range drawingStrokes {
		drawStroke(picture, random)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// drawStroke draws a curve with a pen of three pixels.
func drawStroke(picture *image.Gray, random *rand.Rand) {
	const margin, points, pen = 10, 200, 3
	at := func() float64 { return margin + random.Float64()*(drawingSize-2*margin) }
	x0, y0, x1, y1, x2, y2 := at(), at(), at(), at(), at(), at()
	for i := range points {
		t := float64(i) / points
		x := (1-t)*(1-t)*x0 + 2*t*(1-t)*x1 + t*t*x2
		y := (1-t)*(1-t)*y0 + 2*t*(1-t)*y1 + t*t*y2
		for dy := range pen {
			for dx := range pen {
				picture.SetGray(int(x)+dx, int(y)+dy, color.Gray{})
			}
		}
	}
}

// numbered is the chance of a picture: the same for the same number.
func numbered(number int) *rand.Rand {
	return rand.New(rand.NewPCG(1, uint64(number))) //nolint:gosec // pictures, no secrets
}
