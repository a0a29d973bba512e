package augment

import (
	"image"
	"math"
	"math/rand/v2"
)

// The crops of the original trainer, which are torchvision's RandomResizedCrop.
const (
	minCropArea   = 0.08 // of the picture's
	maxCropArea   = 1.0
	minCropAspect = 3. / 4 // width by height
	maxCropAspect = 4. / 3
	cropTries     = 10
)

// drawCrop draws the area evenly, the aspect evenly by its logarithm and the place
// evenly. Where no try fits into the picture, the crop is the largest central one of
// an allowed aspect.
func drawCrop(random *rand.Rand, s size) image.Rectangle {
	for range cropTries {
		area := uniform(random, minCropArea, maxCropArea) * float64(s.width*s.height)
		aspect := math.Exp(uniform(random, math.Log(minCropAspect), math.Log(maxCropAspect)))
		// The original crops a picture of few pixels to none and fails there.
		width := max(1, int(math.RoundToEven(math.Sqrt(area*aspect))))
		height := max(1, int(math.RoundToEven(math.Sqrt(area/aspect))))
		if width > s.width || height > s.height {
			continue
		}
		y := random.IntN(s.height - height + 1)
		x := random.IntN(s.width - width + 1)
		return image.Rect(x, y, x+width, y+height)
	}
	return centralCrop(s)
}

// centralCrop cuts what is too wide or too high for an allowed aspect.
func centralCrop(s size) image.Rectangle {
	width, height := s.width, s.height
	switch aspect := float64(width) / float64(height); {
	case aspect < minCropAspect:
		height = int(math.RoundToEven(float64(width) / minCropAspect))
	case aspect > maxCropAspect:
		width = int(math.RoundToEven(float64(height) * maxCropAspect))
	}
	x, y := (s.width-width)/2, (s.height-height)/2
	return image.Rect(x, y, x+width, y+height)
}
