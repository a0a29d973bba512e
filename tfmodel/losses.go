package tfmodel

import (
	binding "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"
)

// epsilonNorm keeps the length of an embedding of zeros away from 0.
const epsilonNorm = 1e-6

// lossInputs are the placeholders for a step's pairs and classes. The matrices of
// positive, self and oneHot are made from TrainBatch.Labels: see Trainer.labelFeeds.
type lossInputs struct {
	a, b     binding.Output // int32 [M]: the images of each pair
	same     binding.Output // float32 [M]: 1 for the same class, else 0, or what lies between
	weight   binding.Output // float32 [M]: the pair's weight; they sum to 1
	positive binding.Output // float32 [N,N]: the weight of image j as a positive of image i; they sum to 1
	self     binding.Output // float32 [N,N]: selfOff on the diagonal, 0 elsewhere
	oneHot   binding.Output // float32 [N,C]: 1/N at the image's class, 0 elsewhere

	relations binding.Output // float32 [N,N]: TrainBatch.Relations
	diagonal  binding.Output // float32 [N,N]: selfOff on the diagonal, 0 elsewhere

	seed binding.Output // int32 [2]: of this step's dropout
}

// losses are the scalars that a step reports.
type losses struct {
	total, pair, contrastive, class, relation binding.Output
	accuracy                                  binding.Output // share of pairs, by weight, on their target's side of 0.5
}

// newLossInputs makes the placeholders.
func newLossInputs(scope *op.Scope) lossInputs {
	placeholder := func(name string, dataType binding.DataType, dims ...int64) binding.Output {
		return op.Placeholder(scope.SubScope(name), dataType, op.PlaceholderShape(binding.MakeShape(dims...)))
	}
	return lossInputs{
		a:        placeholder("pair_a", binding.Int32, -1),
		b:        placeholder("pair_b", binding.Int32, -1),
		same:     placeholder("same", binding.Float, -1),
		weight:   placeholder("weight", binding.Float, -1),
		positive: placeholder("positive", binding.Float, -1, -1),
		self:     placeholder("self", binding.Float, -1, -1),
		oneHot:   placeholder("one_hot", binding.Float, -1, -1),

		relations: placeholder("relations", binding.Float, -1, -1),
		diagonal:  placeholder("diagonal", binding.Float, -1, -1),

		seed: placeholder("seed", binding.Int32, 2),
	}
}

// addLosses puts the terms of the configuration on embeddings, float32 [N,E].
// Terms of weight 0 are left out and reported as 0.
func (g *graph) addLosses(embeddings binding.Output, in lossInputs, config TrainerConfig) losses {
	scope := g.scope.SubScope("loss")
	zero := op.Const(scope.SubScope("zero"), float32(0))
	found := losses{total: zero, pair: zero, contrastive: zero, class: zero, relation: zero, accuracy: zero}
	add := func(name string, term binding.Output, weight float64) {
		s := scope.SubScope(name)
		found.total = op.AddV2(s, found.total, op.Mul(s, term, op.Const(s, float32(weight))))
	}
	if config.PairWeight > 0 {
		found.pair, found.accuracy = g.pairLoss(embeddings, in, config.HeadDropout)
		add("pair_term", found.pair, config.PairWeight)
	}
	if config.ContrastiveWeight > 0 {
		found.contrastive = contrastiveLoss(scope.SubScope("contrastive"), embeddings, in, config.Temperature)
		add("contrastive_term", found.contrastive, config.ContrastiveWeight)
	}
	if config.ClassWeight > 0 {
		found.class = g.classLoss(embeddings, in)
		add("class_term", found.class, config.ClassWeight)
	}
	if config.RelationWeight > 0 {
		found.relation = relationLoss(scope.SubScope("relation"), embeddings, in, config.Temperature)
		add("relation_term", found.relation, config.RelationWeight)
	}
	return found
}

// pairLoss is the weighted binary cross-entropy of the head's probability: for a
// logit x and a label y it is softplus(x) - x·y, which is exact where a
// probability would have to be clipped.
func (g *graph) pairLoss(embeddings binding.Output, in lossInputs, rate float64) (loss, accuracy binding.Output) {
	scope := g.scope.SubScope("pairs")
	x := g.pairLogit("train_head", embeddings, in, dropout(in.seed, rate)) // [M]
	// softplus(x) = max(x,0) + log(1+exp(-|x|)), stable for any x.
	softplus := op.AddV2(scope, op.Relu(scope, x), op.Log1p(scope, op.Exp(scope, op.Neg(scope, op.Abs(scope, x)))))
	each := op.Sub(scope, softplus, op.Mul(scope.SubScope("xy"), x, in.same)) // [M]
	loss = op.Sum(scope.SubScope("mean"), op.Mul(scope.SubScope("weighted"), each, in.weight), op.Const(scope.SubScope("all"), []int32{0}))
	right := scope.SubScope("accuracy")
	isSame := op.Cast(right.SubScope("predicted"), op.Greater(right, x, op.Const(right, float32(0))), binding.Float)
	half := op.Const(right.SubScope("half"), float32(0.5))
	wanted := op.Cast(right.SubScope("wanted"), op.Greater(right.SubScope("target"), in.same, half), binding.Float)
	wrong := op.Abs(right, op.Sub(right, isSame, wanted))
	share := op.Sum(right, op.Mul(right, wrong, in.weight), op.Const(right.SubScope("all"), []int32{0}))
	return loss, op.Sub(right.SubScope("share"), op.Const(right.SubScope("one"), float32(1)), share)
}

// dropout sets a share of a layer's outputs to 0, others by chance for each pair, and
// scales up the rest; nil for none. The chance is the seed's alone.
func dropout(seed binding.Output, rate float64) func(*op.Scope, binding.Output) binding.Output {
	if rate == 0 {
		return nil
	}
	return func(scope *op.Scope, x binding.Output) binding.Output {
		chance := op.StatelessRandomUniform(scope, op.Shape(scope, x), seed)
		kept := op.Cast(scope, op.GreaterEqual(scope, chance, op.Const(scope.SubScope("rate"), float32(rate))), binding.Float)
		return op.Mul(scope.SubScope("scaled"), x, op.Mul(scope, kept, op.Const(scope.SubScope("scale"), float32(1/(1-rate)))))
	}
}

// pairLogit is the head's logit of each pair, float32 [M].
func (g *graph) pairLogit(name string, embeddings binding.Output, in lossInputs, dropped func(*op.Scope, binding.Output) binding.Output) binding.Output {
	scope := g.scope.SubScope(name + "_pairs")
	axis := op.Const(scope.SubScope("axis"), int32(0))
	a := op.GatherV2(scope.SubScope("a"), embeddings, in.a, axis) // [M,E]
	b := op.GatherV2(scope.SubScope("b"), embeddings, in.b, axis) // [M,E]
	return op.Reshape(scope, g.logit(name, a, b, dropped), op.Const(scope.SubScope("flat"), []int32{-1}))
}

// contrastiveLoss is the supervised contrastive term (Khosla et al. 2020, the
// form with the sum outside the logarithm) on embeddings of length 1: for each
// image the mean of -log softmax over all others, taken at those of its class.
func contrastiveLoss(scope *op.Scope, embeddings binding.Output, in lossInputs, temperature float64) binding.Output {
	logits := cosineLogits(scope, embeddings, in.self, temperature)
	taken := op.Mul(scope.SubScope("taken"), op.LogSoftmax(scope, logits), in.positive)
	return op.Neg(scope, op.Sum(scope.SubScope("sum"), taken, op.Const(scope.SubScope("all"), []int32{0, 1})))
}

// cosineLogits are the cosines of all embeddings divided by a temperature, float32 [N,N],
// less what off takes away.
func cosineLogits(scope *op.Scope, embeddings, off binding.Output, temperature float64) binding.Output {
	unit := unitLength(scope.SubScope("unit"), embeddings)            // [N,E]
	cosine := op.MatMul(scope, unit, unit, op.MatMulTransposeB(true)) // [N,N]
	scaled := scope.SubScope("scaled")
	return op.AddV2(scaled, op.Mul(scaled, cosine, op.Const(scaled, float32(1/temperature))), off)
}

// relationLoss is the mean over the images of the divergence KL(teacher || student) of
// two distributions over the other images: in.relations, and the softmax of the cosines.
func relationLoss(scope *op.Scope, embeddings binding.Output, in lossInputs, temperature float64) binding.Output {
	logits := cosineLogits(scope, embeddings, in.diagonal, temperature)
	own := op.Xlogy(scope, in.relations, in.relations) // p·log p, 0 where p is
	taken := op.Mul(scope.SubScope("taken"), op.LogSoftmax(scope, logits), in.relations)
	rows := op.Sum(scope.SubScope("rows"), op.Sub(scope.SubScope("less"), own, taken), op.Const(scope.SubScope("columns"), []int32{1}))
	return op.Mean(scope.SubScope("mean"), rows, op.Const(scope.SubScope("all"), []int32{0}))
}

// classLoss is the softmax cross-entropy of a linear classifier on the
// embeddings.
func (g *graph) classLoss(embeddings binding.Output, in lossInputs) binding.Output {
	scope := g.scope.SubScope("classes")
	logits := op.BiasAdd(scope, op.MatMul(scope, embeddings, g.reads[classKernel]), g.reads[classBias]) // [N,C]
	// The dense form: the sparse one has no gradient from Go.
	taken := op.Mul(scope, op.LogSoftmax(scope, logits), in.oneHot)
	total := op.Sum(scope, taken, op.Const(scope.SubScope("all"), []int32{0, 1}))
	return op.Neg(scope, total)
}
