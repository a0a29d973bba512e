package training

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/tfmodel"
	"siamese/train/dataset"
	"siamese/train/schedule"
)

// trainFlags are a run's configuration: what config.json in its folder holds.
type trainFlags struct {
	DataPath   string `kong:"-" json:"data"`
	DataDigest string `kong:"-" json:"data_digest,omitempty"` // dataset.Report.Digest; empty in runs of before

	Name string `help:"Names the model in the cards of its weights, which servers tell. Empty: as the run folder." placeholder:"NAME" json:"name,omitempty"`

	Layout     string   `help:"Says how the data is laid out: auto, omniglot (alphabet/character/image), things (kind/thing/image), domains (domain/kind/thing/image) or own (class/image)." enum:"auto,omniglot,things,domains,own" default:"auto" json:"layout"`
	Unreadable string   `help:"Chooses what to do about unreadable images: stop or skip." enum:"stop,skip" default:"stop" json:"unreadable"`
	Split      string   `help:"Chooses what is held out for validation: image (upstream's way), class, alphabet or none." enum:"image,class,alphabet,none" default:"image" json:"split"`
	HoldOut    int      `help:"Sets how many classes or alphabets are held out. 0: a tenth." default:"0" json:"hold_out"`
	HoldOutOf  []string `help:"Names the classes or alphabets that are held out. Empty: drawn by --seed." placeholder:"NAME" json:"hold_out_of"`
	HoldOutIn  string   `help:"Names a file of the classes, kinds or domains that are held out, one a line; with --split class. Empty: none." placeholder:"FILE" json:"hold_out_in,omitempty"`

	datasets.FoldFlags

	Forbidden string `help:"Names a file of classes that must not count as different: groups of names or patterns, one a line (docs/training.md); with --sampler levels. Empty: none." placeholder:"FILE" json:"forbidden,omitempty"`
	Rotations bool   `help:"Takes the quarter turns of each class as further classes." json:"rotations"`
	Mirrors   bool   `help:"Takes the mirror image of each class as a further class; with --rotations its quarter turns, too. What looks like another class of its alphabet is left out." json:"mirrors,omitempty"`
	Distinct  bool   `help:"Leaves out quarter turns that look like another class of their alphabet; --mirrors implies it." json:"distinct,omitempty"`

	Start              string     `help:"Names the weights to begin with: builtin (general's) or builtin:omniglot, of the built-in models, a VGG16 notop file, any weight file of the network, or a SavedModel folder. Layers of another shape begin from scratch. Empty: all do, by He." placeholder:"FILE" json:"start"`
	network.TrustFlags `json:"-"` // of Start

	StartScale string `help:"Says what the first convolution of --start takes: unit (RGB in 0..1) or imagenet (BGR less the mean colour). auto: imagenet for a file without a head." enum:"auto,unit,imagenet" default:"auto" json:"start_scale"`
	InputSize  int    `help:"Sets height and width of the network's input, in pixels." default:"105" json:"input_size"`
	KeptSize   int    `help:"Sets height and width at which pictures are kept for augmentation, so that crops of them stay sharp, in pixels. 0: the input's." default:"0" json:"kept_size,omitempty"`

	architectureFlags

	Sampler       string  `help:"Chooses how batches are drawn: allpairs (all pairs of some classes), levels (all pairs of things of some kinds) or pairs (upstream's anchors)." enum:"allpairs,levels,pairs" default:"allpairs" json:"sampler"`
	Batch         int     `help:"Sets the images in a batch; with --sampler pairs the anchors." default:"64" json:"batch"`
	PerClass      int     `help:"Sets the images of a class in a batch of allpairs or levels." default:"4" json:"per_class"`
	AlphabetShare float64 `help:"Sets the share of a batch's classes that are of one alphabet." default:"0.75" json:"alphabet_share"`
	Alphabets     int     `help:"Spreads the classes of --alphabet-share over this many alphabets. 0: one." default:"0" json:"alphabets,omitempty"`
	OnePose       bool    `help:"Counts an alphabet that is turned or mirrored as one of its own in --alphabet-share: the classes from it are turned and mirrored alike." json:"one_pose,omitempty"`
	Combine       float64 `help:"Sets the share of a batch's classes that are combined: two characters of an alphabet side by side, one above the other or drawn over each other. 0: none." default:"0" json:"combine,omitempty"`

	strokesFlags

	levelsFlags
	hardFlags

	Augment string `help:"Chooses how images are varied: affine, autoaugment (upstream's default), jitter (upstream's other way), edits (crops, text, compression and whatever else happens to pictures that are passed on) or none. auto: affine for Omniglot's layout, edits for things and domains, else autoaugment." enum:"auto,affine,autoaugment,edits,jitter,none" default:"auto" json:"augment"`
	editsFlags
	Rotation        float64 `help:"Sets the largest angle of affine, in degrees." default:"10" json:"rotation"`
	Shear           float64 `help:"Sets the largest shear of affine." default:"0.3" json:"shear"`
	ScaleLow        float64 `help:"Sets the smallest scale of affine." default:"0.8" json:"scale_low"`
	ScaleHigh       float64 `help:"Sets the largest scale of affine." default:"1.2" json:"scale_high"`
	Shift           float64 `help:"Sets the largest shift of affine, in pixels." default:"2" json:"shift"`
	PartProbability float64 `help:"Sets the probability of each part of affine." default:"0.5" json:"part_probability"`
	Stroke          int     `help:"Moves a stroke's edges by up to this many pixels, in affine. 0: not at all." default:"0" json:"stroke"`
	Elastic         float64 `help:"Moves the knots of an elastic distortion by up to this many pixels, in affine; the picture moves by about a quarter of it. 0: none." default:"0" json:"elastic,omitempty"`
	ElasticSpacing  int     `help:"Sets the pixels between the knots of an elastic distortion, in affine; the more, the smoother. 0: 20." default:"0" json:"elastic_spacing,omitempty"`

	Optimizer   string  `help:"Chooses the update rule: sgd, adam or adamw." enum:"sgd,adam,adamw" default:"adam" json:"optimizer"`
	Rate        float64 `help:"Sets the highest learning rate. Upstream advises 0.01 for sgd." default:"0.0003" json:"rate"`
	MinRate     float64 `help:"Sets the lowest learning rate. 0: a hundredth of the highest." default:"0" json:"min_rate"`
	ScaleRate   bool    `help:"Scales the learning rates by the batch as upstream does." json:"scale_rate"`
	Decay       string  `help:"Chooses the course of the learning rate: cos and step (upstream's), smooth (cos by steps, with a shorter rise and end in runs of less than ten epochs) or constant." enum:"cos,smooth,step,constant" default:"cos" json:"decay"`
	WarmUp      int     `help:"Raises the learning rate linearly over this many first steps. 0: none." default:"0" json:"warm_up"`
	Momentum    float64 `help:"Sets SGD's momentum, Adam's β1." default:"0.9" json:"momentum"`
	Nesterov    bool    `help:"Uses Nesterov's momentum in SGD, as upstream." default:"true" negatable:"" json:"nesterov"`
	WeightDecay float64 `help:"Sets the weight decay. 0: none." default:"0" json:"weight_decay"`
	ClipNorm    float64 `help:"Limits the gradient's length. 0: no limit." default:"1" json:"clip_norm"`
	HeadRate    float64 `help:"Sets the factor on the head's learning rate." default:"1" json:"head_rate"`
	SparseHead  bool    `help:"Keeps the entries of the head's first layer that are 0 at 0: a distance head, as siamese head --begin distance makes it, stays one." json:"sparse_head,omitempty"`
	Freeze      int     `help:"Keeps the weights of this many first blocks. 0: all are trained." default:"0" json:"freeze"`

	FreezeProjection bool `help:"Keeps the weights of --projection." json:"freeze_projection,omitempty"`

	AverageDecay float64 `help:"Sets the decay of a moving average of the weights, which is then validated and saved. 0: none." default:"0" json:"average_decay"`

	PairWeight        float64 `help:"Sets the weight of the pairs' cross-entropy in the loss. 0: none." default:"1" json:"pair_weight"`
	KindWeight        float64 `help:"Sets how much an image of another thing of the same kind counts as alike in the contrastive term, where one of the same thing counts 1. 0: as different." default:"0" json:"kind_weight,omitempty"`
	ContrastiveWeight float64 `help:"Sets the weight of the supervised contrastive term on embeddings in the loss. 0: none." default:"0" json:"contrastive_weight"`
	Temperature       float64 `help:"Sets the temperature of the contrastive term, and of --relation-weight's." default:"0.1" json:"temperature"`
	ClassWeight       float64 `help:"Sets the weight of a classifier on embeddings in the loss. 0: none." default:"0" json:"class_weight"`

	teacherFlags

	Epochs        int  `help:"Sets the epochs to train. 0: 100, or with --time-limit until the time is over." default:"0" json:"epochs"`
	TimeLimit     span `help:"Trains for this long, such as 8m, from the program's start to its end, and spreads the learning rate's course over it; with --resume, for this much longer. 0: no limit, or with --resume what the run's own limit has left." default:"0" placeholder:"DURATION" json:"time_limit,omitempty"`
	StepsPerEpoch int  `help:"Sets the steps of an epoch. 0: as many as batches make up the images, but at least 20." default:"0" json:"steps_per_epoch"`
	SavePeriod    int  `help:"Keeps the weights each time this many epochs have passed. 0: at the end alone." default:"10" json:"save_period"`
	SaveEvery     span `help:"Saves the state within an epoch, too, each time this long has passed, such as 5m. 0: at the end of epochs alone." default:"0" placeholder:"DURATION" json:"save_every,omitempty"`
	Patience      int  `help:"Stops after this many epochs without a better validation. 0: never." default:"0" json:"patience"`
	LogSteps      int  `help:"Sets the steps between log lines." default:"10" json:"log_steps"`
	ValPairs      int  `help:"Sets the pairs of the validation, an even number; each is taken once, so that fewer are of few images." default:"400" json:"val_pairs"`
	OneShotTrials int  `help:"Sets the one-shot trials of the validation, where classes or alphabets are held out; no more than there are pairs of a class. 0: none." default:"200" name:"oneshot-trials" json:"oneshot_trials"`

	DataMemory int `help:"Limits the memory for decoded images, in MiB; an image that is in memory is not decoded again. It takes a byte a pixel if it is gray, else three. 0: no image is kept." default:"1024" json:"data_memory"`

	Workers   int      `help:"Sets how many images are decoded and augmented at a time. 0: one a core." default:"0" json:"workers"`
	Seed      uint64   `help:"Seeds everything that is drawn." default:"1" json:"seed"`
	Device    string   `help:"Chooses where to train: auto, cpu or gpu:N." default:"auto" json:"device"`
	Devices   []string `help:"Splits each step over these devices, such as gpu:0,gpu:1, or worker:0,worker:1 of --cluster: each takes a batch of its own. Empty: --device alone." placeholder:"DEVICE" json:"devices"`
	Cluster   []string `help:"Trains on these workers (see siamese worker), each of which takes a batch of its own; the first one holds the weights. Empty: in this process." placeholder:"HOST:PORT" json:"cluster,omitempty"`
	Precision string   `help:"Chooses what convolutions are computed in: float32, tf32 (GPU) or bfloat16." enum:"float32,tf32,bfloat16" default:"float32" json:"precision"`

	Deterministic bool `help:"Uses only operations that add in a fixed order: two runs on one device are equal bit for bit. Slower." json:"deterministic,omitempty"`
}

// defaultEpochs is how many epochs a run trains that says neither epochs nor time;
// with a time limit alone the learning rate's course is laid out in as many.
const defaultEpochs = 100

// courseEpochs is how many epochs the learning rate's course has.
func (f trainFlags) courseEpochs() int {
	if f.Epochs == 0 {
		return defaultEpochs
	}
	return f.Epochs
}

// span is a time as people write it, in flags and in config.json: 8m0s.
type span time.Duration

func (s span) String() string { return time.Duration(s).String() }

// MarshalText writes the time.
func (s span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a time, 0 or more.
func (s *span) UnmarshalText(text []byte) error {
	read, err := time.ParseDuration(string(text))
	if err == nil && read < 0 {
		err = fmt.Errorf("received %v, expected 0 or more", read)
	}
	*s = span(read)
	return err
}

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

// printTable prints the configuration as upstream does: keys 25 wide, values 40.
func printTable(w io.Writer, flags trainFlags, dir string) {
	line := strings.Repeat("-", 25+40+3)
	fmt.Fprintf(w, "Configurations:\n%s\n|%25s|%40s|\n%s\n", line, "keys", "values", line)
	fmt.Fprintf(w, "|%25s|%40s|\n", "run", dir)
	value := reflect.ValueOf(flags)
	printFields(w, value)
	fmt.Fprintln(w, line)
}

// printFields prints a row for each field that the configuration of a run keeps, those
// of embedded structs too.
func printFields(w io.Writer, value reflect.Value) {
	for i := range value.NumField() {
		field := value.Type().Field(i)
		switch name, _, _ := strings.Cut(field.Tag.Get("json"), ","); {
		case name == "-":
		case field.Anonymous:
			printFields(w, value.Field(i))
		default:
			fmt.Fprintf(w, "|%25s|%40s|\n", name, fmt.Sprint(value.Field(i)))
		}
	}
}
