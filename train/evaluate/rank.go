package evaluate

import (
	"context"
	"fmt"
	"math"
	"math/bits"

	"siamese/imaging"
)

// ranker scores pictures against each other: the higher, the more alike.
type ranker interface {
	// scores are those of one picture with others, by their numbers.
	scores(ctx context.Context, picture int, others []int) ([]float64, error)
}

// bySimilarity is the network's own answer.
type bySimilarity struct {
	model  Model
	images embeddings
}

func (r bySimilarity) scores(ctx context.Context, picture int, others []int) ([]float64, error) {
	pairs := make([]indices, len(others))
	for i, other := range others {
		pairs[i] = indices{picture, other}
	}
	return compare(ctx, r.model, r.images, pairs)
}

// byCosine is that of the embeddings.
type byCosine struct{ images embeddings }

func (r byCosine) scores(_ context.Context, picture int, others []int) ([]float64, error) {
	scores := make([]float64, len(others))
	for i, other := range others {
		scores[i] = cosine(r.images.row(picture), r.images.row(other))
	}
	return scores, nil
}

// byHash is the share of equal bits of perceptual hashes.
type byHash []uint64

func (r byHash) scores(_ context.Context, picture int, others []int) ([]float64, error) {
	scores := make([]float64, len(others))
	for i, other := range others {
		scores[i] = 1 - float64(bits.OnesCount64(r[picture]^r[other]))/64
	}
	return scores, nil
}

// hashSide is how many values across a perceptual hash is made of; of the frequencies
// those of hashBits across are kept.
const (
	hashSide = 32
	hashBits = 8
)

// PerceptualHash is pHash's (C. Zauner, Implementation and benchmarking of perceptual
// image hash functions, 2010): 64 bits that say which of the lowest frequencies of the
// grey picture at 32×32 are above their median. Copies differ in few bits.
func PerceptualHash(p *imaging.Picture) uint64 {
	small := p.Resize(hashSide, hashSide, imaging.Bilinear)
	var grey [hashSide][hashSide]float64
	for i := range hashSide * hashSide {
		pixel := small.Pix[3*i : 3*i+3]
		grey[i/hashSide][i%hashSide] = 0.299*float64(pixel[0]) + 0.587*float64(pixel[1]) + 0.114*float64(pixel[2])
	}
	var frequencies []float64
	for v := 1; v <= hashBits; v++ {
		for u := 1; u <= hashBits; u++ {
			frequencies = append(frequencies, transform(&grey, u, v))
		}
	}
	middle := median(frequencies)
	var hash uint64
	for i, value := range frequencies {
		if value > middle+leastAbove {
			hash |= 1 << i
		}
	}
	return hash
}

// leastAbove is more than rounding makes of equal coefficients, which are up to 10⁵.
const leastAbove = 1e-6

// transform is one coefficient of the cosine transform, but for its scale.
func transform(grey *[hashSide][hashSide]float64, u, v int) float64 {
	sum := 0.0
	for y, row := range grey {
		across := 0.0
		for x, value := range row {
			across += value * math.Cos(math.Pi/hashSide*(float64(x)+0.5)*float64(u))
		}
		sum += across * math.Cos(math.Pi/hashSide*(float64(y)+0.5)*float64(v))
	}
	return sum
}

// Baseline is a way to score pictures that a network is held against.
type Baseline struct {
	Name string
	// Model is one whose embeddings' cosine is taken; nil: the perceptual hash.
	Model Model
}

// scorer is a ranker with its name.
type scorer struct {
	name string
	ranker
}

// scorers encode pictures for the network, its cosine, and the baselines. Pictures are
// asked for once for each model, in order.
func scorers(ctx context.Context, model Model, baselines []Baseline, count int, picture func(int) (*imaging.Picture, error)) ([]scorer, error) {
	images, err := embed(ctx, model, count, picture)
	if err != nil {
		return nil, err
	}
	beside, err := besides(ctx, images, baselines, count, picture)
	return append([]scorer{{"similarity", bySimilarity{model, images}}}, beside...), err
}

// besides are the network's cosine and the baselines.
func besides(ctx context.Context, images embeddings, baselines []Baseline, count int, picture func(int) (*imaging.Picture, error)) ([]scorer, error) {
	all := []scorer{{"cosine", byCosine{images}}}
	for _, baseline := range baselines {
		ranker, err := baseline.ranker(ctx, count, picture)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", baseline.Name, err)
		}
		all = append(all, scorer{baseline.Name, ranker})
	}
	return all, nil
}

func (b Baseline) ranker(ctx context.Context, count int, picture func(int) (*imaging.Picture, error)) (ranker, error) {
	if b.Model != nil {
		images, err := embed(ctx, b.Model, count, picture)
		return byCosine{images}, err
	}
	hashes := make(byHash, count)
	for i := range hashes {
		p, err := picture(i)
		if err != nil {
			return nil, err
		}
		hashes[i] = PerceptualHash(p)
	}
	return hashes, nil
}

// median is the middle value, or the mean of the middle two.
func median(values []float64) float64 {
	sorted := sortedCopy(values)
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// estimate is a mean with its standard error over clusters: queries of one class share
// what makes them easy or hard.
type estimate struct{ sum, count map[string]float64 }

func newEstimate() estimate { return estimate{map[string]float64{}, map[string]float64{}} }

func (e estimate) add(cluster string, value float64) { e.weigh(cluster, value, 1) }

// weigh adds a value that counts as many times.
func (e estimate) weigh(cluster string, value, weight float64) {
	e.sum[cluster] += weight * value
	e.count[cluster] += weight
}

// Mean is a mean over queries with its standard error over classes (the ratio estimator
// for clusters of unequal size, as in OneShot); of a single class it is 0.
type Mean struct {
	Value  float64 `json:"value"`
	StdErr float64 `json:"stderr"`
}

// ClusterMean is the mean of values with its standard error over clusters, where cluster
// names that of the value at a place. Of no values it is 0.
func ClusterMean(values []float64, cluster func(i int) string) Mean {
	e := newEstimate()
	for i, value := range values {
		e.add(cluster(i), value)
	}
	return e.mean()
}

func (e estimate) mean() Mean {
	total, weight := 0.0, 0.0
	for _, cluster := range sortedKeys(e.count) {
		total += e.sum[cluster]
		weight += e.count[cluster]
	}
	if weight == 0 {
		return Mean{}
	}
	mean, squares := total/weight, 0.0
	for _, cluster := range sortedKeys(e.count) {
		off := e.sum[cluster] - mean*e.count[cluster]
		squares += off * off
	}
	clusters := float64(len(e.count))
	if clusters < 2 {
		return Mean{Value: mean}
	}
	return Mean{Value: mean, StdErr: math.Sqrt(clusters/(clusters-1)*squares) / weight}
}
