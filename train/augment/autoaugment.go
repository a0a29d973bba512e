package augment

import (
	"math/rand/v2"

	"siamese/imaging"
)

// autoAugment is the augmenter "autoaugment".
type autoAugment struct{ sized }

func (a *autoAugment) Apply(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	p = p.Crop(drawCrop(random, sizeOf(p))).Resize(a.output.width, a.output.height, imaging.Bilinear)
	if chance(random, 0.5) {
		p = flip(p)
	}
	return imageNetPolicies[drawPolicy(random)].apply(random, p)
}
