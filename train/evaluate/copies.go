package evaluate

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"siamese/imaging"
	"siamese/train/augment"
	"siamese/train/dataset"
)

// DefaultOriginals is the number of pictures copied where CopiesConfig says nothing:
// Copydays has 157.
const DefaultOriginals = 157

// copyStream sets the draws of copies apart from other draws of the same seed.
const copyStream = 0x636f7079 // "copy"

// CopiesConfig says which pictures are copied.
type CopiesConfig struct {
	Originals int      // at most this many, drawn by seed; 0 = DefaultOriginals
	Seed      uint64   // the same seed and dataset give the same copies
	Of        []string // patterns of class names, as in RetrievalConfig; none: all
	Threshold float64  // similarity from which a copy counts as recognised, 0..1; 0 = DefaultThreshold
	// Side is the height and width of the network's input: data may be opened larger, so
	// that crops stay sharp. 0: the data's.
	Side      int
	Baselines []Baseline
}

// CopiesResult is how well copies are told from other pictures.
type CopiesResult struct {
	Originals int            `json:"originals"`
	Threshold float64        `json:"threshold"`
	Methods   []CopiesMethod `json:"methods"`
}

// CopiesMethod is one way of scoring.
type CopiesMethod struct {
	Name string `json:"name"`
	// Attacks are each kind of copy, and All of them together.
	Attacks []CopiesScore `json:"attacks"`
	All     CopiesScore   `json:"all"`
	// FalselyRecognised is the share of pairs of a copy and another picture at or above
	// the threshold; for the similarity alone.
	FalselyRecognised Mean       `json:"falsely_recognised"`
	ROC               []ROCPoint `json:"-"` // from (0,0) to (1,1), all attacks together
}

// CopiesScore is how well the copies of one attack find their original among all.
type CopiesScore struct {
	Name string `json:"name"`
	// First is the share of copies whose nearest original is their own.
	First Mean `json:"r_at_1"`
	// AUC is the chance that a copy scores higher with its own original than another
	// pair of copy and original.
	AUC float64 `json:"auc"`
	// Recognised is the share of copies at or above the threshold; for the similarity
	// alone.
	Recognised Mean `json:"recognised"`
	// RecognisedAt is the share recognised where one in a hundred of the others is, and
	// one in a thousand.
	RecognisedAt []Operating `json:"recognised_at"`
}

// attack is a way to copy a picture. It may give any size.
type attack struct {
	name string
	make func(random *rand.Rand, p *imaging.Picture) *imaging.Picture
}

// attacks are those of Copydays (M. Douze et al., Evaluation of GIST descriptors for
// web-scale image search, 2009): JPEG by quality, crops by the share of the surface that
// is taken away, and strong ones. Copydays' strong copies were made by hand (printed,
// scanned, painted on); these are made by chance, each of one kind.
func attacks() []attack {
	var all []attack
	for _, quality := range []int{75, 50, 30, 20, 15, 10, 8, 5, 3} {
		all = append(all, attack{fmt.Sprintf("JPEG of quality %d", quality), func(_ *rand.Rand, p *imaging.Picture) *imaging.Picture {
			return augment.SavedAsJPEG(p, quality)
		}})
	}
	for _, percent := range []int{10, 15, 20, 30, 40, 50, 60, 70, 80} {
		all = append(all, attack{fmt.Sprintf("cropped by %d %%", percent), func(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
			return cropped(random, p, 1-float64(percent)/100)
		}})
	}
	return append(all, strongAttacks()...)
}

func strongAttacks() []attack {
	return []attack{
		{"turned by 20 degrees", func(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
			return augment.Turned(p, 20*sign(random))
		}},
		{"mirrored", func(_ *rand.Rand, p *imaging.Picture) *imaging.Picture { return augment.Mirrored(p) }},
		{"blurred", func(_ *rand.Rand, p *imaging.Picture) *imaging.Picture {
			return augment.Blurred(p, 0.02*float64(min(p.Width, p.Height)))
		}},
		{"made grey", func(_ *rand.Rand, p *imaging.Picture) *imaging.Picture { return augment.Grey(p) }},
		{"darker or lighter", func(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
			return augment.Lit(p, math.Exp(math.Ln2*sign(random)))
		}},
		{"with a border", augment.Bordered},
		{"with text", augment.Captioned},
		{"with stickers", augment.Stickered},
		{"screenshot", augment.Screenshot},
		{"cropped by half, JPEG of quality 20, with text", func(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
			return augment.SavedAsJPEG(augment.Captioned(random, cropped(random, p, 0.5)), 20)
		}},
	}
}

func sign(random *rand.Rand) float64 {
	return float64(2*random.IntN(2) - 1)
}

// cropped keeps a share of the surface, of the picture's own aspect, anywhere.
func cropped(random *rand.Rand, p *imaging.Picture, share float64) *imaging.Picture {
	width := max(1, int(math.Round(float64(p.Width)*math.Sqrt(share))))
	height := max(1, int(math.Round(float64(p.Height)*math.Sqrt(share))))
	x, y := random.IntN(p.Width-width+1), random.IntN(p.Height-height+1)
	return p.Crop(image.Rect(x, y, x+width, y+height))
}

// Copies makes a copy of some pictures by each attack and measures how well the copies
// are told from the other pictures. ErrNoPairs says that there are not two pictures;
// other errors are the model's.
func Copies(ctx context.Context, model Model, d *dataset.Dataset, config CopiesConfig) (CopiesResult, error) {
	if config.Originals < 0 || config.Side < 0 {
		return CopiesResult{}, fmt.Errorf("copies: Originals is %d and Side %d, expected 0 (the default) or more", config.Originals, config.Side)
	}
	if err := validateThreshold(config.Threshold); err != nil {
		return CopiesResult{}, err
	}
	if config.Threshold == 0 {
		config.Threshold = DefaultThreshold
	}
	c := newCopier(d, config)
	if len(c.originals) < 2 {
		return CopiesResult{}, fmt.Errorf("copies: %w: received %d pictures to copy, expected 2 or more", ErrNoPairs, len(c.originals))
	}
	stride := 1 + len(c.attacks)
	all, err := scorers(ctx, model, config.Baselines, len(c.originals)*stride, c.picture)
	if err != nil {
		return CopiesResult{}, fmt.Errorf("copies: %w", err)
	}
	result := CopiesResult{Originals: len(c.originals), Threshold: config.Threshold}
	for _, by := range all {
		method, err := c.measure(ctx, by, config.Threshold)
		if err != nil {
			return CopiesResult{}, fmt.Errorf("copies: %s: %w", by.name, err)
		}
		result.Methods = append(result.Methods, method)
	}
	return result, nil
}

// copier makes the copies. Picture i·(1+len(attacks)) is an original, its copies follow.
type copier struct {
	data      *dataset.Dataset
	originals []dataset.Image
	attacks   []attack
	seed      uint64
	side      image.Point
}

func newCopier(d *dataset.Dataset, config CopiesConfig) *copier {
	width, height := d.Size()
	c := &copier{data: d, attacks: attacks(), seed: config.Seed, side: image.Pt(width, height)}
	if config.Side > 0 {
		c.side = image.Pt(config.Side, config.Side)
	}
	for _, class := range d.Classes() {
		if matchesAny(class, config.Of) {
			c.originals = append(c.originals, class.Images...)
		}
	}
	random := rand.New(rand.NewPCG(config.Seed, copyStream))
	random.Shuffle(len(c.originals), func(i, j int) { c.originals[i], c.originals[j] = c.originals[j], c.originals[i] })
	limit := config.Originals
	if limit == 0 {
		limit = DefaultOriginals
	}
	c.originals = c.originals[:min(limit, len(c.originals))]
	return c
}

// picture is an original or a copy, at the network's size.
func (c *copier) picture(i int) (*imaging.Picture, error) {
	stride := 1 + len(c.attacks)
	p, err := c.data.Picture(c.originals[i/stride])
	if err != nil {
		return nil, err
	}
	if i%stride > 0 {
		random := rand.New(rand.NewPCG(c.seed, copyStream+uint64(i)))
		p = c.attacks[i%stride-1].make(random, p)
	}
	return p.Resize(c.side.X, c.side.Y, imaging.Bilinear), nil
}

// measure scores each copy with every original.
func (c *copier) measure(ctx context.Context, by scorer, threshold float64) (CopiesMethod, error) {
	stride := 1 + len(c.attacks)
	originals := make([]int, len(c.originals))
	for i := range originals {
		originals[i] = i * stride
	}
	_, judges := by.ranker.(bySimilarity)
	method := CopiesMethod{Name: by.name}
	var all copyTally
	falsely := newEstimate()
	for number, attack := range c.attacks {
		var one copyTally
		for original := range c.originals {
			scores, err := by.scores(ctx, original*stride+1+number, originals)
			if err != nil {
				return CopiesMethod{}, err
			}
			one.add(scores, original, threshold)
			for other, score := range scores {
				if other != original {
					falsely.add(c.originals[original].Name, indicator(score >= threshold))
				}
			}
		}
		measured, _, err := one.score(attack.name, judges)
		if err != nil {
			return CopiesMethod{}, err
		}
		method.Attacks = append(method.Attacks, measured)
		all.merge(one)
	}
	var curve roc
	var err error
	method.All, curve, err = all.score("all", judges)
	method.ROC = curve.corners()
	if judges {
		method.FalselyRecognised = falsely.mean()
	}
	return method, err
}

// copyTally gathers the scores of copies.
type copyTally struct {
	first, recognised map[int][]float64 // by original
	pairs             []Score
}

func (t *copyTally) add(scores []float64, own int, threshold float64) {
	if t.first == nil {
		t.first, t.recognised = map[int][]float64{}, map[int][]float64{}
	}
	t.first[own] = append(t.first[own], indicator(onTop(scores, own)))
	t.recognised[own] = append(t.recognised[own], indicator(scores[own] >= threshold))
	for original, score := range scores {
		t.pairs = append(t.pairs, Score{score, original == own})
	}
}

func (t *copyTally) merge(other copyTally) {
	if t.first == nil {
		t.first, t.recognised = map[int][]float64{}, map[int][]float64{}
	}
	for own := range other.first {
		t.first[own] = append(t.first[own], other.first[own]...)
		t.recognised[own] = append(t.recognised[own], other.recognised[own]...)
	}
	t.pairs = append(t.pairs, other.pairs...)
}

func (t *copyTally) score(name string, judges bool) (CopiesScore, roc, error) {
	curve, err := newROC(t.pairs)
	if err != nil {
		return CopiesScore{}, roc{}, err
	}
	score := CopiesScore{
		Name: name, First: byOriginal(t.first), AUC: curve.area(),
		RecognisedAt: []Operating{curve.operating(0.01), curve.operating(0.001)},
	}
	if judges {
		score.Recognised = byOriginal(t.recognised)
	}
	return score, curve, nil
}

// byOriginal is the mean with its error over originals.
func byOriginal(values map[int][]float64) Mean {
	e := newEstimate()
	for original, each := range values {
		for _, value := range each {
			e.add(fmt.Sprint(original), value)
		}
	}
	return e.mean()
}
