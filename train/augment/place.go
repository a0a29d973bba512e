package augment

import "siamese/imaging"

// Place returns the picture turned clockwise by degrees about its centre and then
// shifted by so many pixels to the right and down, on white paper. The picture
// given stays as it is.
func Place(p *imaging.Picture, degrees, shiftX, shiftY float64) *imaging.Picture {
	placed := distortion{degrees: -degrees, scaleX: 1, scaleY: 1, shiftX: shiftX, shiftY: shiftY}
	return bilinearWarp(p, placed.inverse(sizeOf(p)), white)
}

// white is the level of paper.
const white = 255
