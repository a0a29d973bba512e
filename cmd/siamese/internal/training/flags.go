package training

import (
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
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
