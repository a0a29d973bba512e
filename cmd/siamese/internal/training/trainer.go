package training

import (
	"siamese/tfmodel"
	"siamese/train/schedule"
)

// leastSteps are an epoch's at least, where nobody says how many: a validation and a save
// follow each epoch, which shorter ones would spend most of the time on.
const leastSteps = 20

// steps returns the number of steps of an epoch of the given number of pictures.
func (c *Command) steps(pictures int) int {
	switch {
	case c.StepsPerEpoch > 0:
		return c.StepsPerEpoch
	case c.Resume != "": // a run of before its configuration said how many
		return max(1, pictures/c.Batch)
	}
	return max(leastSteps, (pictures+c.Batch-1)/c.Batch)
}

// options say what the network's trainer runs on.
func (f trainFlags) options() tfmodel.Options {
	options := tfmodel.Options{
		Device: f.Device, Towers: f.Devices, Cluster: f.Cluster, Precision: tfmodel.Precision(f.Precision),
	}
	if f.Deterministic {
		options.InterThreads = 1
	}
	return options
}

// towers is over how many devices a step is split.
func (f trainFlags) towers() int {
	if len(f.Devices) == 0 {
		return max(1, len(f.Cluster))
	}
	return len(f.Devices)
}

// trainer is the part that the network's trainer takes.
func (f trainFlags) trainer(classes int) tfmodel.TrainerConfig {
	return tfmodel.TrainerConfig{
		Optimizer:         tfmodel.Optimizer(f.Optimizer),
		Momentum:          f.Momentum,
		Nesterov:          f.Nesterov,
		WeightDecay:       f.WeightDecay,
		ClipNorm:          f.ClipNorm,
		HeadRate:          f.HeadRate,
		SparseHead:        f.SparseHead,
		FrozenBlocks:      f.Freeze,
		FrozenProjection:  f.FreezeProjection,
		PairWeight:        f.PairWeight,
		ContrastiveWeight: f.ContrastiveWeight,
		KindWeight:        f.KindWeight,
		ClassWeight:       f.ClassWeight,
		RelationWeight:    f.RelationWeight,
		Temperature:       f.Temperature,
		Classes:           classes,
		AverageDecay:      f.AverageDecay,
		Seed:              f.Seed,
	}
}

// schedule is the course of the learning rate.
func (f trainFlags) schedule(stepsPerEpoch int) schedule.Config {
	rate, minRate := f.Rate, f.MinRate
	if minRate == 0 {
		minRate = rate / 100
	}
	if f.ScaleRate {
		rate, minRate = schedule.Scaled(f.Optimizer, f.Batch, rate, minRate)
	}
	return schedule.Config{
		Kind: schedule.Kind(f.Decay), Rate: rate, MinRate: minRate,
		Epochs: f.courseEpochs(), StepsPerEpoch: stepsPerEpoch, WarmUpSteps: f.WarmUp,
	}
}
