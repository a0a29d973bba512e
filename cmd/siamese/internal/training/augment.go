package training

import (
	"fmt"
	"slices"

	"siamese/train/augment"
	"siamese/train/dataset"
)

// editsFlags are those of --augment edits.
type editsFlags struct {
	EditStrength  float64           `help:"Multiplies the probabilities of edits. 0: 1." default:"0" json:"edit_strength,omitempty"`
	LeastArea     float64           `help:"Sets the smallest share of a picture that edits crop to. 0: 0.2." default:"0" json:"least_area,omitempty"`
	LeastQuality  int               `help:"Sets the lowest JPEG quality of edits. 0: 3." default:"0" json:"least_quality,omitempty"`
	Mirrored      bool              `help:"Mirrors half of the pictures, in edits. Not for text and characters." json:"mirrored,omitempty"`
	DomainAugment map[string]string `help:"Chooses another --augment for the images of a domain." placeholder:"NAME=AUGMENT" json:"domain_augment,omitempty"`
}

// edits is the augmenter's part of the flags.
func (f editsFlags) edits() augment.EditsConfig {
	return augment.EditsConfig{Strength: f.EditStrength, LeastArea: f.LeastArea, LeastQuality: f.LeastQuality, Mirror: f.Mirrored}
}

// domainAugmenters are the augmenters of --domain-augment.
func (f trainFlags) domainAugmenters(learn *dataset.Dataset) (map[string]augment.Augmenter, error) {
	augmenters := map[string]augment.Augmenter{}
	for domain, name := range f.DomainAugment {
		if !slices.ContainsFunc(learn.Classes(), func(c dataset.Class) bool { return c.Domain == domain }) {
			return nil, fmt.Errorf("train: --domain-augment: %w: domain %q", dataset.ErrUnknownName, domain)
		}
		augmenter, err := f.augmenterNamed(name, learn)
		if err != nil {
			return nil, err
		}
		augmenters[domain] = augmenter
	}
	return augmenters, nil
}

func (f trainFlags) augmenter(learn *dataset.Dataset) (augment.Augmenter, error) {
	return f.augmenterNamed(f.Augment, learn)
}

func (f trainFlags) augmenterNamed(name string, learn *dataset.Dataset) (augment.Augmenter, error) {
	affine := augment.DefaultAffine()
	affine.RotationDegrees, affine.Shear = f.Rotation, f.Shear
	affine.ScaleLow, affine.ScaleHigh = f.ScaleLow, f.ScaleHigh
	affine.ShiftPixels, affine.Probability = f.Shift, f.PartProbability
	if f.Stroke > 0 {
		affine.StrokePixels, affine.StrokeProbability = f.Stroke, f.PartProbability
	}
	affine.ElasticPixels, affine.ElasticSpacing, affine.ElasticProbability = f.Elastic, f.ElasticSpacing, f.PartProbability
	return newAugmenter(name, learn, augment.Config{Width: f.InputSize, Height: f.InputSize, Affine: affine, Edits: f.edits()})
}

// autoAugment is the augmenter that auto stands for: affine for Omniglot's layout, edits
// for things and domains, else autoaugment.
func autoAugment(learn *dataset.Dataset) string {
	switch learn.Layout() {
	case dataset.Omniglot:
		return "affine"
	case dataset.Things, dataset.Domains:
		return "edits"
	}
	return "autoaugment"
}

// newAugmenter makes the augmenter of a name, or what auto stands for.
func newAugmenter(name string, learn *dataset.Dataset, config augment.Config) (augment.Augmenter, error) {
	if name == "auto" {
		name = autoAugment(learn)
	}
	return augment.New(name, config)
}
