// Package evaluate measures what a network is worth on classes that it has not
// seen: by one-shot runs ("which of these 20 is it?") and by verification
// ("are these two the same?"), and calibrates its similarities.
//
// Every distinct image is encoded once. A tie counts as wrong: a network that
// answers the same to everything must not score by the order of the answers.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"siamese/imaging"
	"siamese/train/dataset"
)

// Model is what an evaluation needs of a network. It is called by one goroutine.
type Model interface {
	// Encode turns pictures, uint8 RGB [N,H,W,3], into embeddings, float32 [N,E].
	Encode(ctx context.Context, pixels []byte) ([]float32, error)
	// Compare turns pairs of embeddings, float32 [N,E] each, into N similarities, 0..1.
	Compare(ctx context.Context, a, b []float32) ([]float32, error)
}

const (
	maxBatchImages = 32  // one Encode; beyond this a run gains no speed and takes memory
	maxBatchPairs  = 256 // one Compare: 2·4.7 MB of embeddings at 4608 floats each
)

// What a caller may want to tell apart.
var (
	// ErrNoRuns: nothing in the folder, the archive or the dataset makes a run.
	ErrNoRuns = errors.New("no one-shot runs")
	// ErrNoPairs: no two images of one class, or no two classes to tell apart.
	ErrNoPairs = errors.New("no pairs")
	// ErrModelOutput: the network returned what it never should, such as NaN.
	ErrModelOutput = errors.New("unexpected output of the network")
)

// embeddings holds one embedding an image.
type embeddings struct {
	length int       // floats of one embedding
	values []float32 // [N,length]
}

func (e embeddings) row(i int) []float32 {
	return e.values[i*e.length : (i+1)*e.length]
}

// embed asks for each of count pictures once, in order, and encodes them in
// batches; at most a batch of pictures is held at a time.
func embed(ctx context.Context, model Model, count int, picture func(int) (*imaging.Picture, error)) (embeddings, error) {
	var all embeddings
	var pixels []byte
	for begin := 0; begin < count; begin += maxBatchImages {
		end := min(begin+maxBatchImages, count)
		pixels = pixels[:0]
		for i := begin; i < end; i++ {
			p, err := picture(i)
			if err != nil {
				return embeddings{}, err
			}
			pixels = append(pixels, p.Pix...)
		}
		batch, err := model.Encode(ctx, pixels)
		if err != nil {
			return embeddings{}, err
		}
		if begin == 0 {
			all.length = len(batch) / (end - begin)
			all.values = make([]float32, 0, count*all.length)
		}
		if all.length == 0 || len(batch) != (end-begin)*all.length {
			return embeddings{}, fmt.Errorf("%w: %d floats for %d images, expected %d for each",
				ErrModelOutput, len(batch), end-begin, all.length)
		}
		all.values = append(all.values, batch...)
	}
	return all, nil
}

// indices is a pair of images by their number.
type indices struct{ a, b int }

// compare returns the similarity of each pair.
func compare(ctx context.Context, model Model, images embeddings, pairs []indices) ([]float64, error) {
	similarities := make([]float64, 0, len(pairs))
	var a, b []float32
	for begin := 0; begin < len(pairs); begin += maxBatchPairs {
		part := pairs[begin:min(begin+maxBatchPairs, len(pairs))]
		a, b = a[:0], b[:0]
		for _, pair := range part {
			a, b = append(a, images.row(pair.a)...), append(b, images.row(pair.b)...)
		}
		batch, err := model.Compare(ctx, a, b)
		if err != nil {
			return nil, err
		}
		if len(batch) != len(part) {
			return nil, fmt.Errorf("%w: %d similarities, expected %d", ErrModelOutput, len(batch), len(part))
		}
		for _, similarity := range batch {
			if !(similarity >= 0 && similarity <= 1) { // NaN is neither
				return nil, fmt.Errorf("%w: a similarity of %v, expected 0 to 1", ErrModelOutput, similarity)
			}
			similarities = append(similarities, float64(similarity))
		}
	}
	return similarities, nil
}

// cosine of the angle between two embeddings, -1..1; 0 where one is all zeros.
func cosine(a, b []float32) float64 {
	var product, normA, normB float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		product += x * y
		normA += x * x
		normB += y * y
	}
	if normA == 0 || normB == 0 {
		return 0
	}
	return product / math.Sqrt(normA*normB)
}

// Negatives says where the two images of a different pair come from.
type Negatives string

const (
	// Any takes two different classes, mostly of different alphabets.
	Any Negatives = "any"
	// SameAlphabet takes two different classes of one alphabet or kind, the hard case.
	SameAlphabet Negatives = "same-alphabet"
	// OtherAlphabet takes two classes of different alphabets or kinds: strangers.
	OtherAlphabet Negatives = "other-alphabet"
)

// pairStream sets the draws of pairs apart from other draws of the same seed.
const pairStream = 0x7061697273

// pairDrawer draws pairs and numbers the images that they need.
type pairDrawer struct {
	random    *rand.Rand
	classes   []dataset.Class
	ambiguity *dataset.Ambiguity
	strangers bool    // different classes are of different alphabets
	among     []bool  // by class: whether a second image may be of it
	positives []int   // the classes of two images or more
	anchors   []int   // the classes that have another class to differ from
	others    [][]int // by class: the classes to choose a different one from, itself among them

	images   []dataset.Image // every image drawn, once
	numbers  map[dataset.Image]int
	pairs    []indices
	same     []bool // one a pair
	pairings []Pairing
}

func newPairDrawer(classes []dataset.Class, config VerifyConfig) (*pairDrawer, error) {
	d := &pairDrawer{
		random:    rand.New(rand.NewPCG(config.Seed, pairStream)),
		classes:   classes,
		ambiguity: config.Forbidden.Of(classes),
		strangers: config.Negatives == OtherAlphabet,
		others:    candidates(classes, config.Negatives),
		numbers:   map[dataset.Image]int{},
	}
	for _, class := range classes {
		d.among = append(d.among, matchesAny(class, config.Among))
	}
	for i, class := range classes {
		if !matchesAny(class, config.Of) {
			continue
		}
		if len(class.Images) >= 2 && d.among[i] {
			d.positives = append(d.positives, i)
		}
		if slices.ContainsFunc(d.others[i], func(other int) bool { return d.different(i, other) }) {
			d.anchors = append(d.anchors, i)
		}
	}
	if len(d.positives) == 0 {
		return nil, fmt.Errorf("%w: received no class of two images", ErrNoPairs)
	}
	if len(d.anchors) == 0 {
		return nil, fmt.Errorf("%w: received no two classes to tell apart, with negatives %q", ErrNoPairs, config.Negatives)
	}
	return d, nil
}

// candidates returns by class those to choose a different one from, itself among them;
// nil where there is no other.
func candidates(classes []dataset.Class, negatives Negatives) [][]int {
	groups := map[string][]int{}
	for i, class := range classes {
		if negatives != SameAlphabet {
			groups[""] = append(groups[""], i)
		} else if class.Alphabet != "" {
			groups[class.Alphabet] = append(groups[class.Alphabet], i)
		}
	}
	others := make([][]int, len(classes))
	for _, group := range groups {
		if len(group) < 2 {
			continue
		}
		for _, i := range group {
			others[i] = group
		}
	}
	return others
}

// draw adds count pairs of each kind, same and different in turn.
func (d *pairDrawer) draw(count int) {
	for range count {
		d.add(d.drawSame(), true)
		d.add(d.drawDifferent(), false)
	}
}

// drawSame draws two images of a class.
func (d *pairDrawer) drawSame() Pairing {
	class := d.classes[d.pick(d.positives)]
	first := d.random.IntN(len(class.Images))
	return Pairing{class.Images[first], class.Images[d.except(first, len(class.Images))], class.Name, class.Name}
}

// drawDifferent draws images of two classes.
func (d *pairDrawer) drawDifferent() Pairing {
	anchor := d.pick(d.anchors)
	image, other := d.image(anchor), d.other(anchor)
	return Pairing{image, d.image(other), d.classes[anchor].Name, d.classes[other].Name}
}

// other draws a class that counts as different from the anchor; there is one.
func (d *pairDrawer) other(anchor int) int {
	others := d.others[anchor]
	for {
		other := others[d.except(slices.Index(others, anchor), len(others))]
		if d.different(anchor, other) {
			return other
		}
	}
}

// different reports whether two classes may be a different pair in this order.
func (d *pairDrawer) different(a, b int) bool {
	if a == b || !d.among[b] || d.ambiguity.Together(a, b) {
		return false
	}
	return !d.strangers || d.classes[a].Alphabet != d.classes[b].Alphabet || d.classes[a].Alphabet == ""
}

// except draws an index below count that is not the given one.
func (d *pairDrawer) except(index, count int) int {
	drawn := d.random.IntN(count - 1)
	if drawn >= index {
		drawn++
	}
	return drawn
}

func (d *pairDrawer) pick(from []int) int {
	return from[d.random.IntN(len(from))]
}

// image draws one of the class's images.
func (d *pairDrawer) image(class int) dataset.Image {
	images := d.classes[class].Images
	return images[d.random.IntN(len(images))]
}

func (d *pairDrawer) add(pair Pairing, same bool) {
	d.pairings = append(d.pairings, pair)
	d.pairs = append(d.pairs, indices{d.number(pair.A), d.number(pair.B)})
	d.same = append(d.same, same)
}

// number returns the image's number, a new one for a new image.
func (d *pairDrawer) number(image dataset.Image) int {
	number, known := d.numbers[image]
	if !known {
		number = len(d.images)
		d.numbers[image] = number
		d.images = append(d.images, image)
	}
	return number
}
