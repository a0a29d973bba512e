package augment

import (
	"math/rand/v2"

	"siamese/imaging"
)

// step is one half of a policy.
type step struct {
	probability float64
	operation   operation
	index       int // of the magnitude, 0 to 9; without meaning where there is none
}

// policy is two steps, each taken with its probability.
type policy [2]step

// imageNetPolicies are those of AutoAugment's search on ImageNet (Cubuk et al.,
// "AutoAugment: Learning Augmentation Policies from Data", 2018, appendix), five of
// them twice, as the original trainer lists them.
var imageNetPolicies = [...]policy{
	{{0.4, opPosterize, 8}, {0.6, opRotate, 9}},
	{{0.6, opSolarize, 5}, {0.6, opAutoContrast, 5}},
	{{0.8, opEqualize, 8}, {0.6, opEqualize, 3}},
	{{0.6, opPosterize, 7}, {0.6, opPosterize, 6}},
	{{0.4, opEqualize, 7}, {0.2, opSolarize, 4}},

	{{0.4, opEqualize, 4}, {0.8, opRotate, 8}},
	{{0.6, opSolarize, 3}, {0.6, opEqualize, 7}},
	{{0.8, opPosterize, 5}, {1.0, opEqualize, 2}},
	{{0.2, opRotate, 3}, {0.6, opSolarize, 8}},
	{{0.6, opEqualize, 8}, {0.4, opPosterize, 6}},

	{{0.8, opRotate, 8}, {0.4, opColor, 0}},
	{{0.4, opRotate, 9}, {0.6, opEqualize, 2}},
	{{0.0, opEqualize, 7}, {0.8, opEqualize, 8}},
	{{0.6, opInvert, 4}, {1.0, opEqualize, 8}},
	{{0.6, opColor, 4}, {1.0, opContrast, 8}},

	{{0.8, opRotate, 8}, {1.0, opColor, 2}},
	{{0.8, opColor, 8}, {0.8, opSolarize, 7}},
	{{0.4, opSharpness, 7}, {0.6, opInvert, 8}},
	{{0.6, opShearX, 5}, {1.0, opEqualize, 9}},
	{{0.4, opColor, 0}, {0.6, opEqualize, 3}},

	{{0.4, opEqualize, 7}, {0.2, opSolarize, 4}},
	{{0.6, opSolarize, 5}, {0.6, opAutoContrast, 5}},
	{{0.6, opInvert, 4}, {1.0, opEqualize, 8}},
	{{0.6, opColor, 4}, {1.0, opContrast, 8}},
	{{0.8, opEqualize, 8}, {0.6, opEqualize, 3}},
}

// drawPolicy returns the index of one, each as likely as the others.
func drawPolicy(random *rand.Rand) int {
	return random.IntN(len(imageNetPolicies))
}

// apply takes the steps that chance takes; where it takes none, the result is p.
func (s policy) apply(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	for _, half := range s {
		if !chance(random, half.probability) {
			continue
		}
		sign := 1.0
		if chance(random, 0.5) {
			sign = -1
		}
		p = half.operation.perform(p, half.index, sign)
	}
	return p
}
