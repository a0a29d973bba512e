package tfmodel

import "fmt"

// Optimizer names an update rule.
type Optimizer string

// The update rules.
const (
	// SGD is Keras' rule with momentum: v = m·v - lr·g; w += v, or with Nesterov
	// w += m·v - lr·g.
	SGD Optimizer = "sgd"
	// Adam is Kingma and Ba's rule with Keras' epsilon, 1e-7. Weight decay is
	// added to the gradient.
	Adam Optimizer = "adam"
	// AdamW is Adam with decoupled weight decay: w -= lr·decay·w beside the step.
	AdamW Optimizer = "adamw"
)

// The constants of Adam, as Keras has them. β1 is TrainerConfig.Momentum.
const (
	adamBeta2   = 0.999
	adamEpsilon = 1e-7
)

// TrainerConfig says how a network is trained. It is part of a checkpoint.
type TrainerConfig struct {
	// Optimizer is the update rule. Default SGD.
	Optimizer Optimizer `json:"optimizer"`
	// Momentum is SGD's momentum and Adam's β1, 0 to below 1. No default: 0 is 0.
	Momentum float64 `json:"momentum"`
	// Nesterov makes SGD's momentum Nesterov's.
	Nesterov bool `json:"nesterov"`
	// WeightDecay is the factor on the weights, 0 or more.
	WeightDecay float64 `json:"weight_decay"`
	// ClipNorm bounds the length of the gradient over all variables. 0: no bound.
	ClipNorm float64 `json:"clip_norm"`
	// HeadRate multiplies the learning rate of the head's layers. Default 1.
	HeadRate float64 `json:"head_rate"`
	// SparseHead keeps the entries of dense_1/kernel that are 0 at 0: a distance
	// head (see DistanceHead) stays one.
	SparseHead bool `json:"sparse_head,omitempty"`
	// HeadDropout is the share of the head's hidden units, 0 to below 1, that a pair of a
	// step does without, others for each pair.
	HeadDropout float64 `json:"head_dropout,omitempty"`
	// FrozenBlocks is how many of the first blocks keep their weights.
	FrozenBlocks int `json:"frozen_blocks"`
	// FrozenProjection keeps the weights of a pooled network's projection.
	FrozenProjection bool `json:"frozen_projection,omitempty"`
	// PairWeight, ContrastiveWeight and ClassWeight are the weights of the loss's
	// terms: the pairs' binary cross-entropy, the supervised contrastive term on
	// embeddings, a linear classifier on embeddings. At least one is above 0.
	PairWeight        float64 `json:"pair_weight"`
	ContrastiveWeight float64 `json:"contrastive_weight"`
	ClassWeight       float64 `json:"class_weight"`
	// KindWeight is how much an image of another class of the same kind counts as
	// alike in the contrastive term, where one of its own class counts 1; 0 to 1.
	KindWeight float64 `json:"kind_weight,omitempty"`
	// RelationWeight is the weight of the term by which the embeddings' cosines come to
	// be as alike as TrainBatch.Relations says. It takes one tower.
	RelationWeight float64 `json:"relation_weight,omitempty"`
	// Temperature divides the cosines of the contrastive and the relation term. Default 0.1.
	Temperature float64 `json:"temperature"`
	// Classes is how many classes the classifier tells apart. Needed with
	// ClassWeight.
	Classes int `json:"classes"`
	// AverageDecay is the decay, 0 to below 1, of a moving average of the
	// weights. 0: none is kept.
	AverageDecay float64 `json:"average_decay"`
	// Seed makes the initial classifier and HeadDropout.
	Seed uint64 `json:"seed"`
}

// withDefaults fills in what was left out.
func (c TrainerConfig) withDefaults() TrainerConfig {
	if c.Optimizer == "" {
		c.Optimizer = SGD
	}
	if c.HeadRate == 0 {
		c.HeadRate = 1
	}
	if c.Temperature == 0 {
		c.Temperature = 0.1
	}
	return c
}

// Validate returns an error that names the first field out of range for a network,
// nil if there is none.
func (c TrainerConfig) Validate(architecture Architecture) error {
	c = c.withDefaults()
	switch c.Optimizer {
	case SGD, Adam, AdamW:
	default:
		return fmt.Errorf("optimizer %q, want sgd, adam or adamw", c.Optimizer)
	}
	checks := []struct {
		name   string
		value  float64
		low    float64
		high   float64
		strict bool // below high
	}{
		{"momentum", c.Momentum, 0, 1, true},
		{"weight decay", c.WeightDecay, 0, 1, false},
		{"average decay", c.AverageDecay, 0, 1, true},
		{"clip norm", c.ClipNorm, 0, 1e9, false},
		{"head rate", c.HeadRate, 0, 1e6, false},
		{"head dropout", c.HeadDropout, 0, 1, true},
		{"pair weight", c.PairWeight, 0, 1e6, false},
		{"contrastive weight", c.ContrastiveWeight, 0, 1e6, false},
		{"class weight", c.ClassWeight, 0, 1e6, false},
		{"relation weight", c.RelationWeight, 0, 1e6, false},
		{"kind weight", c.KindWeight, 0, 1, false},
		{"temperature", c.Temperature, 1e-3, 1e3, false},
	}
	for _, check := range checks {
		if !(check.value >= check.low && check.value <= check.high) || check.strict && check.value == check.high {
			return fmt.Errorf("%s %v, want %v to %v", check.name, check.value, check.low, check.high)
		}
	}
	if c.FrozenBlocks < 0 || c.FrozenBlocks > len(architecture.Blocks) {
		return fmt.Errorf("%d frozen blocks, want 0 to %d", c.FrozenBlocks, len(architecture.Blocks))
	}
	if c.PairWeight+c.ContrastiveWeight+c.ClassWeight+c.RelationWeight == 0 {
		return fmt.Errorf("all terms of the loss have weight 0, want at least one above 0")
	}
	if c.ClassWeight > 0 && c.Classes < 2 {
		return fmt.Errorf("class term for %d classes, want at least 2", c.Classes)
	}
	return nil
}
