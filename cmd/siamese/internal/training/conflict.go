package training

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"siamese/cmd/internal/cli"
	"siamese/train/dataset"
)

// conflict reports flags of a new run that contradict each other or change nothing.
func (f trainFlags) conflict() error {
	if f.Combine > 0 && f.ClassWeight > 0 {
		return errors.New("train: --combine makes classes of a batch alone, which --class-weight can't name: use one of them")
	}
	if f.Distinct && !f.Rotations && !f.Mirrors {
		return errors.New("train: --distinct leaves out some of what --rotations and --mirrors make: use it with one of them")
	}
	if err := cli.NotNegative(f); err != nil {
		return err
	}
	if err := f.strokesFlags.conflict(f.Combine, f.ClassWeight); err != nil {
		return err
	}
	if err := f.teacherConflict(); err != nil {
		return err
	}
	if f.Sampler != "pairs" && f.Batch < 2*f.PerClass {
		return fmt.Errorf("train: --batch is %d and --per-class %d, expected a batch of two classes or more: twice --per-class", f.Batch, f.PerClass)
	}
	if f.ValPairs%2 != 0 {
		return fmt.Errorf("train: --val-pairs is %d, expected an even number: half of them are same", f.ValPairs)
	}
	if err := f.FoldConflict(f.Split, changed(f, "HoldOut", "HoldOutOf", "HoldOutIn") != ""); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return f.refuse(f.idle())
}

// idleRule names flags that change nothing where it applies.
type idleRule struct {
	applies    bool
	with, says string
	flags      []string
}

// What some fields of trainFlags are for, by their names: how the augmenters affine and
// edits vary images, the alphabets of the data, and the sampler levels.
var (
	affineFields   = []string{"Rotation", "Shear", "ScaleLow", "ScaleHigh", "Shift", "PartProbability", "Stroke", "Elastic", "ElasticSpacing"}
	editsFields    = []string{"EditStrength", "LeastArea", "LeastQuality", "Mirrored"}
	alphabetFields = []string{"AlphabetShare", "Alphabets", "OnePose", "Combine"}
	levelsFields   = []string{"KindThings", "Copies", "KindTarget", "KindWeight", "Domain", "Forbidden"}
	hardFields     = []string{"HardThings", "HardShare"}
)

// idle are the rules about flags that need nothing but the other flags.
func (f trainFlags) idle() []idleRule {
	const held = "is about what is held out"
	return append(append(f.idleAugmenters(), f.idleTeacher()...), []idleRule{
		{f.Sampler == "pairs", "--sampler pairs", "says how --sampler allpairs draws", []string{"PerClass"}},
		{f.Sampler != "allpairs", "--sampler " + f.Sampler, "says how --sampler allpairs draws", alphabetFields},
		{f.Sampler != "allpairs", "--sampler " + f.Sampler, "is about what --sampler allpairs draws", strokesFields},
		{f.Sampler != "levels", "--sampler " + f.Sampler, "is for --sampler levels", levelsFields},
		{f.Sampler == "pairs", "--sampler pairs", "is for --sampler allpairs and levels", []string{"Hard", "HardSteps"}},
		{f.Hard > 0, "--hard", "looks up by steps in its place", []string{"HardSteps"}},
		{f.Hard == 0 && f.HardSteps == 0, "neither --hard nor --hard-steps", "is about what they look up", hardFields},
		{f.Pooling != "gem", "--pooling " + f.Pooling, "is the power of --pooling gem", []string{"GemPower"}},
		{f.Pooling == "flatten", "--pooling flatten", "is for a pooled network", []string{"Projection", "Unit"}},
		{f.Projection == 0, "--projection 0", "is about --projection", []string{"FreezeProjection"}},
		{f.Elastic == 0, "--elastic 0", "says how an elastic distortion is drawn", []string{"ElasticSpacing"}},
		{f.Split == "none", "--split none", held, []string{"HoldOut", "HoldOutOf", "HoldOutIn", "ValPairs", "OneShotTrials", "Patience"}},
		{f.Split == "image", "--split image", "is about classes or alphabets that are held out", []string{"HoldOut", "HoldOutOf", "HoldOutIn", "OneShotTrials"}},
		{f.Start == "", "no --start", "says what its weights take", []string{"StartScale"}},
		{f.Optimizer != "sgd", "--optimizer " + f.Optimizer, "is about SGD", []string{"Nesterov"}},
		{f.Decay == "constant", "--decay constant", "says how far the learning rate falls", []string{"MinRate"}},
		{f.ContrastiveWeight == 0, "--contrastive-weight 0", "is about the contrastive term", []string{"KindWeight"}},
		{f.ContrastiveWeight == 0 && f.RelationWeight == 0, "--contrastive-weight 0", "is about the contrastive term", []string{"Temperature"}},
		{f.PairWeight == 0, "--pair-weight 0", "is about the pairs' cross-entropy", []string{"KindTarget"}},
	}...)
}

// idleAugmenters are the rules about how images are varied, where no images are varied
// so: neither all by --augment nor those of a domain.
func (f trainFlags) idleAugmenters() []idleRule {
	with := "--augment " + f.Augment
	used := append(slices.Collect(maps.Values(f.DomainAugment)), f.Augment)
	idle := func(name string) bool { return !slices.Contains(used, name) && !slices.Contains(used, "auto") }
	return []idleRule{
		{idle("affine"), with, "says how --augment affine varies images", affineFields},
		{idle("edits"), with, "says how --augment edits varies images", editsFields},
	}
}

// idleWith reports flags that change nothing with the data that was found.
func (f trainFlags) idleWith(learn *dataset.Dataset) error {
	rules := []idleRule{{len(learn.Alphabets()) == 0, "data that has no alphabets", "is about alphabets", append(slices.Clone(alphabetFields), "Twins")}}
	if auto := autoAugment(learn); f.Augment == "auto" {
		f.Augment = auto
	}
	f.DomainAugment = maps.Clone(f.DomainAugment)
	for domain, name := range f.DomainAugment {
		if name == "auto" {
			f.DomainAugment[domain] = autoAugment(learn)
		}
	}
	return f.refuse(append(rules, f.idleAugmenters()...))
}

// refuse reports the first flag that changes nothing by the rules.
func (f trainFlags) refuse(rules []idleRule) error {
	for _, rule := range rules {
		if flag := changed(f, rule.flags...); rule.applies && flag != "" {
			return fmt.Errorf("train: --%s %s, and changes nothing with %s: leave one of them out", flag, rule.says, rule.with)
		}
	}
	return nil
}

// changed returns the flag of the first of the fields that is not at its default;
// empty where all are.
func changed(f trainFlags, fields ...string) string {
	value := reflect.ValueOf(f)
	for _, name := range fields {
		field, _ := value.Type().FieldByName(name)
		now := fmt.Sprint(value.FieldByName(name))
		initial := map[string]string{"bool": "false", "slice": "[]", "map": "map[]"}[field.Type.Kind().String()]
		if now != cmp.Or(field.Tag.Get("default"), initial) {
			return cli.FlagName(field)
		}
	}
	return ""
}
