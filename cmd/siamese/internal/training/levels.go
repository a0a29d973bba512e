package training

import (
	"siamese/cmd/siamese/internal/datasets"
	"siamese/train/dataset"
	"siamese/train/sample"
)

// levelsFlags are those of --sampler levels.
type levelsFlags struct {
	KindThings int                `help:"Sets how many things of a kind are in a batch of levels. 0: 3." default:"0" json:"kind_things,omitempty"`
	Copies     float64            `help:"Sets the probability that a further image of a thing, in a batch of levels, is the first one again, edited differently. 0: 0.5." default:"0" json:"copies,omitempty"`
	KindTarget float64            `help:"Sets the similarity that the head is to give two things of one kind, with --sampler levels." default:"0" json:"kind_target,omitempty"`
	Domain     map[string]float64 `help:"Sets the share of a batch of levels that a domain has; 1 where not given." placeholder:"NAME=SHARE" json:"domain,omitempty"`
}

// hardFlags are about things that look alike to the network.
type hardFlags struct {
	Hard       int     `help:"Looks up every this many epochs which things look alike to the network and draws them together: with --sampler allpairs those of one alphabet, with levels any. 0: never." default:"0" json:"hard,omitempty"`
	HardSteps  int     `help:"Looks up every this many steps, in the place of --hard: for runs of one long epoch. 0: never." default:"0" json:"hard_steps,omitempty"`
	HardThings int     `help:"Limits how many things are looked at for --hard or --hard-steps, drawn by chance each time." default:"1000" json:"hard_things,omitempty"`
	HardShare  float64 `help:"Sets the share that is drawn for looking alike, 0 to 0.9: with --sampler allpairs of the classes of --alphabet-share, with levels of --kind-things. 0: 0.5." default:"0" json:"hard_share,omitempty"`
}

// levels makes the sampler of that name.
func (f trainFlags) levels(learn *dataset.Dataset) (sample.Sampler, error) {
	config := sample.LevelsConfig{
		Images: f.Batch, PerThing: f.PerClass, KindThings: f.KindThings, Copies: f.Copies,
		Domains: f.Domain, Seed: f.Seed, HardShare: f.HardShare,
	}
	var err error
	if config.Forbidden, err = datasets.ReadForbidden(f.Forbidden); err != nil {
		return nil, err
	}
	return sample.NewLevels(learn, config)
}
