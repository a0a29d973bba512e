package tfmodel

import (
	"encoding/binary"
	"fmt"
	"math"

	"siamese/tfmodel/internal/tf"
)

// TrainBatch is what a step learns from.
type TrainBatch struct {
	// Pixels are the images, uint8 [N,H,W,3] RGB. Nil with Embeddings.
	Pixels []byte
	// Embeddings, float32 [N,E], stand in for the images if all blocks and the
	// projection are frozen, so that images are encoded once and not at each step.
	Embeddings []float32
	// A and B are the pairs: indices into the images. Same says which pairs are of
	// one class, Weights how much each counts; they should sum to 1. All have one
	// length, which is 0 if the pair term has weight 0.
	A, B    []int32
	Same    []bool
	Weights []float32
	// Targets is what the head is to say of each pair, 0 to 1, in the place of Same:
	// between its two values for a pair that is neither, such as two things of a kind.
	// Nil: 1 where Same, else 0.
	Targets []float32
	// Labels are the images' classes, for the contrastive and the class term.
	Labels []int32
	// Kinds are the images' kinds, for TrainerConfig.KindWeight. Nil: there are none.
	Kinds []int32
	// Unknown are pairs of images that the contrastive term counts neither as alike
	// nor as different.
	Unknown [][2]int32
	// Relations, float32 [N,N], are for TrainerConfig.RelationWeight: how alike each image
	// is to each other one, as a distribution over these. Rows sum to 1, the diagonal is 0.
	// Teachers.Teach makes it.
	Relations []float32
	// Shares are the numbers of images that the towers take, in order. Each pair
	// lies within one share, and the weights of each share sum to 1. Nil: one tower
	// takes all.
	Shares []int
}

// feeds checks a batch and makes the tensors of a step.
func (t *Trainer) feeds(batch TrainBatch, learningRate float64) ([]tf.Feed, error) {
	feeds := []tf.Feed{t.scalar("learning_rate", learningRate)}
	if t.config.Optimizer != SGD {
		step := float64(t.steps + 1)
		feeds = append(feeds,
			t.scalar("beta1_power", math.Pow(t.config.Momentum, step)),
			t.scalar("beta2_power", math.Pow(adamBeta2, step)))
	}
	shares, err := t.shares(batch)
	if err != nil {
		return nil, err
	}
	for number, share := range shares {
		fed, err := t.towerFeeds(towerPrefix(number)+"/", share)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, fed...)
		if t.config.HeadDropout > 0 {
			seed := []int32{int32(t.config.Seed) + int32(number), int32(t.steps)}
			feeds = append(feeds, tf.Feed{To: t.outputs[towerPrefix(number)+"/seed"], Type: tf.Int32, Shape: []int64{2}, Data: int32Bytes(seed)})
		}
	}
	return feeds, nil
}

// shares splits a batch into what each tower takes.
func (t *Trainer) shares(batch TrainBatch) ([]TrainBatch, error) {
	if batch.Shares == nil && t.towers == 1 {
		return []TrainBatch{batch}, nil
	}
	if len(batch.Shares) != t.towers {
		return nil, fmt.Errorf("got a batch of %d shares, want one for each of %d towers", len(batch.Shares), t.towers)
	}
	total := 0
	for _, images := range batch.Shares {
		total += images
	}
	size := t.architecture.ImageBytes()
	if batch.Embeddings != nil || len(batch.Pixels) != total*size || len(batch.Labels) != total {
		return nil, fmt.Errorf("got %d bytes of pixels and %d labels, want those of the %d images of the shares", len(batch.Pixels), len(batch.Labels), total)
	}
	var shares []TrainBatch
	begin := 0
	for _, images := range batch.Shares {
		end := begin + images
		share := TrainBatch{Pixels: batch.Pixels[begin*size : end*size], Labels: batch.Labels[begin:end]}
		if batch.Kinds != nil {
			if len(batch.Kinds) != total {
				return nil, fmt.Errorf("got %d kinds for %d images", len(batch.Kinds), total)
			}
			share.Kinds = batch.Kinds[begin:end]
		}
		for _, pair := range batch.Unknown {
			if a, b := int(pair[0]), int(pair[1]); a >= begin && a < end && b >= begin && b < end {
				share.Unknown = append(share.Unknown, [2]int32{int32(a - begin), int32(b - begin)})
			}
		}
		for i := range batch.A {
			a, b := int(batch.A[i])-begin, int(batch.B[i])-begin
			if a < 0 || a >= images {
				continue // another tower's
			}
			if b < 0 || b >= images {
				return nil, fmt.Errorf("pair %d is of images %d and %d, want both in one share", i, batch.A[i], batch.B[i])
			}
			share.A, share.B = append(share.A, int32(a)), append(share.B, int32(b))
			share.Same, share.Weights = append(share.Same, batch.Same[i]), append(share.Weights, batch.Weights[i])
			if batch.Targets != nil {
				share.Targets = append(share.Targets, batch.Targets[i])
			}
		}
		shares = append(shares, share)
		begin = end
	}
	return shares, nil
}

// towerFeeds are the tensors of one tower; prefix begins their names.
func (t *Trainer) towerFeeds(prefix string, batch TrainBatch) ([]tf.Feed, error) {
	images, count, err := t.imageFeed(prefix, batch)
	if err != nil {
		return nil, err
	}
	feeds := []tf.Feed{images}
	if t.config.PairWeight > 0 {
		pairs, err := t.pairFeeds(prefix, batch, count)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, pairs...)
	}
	if t.config.ContrastiveWeight > 0 || t.config.ClassWeight > 0 {
		labels, err := t.labelFeeds(prefix, batch, count)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, labels...)
	}
	if t.config.RelationWeight > 0 {
		if len(batch.Relations) != count*count {
			return nil, fmt.Errorf("got %d relations for %d images, want %d", len(batch.Relations), count, count*count)
		}
		rows := int64(count)
		feeds = append(feeds, t.matrix(prefix+"relations", batch.Relations, rows, rows), t.matrix(prefix+"diagonal", offDiagonal(count), rows, rows))
	}
	return feeds, nil
}

// imageFeed feeds pixels, or embeddings in place of the encoder's output.
func (t *Trainer) imageFeed(prefix string, batch TrainBatch) (feed tf.Feed, count int, err error) {
	if batch.Embeddings != nil {
		length := t.architecture.EmbeddingLength()
		frozen := t.config.FrozenBlocks == len(t.architecture.Blocks) && (t.config.FrozenProjection || t.architecture.Projection == 0)
		if batch.Pixels != nil || !frozen || len(batch.Embeddings)%length != 0 {
			return tf.Feed{}, 0, fmt.Errorf("got %d numbers of embeddings and %d bytes of pixels with %d of %d blocks frozen (the projection: %t), want a multiple of %d alone with all frozen",
				len(batch.Embeddings), len(batch.Pixels), t.config.FrozenBlocks, len(t.architecture.Blocks), t.config.FrozenProjection, length)
		}
		count = len(batch.Embeddings) / length
		return t.matrix(prefix+"embeddings", batch.Embeddings, int64(count), int64(length)), count, nil
	}
	size := t.architecture.ImageBytes()
	if len(batch.Pixels) == 0 || len(batch.Pixels)%size != 0 {
		return tf.Feed{}, 0, fmt.Errorf("got %d bytes of pixels, want a positive multiple of %d", len(batch.Pixels), size)
	}
	count = len(batch.Pixels) / size
	shape := []int64{int64(count), int64(t.architecture.Height), int64(t.architecture.Width), 3}
	return tf.Feed{To: t.outputs[prefix+"images"], Type: tf.Uint8, Shape: shape, Data: batch.Pixels}, count, nil
}

func (t *Trainer) scalar(name string, value float64) tf.Feed {
	return tf.Feed{To: t.outputs[name], Type: tf.Float32, Data: tf.Float32Bytes([]float32{float32(value)})}
}

func (t *Trainer) matrix(name string, values []float32, shape ...int64) tf.Feed {
	return tf.Feed{To: t.outputs[name], Type: tf.Float32, Shape: shape, Data: tf.Float32Bytes(values)}
}

func (t *Trainer) pairFeeds(prefix string, batch TrainBatch, count int) ([]tf.Feed, error) {
	pairs := len(batch.A)
	if pairs == 0 || len(batch.B) != pairs || len(batch.Same) != pairs || len(batch.Weights) != pairs {
		return nil, fmt.Errorf("got pairs of lengths %d, %d, %d and %d, want one length above 0", pairs, len(batch.B), len(batch.Same), len(batch.Weights))
	}
	if batch.Targets != nil && len(batch.Targets) != pairs {
		return nil, fmt.Errorf("got %d targets for %d pairs", len(batch.Targets), pairs)
	}
	same := make([]float32, pairs)
	for i := range pairs {
		if a, b := batch.A[i], batch.B[i]; min(a, b) < 0 || int(max(a, b)) >= count {
			return nil, fmt.Errorf("pair %d is of images %d and %d, want 0 to %d", i, a, b, count-1)
		}
		if batch.Same[i] {
			same[i] = 1
		}
		if batch.Targets != nil {
			same[i] = batch.Targets[i]
		}
	}
	shape := []int64{int64(pairs)}
	return []tf.Feed{
		{To: t.outputs[prefix+"pair_a"], Type: tf.Int32, Shape: shape, Data: int32Bytes(batch.A)},
		{To: t.outputs[prefix+"pair_b"], Type: tf.Int32, Shape: shape, Data: int32Bytes(batch.B)},
		t.matrix(prefix+"same", same, shape...),
		t.matrix(prefix+"weight", batch.Weights, shape...),
	}, nil
}

// selfOff is added to an image's own logit to take it out of its softmax.
const selfOff = -1e9

// labelFeeds turns labels into the matrices of the contrastive and class terms.
func (t *Trainer) labelFeeds(prefix string, batch TrainBatch, count int) ([]tf.Feed, error) {
	labels := batch.Labels
	if len(labels) != count || batch.Kinds != nil && len(batch.Kinds) != count {
		return nil, fmt.Errorf("got %d labels and %d kinds for %d images", len(labels), len(batch.Kinds), count)
	}
	for _, pair := range batch.Unknown {
		if min(pair[0], pair[1]) < 0 || int(max(pair[0], pair[1])) >= count {
			return nil, fmt.Errorf("unknown pair of images %d and %d, want 0 to %d", pair[0], pair[1], count-1)
		}
	}
	var feeds []tf.Feed
	rows := int64(count)
	if t.config.ContrastiveWeight > 0 {
		positive, self := contrastiveMatrices(batch, t.config.KindWeight)
		feeds = append(feeds, t.matrix(prefix+"positive", positive, rows, rows), t.matrix(prefix+"self", self, rows, rows))
	}
	if t.config.ClassWeight > 0 {
		oneHot := make([]float32, count*t.config.Classes)
		for i, label := range labels {
			if label < 0 || int(label) >= t.config.Classes {
				return nil, fmt.Errorf("image %d has label %d, want 0 to %d", i, label, t.config.Classes-1)
			}
			oneHot[i*t.config.Classes+int(label)] = 1 / float32(count)
		}
		feeds = append(feeds, t.matrix(prefix+"one_hot", oneHot, rows, int64(t.config.Classes)))
	}
	return feeds, nil
}

// contrastiveMatrices are [N,N] each for N images. positive holds the weights of the
// other images of an image's class, and by kindWeight of its kind: each image that has
// any counts the same, and all weights sum to 1. self is selfOff on the diagonal and
// where nothing is known, and 0 elsewhere.
func contrastiveMatrices(batch TrainBatch, kindWeight float64) (positive, self []float32) {
	count := len(batch.Labels)
	positive, self = make([]float32, count*count), make([]float32, count*count)
	for i := range count {
		self[i*count+i] = selfOff
	}
	for _, pair := range batch.Unknown {
		a, b := int(pair[0]), int(pair[1])
		self[a*count+b], self[b*count+a] = selfOff, selfOff
	}
	anchors := 0
	for i := range count {
		row, sum := positive[i*count:(i+1)*count], float32(0)
		for j := range row {
			if self[i*count+j] != 0 {
				continue
			}
			if batch.Labels[i] == batch.Labels[j] {
				row[j] = 1
			} else if batch.Kinds != nil && batch.Kinds[i] == batch.Kinds[j] {
				row[j] = float32(kindWeight)
			}
			sum += row[j]
		}
		if sum == 0 {
			continue
		}
		anchors++
		for j := range row {
			row[j] /= sum
		}
	}
	for i := range positive {
		positive[i] /= float32(max(anchors, 1))
	}
	return positive, self
}

func int32Bytes(values []int32) []byte {
	data := make([]byte, 0, 4*len(values))
	for _, value := range values {
		data = binary.NativeEndian.AppendUint32(data, uint32(value))
	}
	return data
}
