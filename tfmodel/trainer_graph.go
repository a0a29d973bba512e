package tfmodel

import (
	"fmt"
	"strings"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"

	"siamese/tfmodel/internal/tf"
)

// stateKind says what a variable of a trainer is.
type stateKind int

const (
	kindWeight  stateKind = iota // of the network or the classifier
	kindSlot                     // of the optimizer
	kindAverage                  // moving average of a weight
)

// stateVariable is a variable that a checkpoint holds.
type stateVariable struct {
	graphVariable
	kind stateKind
	of   string // the weight that it belongs to; its own name for a weight
}

// trainerGraph is the network with losses, gradients and updates.
type trainerGraph struct {
	*graph
	config TrainerConfig
	state  []stateVariable
	// gradients are those of the variables that learn, averaged over the towers.
	gradients []binding.Output
	// outputs and operations are what the trainer feeds, fetches and runs, by
	// its own names.
	outputs    map[string]binding.Output
	operations map[string]*binding.Operation
}

// newTrainerGraph builds the graph; devices are TensorFlow's names of what the
// towers run on, "" for TensorFlow's choice. rounds has the towers compute
// in bfloat16 (see roundGraph).
func newTrainerGraph(architecture Architecture, config TrainerConfig, devices []string, rounds bool) (*trainerGraph, error) {
	g := &trainerGraph{
		graph:      emptyGraph(architecture),
		config:     config,
		outputs:    make(map[string]binding.Output),
		operations: make(map[string]*binding.Operation),
	}
	for _, variable := range trainerVariables(architecture, config) {
		g.addVariable(variable)
	}
	for _, variable := range g.variables {
		g.state = append(g.state, stateVariable{graphVariable: variable, kind: kindWeight, of: variable.Name})
	}
	if g.scope.Err() == nil {
		if err := g.addTowers(devices, rounds); err != nil {
			return nil, err
		}
	}
	g.addUpdates()
	g.addCompare()
	g.addAssigns()
	return g, g.scope.Err()
}

// newSession ends the building and makes a session of the graph.
func (g *trainerGraph) newSession(options Options) (*tf.Session, error) {
	built, err := g.finalize()
	if err != nil {
		return nil, err
	}
	config, err := options.config()
	if err != nil {
		return nil, err
	}
	owner, err := binding.NewSession(built, &binding.SessionOptions{Config: config, Target: options.target()})
	if err != nil {
		return nil, err
	}
	return tf.Borrow(owner, built)
}

// trainerVariables are the network's and the classifier's.
func trainerVariables(architecture Architecture, config TrainerConfig) []Variable {
	variables := architecture.Variables()
	if config.ClassWeight > 0 {
		variables = append(variables,
			Variable{Name: classKernel, Shape: []int{architecture.EmbeddingLength(), config.Classes}},
			Variable{Name: classBias, Shape: []int{config.Classes}})
	}
	return variables
}

// learns reports whether a variable is trained.
func (c TrainerConfig) learns(variable string) bool {
	var block int
	if _, err := fmt.Sscanf(variable, "block%d_", &block); err == nil && block <= c.FrozenBlocks {
		return false
	}
	if strings.HasPrefix(variable, projectionLayer+"/") && c.FrozenProjection {
		return false
	}
	// What no term reaches has no gradient.
	isHead := strings.HasPrefix(variable, "dense_")
	return !(isHead && c.PairWeight == 0 || isClassifier(variable) && c.ClassWeight == 0)
}

// isClassifier reports whether a variable is the classifier's, not the network's.
func isClassifier(name string) bool {
	return name == classKernel || name == classBias
}

// addUpdates adds the optimizer's step under the operation "update".
func (g *trainerGraph) addUpdates() {
	if g.scope.Err() != nil {
		return
	}
	scope := g.scope.SubScope("update")
	optimizer := g.newOptimizer(scope)
	gradients := g.clip(scope.SubScope("clip"), g.sparse(scope.SubScope("sparse"), g.gradients))
	var updates []*binding.Operation
	for i, variable := range g.trained() {
		updates = append(updates, optimizer.update(variable, gradients[i]))
	}
	if g.config.AverageDecay > 0 {
		updates = append(updates, g.addAverages(scope.SubScope("average"), updates)...)
	}
	if g.scope.Err() == nil {
		g.operations["update"] = op.NoOp(scope.SubScope("all").WithControlDependencies(updates...))
	}
}

// sparse sets the gradients of the head's entries that are 0 to 0, with
// TrainerConfig.SparseHead.
func (g *trainerGraph) sparse(scope *op.Scope, gradients []binding.Output) []binding.Output {
	if !g.config.SparseHead {
		return gradients
	}
	kept := make([]binding.Output, len(gradients))
	for i, variable := range g.trained() {
		kept[i] = gradients[i]
		if variable.Name == "dense_1/kernel" {
			used := op.NotEqual(scope, variable.read, op.Const(scope, float32(0)))
			kept[i] = op.Mul(scope, gradients[i], op.Cast(scope, used, binding.Float))
		}
	}
	return kept
}

// trained are the variables that learn.
func (g *trainerGraph) trained() []graphVariable {
	var trained []graphVariable
	for _, variable := range g.variables {
		if g.config.learns(variable.Name) {
			trained = append(trained, variable)
		}
	}
	return trained
}

// clip scales the gradients so that their common length is at most ClipNorm.
func (g *trainerGraph) clip(scope *op.Scope, gradients []binding.Output) []binding.Output {
	if g.config.ClipNorm == 0 {
		g.outputs["gradient"] = op.Const(scope, float32(0))
		return gradients
	}
	total := op.Const(scope, float32(0))
	for _, gradient := range gradients {
		each := scope.SubScope("square")
		total = op.AddV2(each, total, op.L2Loss(each, gradient)) // half the squares' sum
	}
	length := op.Sqrt(scope, op.Mul(scope.SubScope("double"), total, op.Const(scope.SubScope("two"), float32(2))))
	bound := op.Const(scope.SubScope("bound"), float32(g.config.ClipNorm))
	factor := op.RealDiv(scope, bound, op.Maximum(scope, length, bound))
	clipped := make([]binding.Output, len(gradients))
	for i, gradient := range gradients {
		clipped[i] = op.Mul(scope.SubScope("scaled"), gradient, factor)
	}
	g.outputs["gradient"] = length
	return clipped
}

// addAverages moves each average towards its weight, after the updates.
func (g *trainerGraph) addAverages(scope *op.Scope, updates []*binding.Operation) []*binding.Operation {
	var moves []*binding.Operation
	for _, variable := range g.variables {
		if isClassifier(variable.Name) {
			continue // nothing is done with it after training
		}
		average := g.addState("average/"+variable.Name, variable, kindAverage)
		each := scope.SubScope(variable.Name).WithControlDependencies(updates...)
		now := op.ReadVariableOp(each, variable.handle, binding.Float)
		old := op.ReadVariableOp(each.SubScope("old"), average.handle, binding.Float)
		step := op.Mul(each, op.Sub(each, old, now), op.Const(each, float32(1-g.config.AverageDecay)))
		moves = append(moves, op.AssignSubVariableOp(each, average.handle, step))
	}
	return moves
}

// addState adds a variable of a weight's shape.
func (g *trainerGraph) addState(name string, of graphVariable, kind stateKind) graphVariable {
	added := g.newVariable(Variable{Name: name, Shape: of.Shape})
	g.state = append(g.state, stateVariable{graphVariable: added, kind: kind, of: of.Name})
	return added
}

// addCompare adds the head for embeddings that are fed.
func (g *trainerGraph) addCompare() {
	a, b := g.embeddings(aInput), g.embeddings(bInput)
	g.outputs["a"], g.outputs["b"] = a, b
	g.outputs["similarity"] = g.similarity(compareSignature, a, b)
}

// addAssigns adds what sets and reads each variable.
func (g *trainerGraph) addAssigns() {
	scope := g.scope.SubScope("assign")
	for _, variable := range g.state {
		each := scope.SubScope(variable.Name)
		value := op.Placeholder(each, binding.Float)
		g.outputs["set/"+variable.Name] = value
		g.outputs["get/"+variable.Name] = variable.read
		g.operations["set/"+variable.Name] = op.AssignVariableOp(each, variable.handle, value)
	}
}

// optimizerGraph adds one variable's update.
type optimizerGraph struct {
	*trainerGraph
	under                  *op.Scope
	learningRate           binding.Output
	beta1Power, beta2Power binding.Output // Adam's, fed: β to the power of the step
}

func (g *trainerGraph) newOptimizer(scope *op.Scope) *optimizerGraph {
	scalar := func(name string) binding.Output {
		fed := op.Placeholder(scope.SubScope(name), binding.Float, op.PlaceholderShape(binding.ScalarShape()))
		g.outputs[name] = fed
		return fed
	}
	o := &optimizerGraph{trainerGraph: g, under: scope, learningRate: scalar("learning_rate")}
	if g.config.Optimizer != SGD {
		o.beta1Power, o.beta2Power = scalar("beta1_power"), scalar("beta2_power")
	}
	return o
}

// update is the operation that changes a variable by its gradient.
func (o *optimizerGraph) update(variable graphVariable, gradient binding.Output) *binding.Operation {
	scope := o.under.SubScope(variable.Name)
	rate := o.learningRate
	if o.config.HeadRate != 1 && strings.HasPrefix(variable.Name, "dense_") {
		rate = op.Mul(scope.SubScope("rate"), rate, op.Const(scope.SubScope("rate"), float32(o.config.HeadRate)))
	}
	decay := o.config.WeightDecay
	if decay > 0 && o.config.Optimizer == AdamW {
		return o.adamW(scope, variable, gradient, rate)
	}
	if decay > 0 {
		s := scope.SubScope("decay")
		gradient = op.AddV2(s, gradient, op.Mul(s, variable.read, op.Const(s, float32(decay))))
	}
	if o.config.Optimizer == SGD {
		return o.sgd(scope, variable, gradient, rate)
	}
	return o.adam(scope, variable, gradient, rate)
}

func (o *optimizerGraph) sgd(scope *op.Scope, variable graphVariable, gradient, rate binding.Output) *binding.Operation {
	velocity := o.addState("velocity/"+variable.Name, variable, kindSlot)
	return op.ResourceApplyKerasMomentum(scope, variable.handle, velocity.handle, rate, gradient,
		op.Const(scope.SubScope("momentum"), float32(o.config.Momentum)),
		op.ResourceApplyKerasMomentumUseNesterov(o.config.Nesterov))
}

func (o *optimizerGraph) adam(scope *op.Scope, variable graphVariable, gradient, rate binding.Output) *binding.Operation {
	first := o.addState("moment_1/"+variable.Name, variable, kindSlot)
	second := o.addState("moment_2/"+variable.Name, variable, kindSlot)
	return op.ResourceApplyAdam(scope, variable.handle, first.handle, second.handle,
		o.beta1Power, o.beta2Power, rate,
		op.Const(scope.SubScope("beta1"), float32(o.config.Momentum)),
		op.Const(scope.SubScope("beta2"), float32(adamBeta2)),
		op.Const(scope.SubScope("epsilon"), float32(adamEpsilon)), gradient)
}

// adamW shrinks the weight by itself, then steps.
func (o *optimizerGraph) adamW(scope *op.Scope, variable graphVariable, gradient, rate binding.Output) *binding.Operation {
	s := scope.SubScope("decay")
	shrink := op.Mul(s, op.Mul(s.SubScope("rate"), rate, op.Const(s, float32(o.config.WeightDecay))), variable.read)
	decayed := op.AssignSubVariableOp(s, variable.handle, shrink)
	return o.adam(scope.WithControlDependencies(decayed), variable, gradient, rate)
}

// epsilonNorm keeps the length of an embedding of zeros away from 0.
const epsilonNorm = 1e-6

// lossInputs are the placeholders for a step's pairs and classes. The matrices of
// the last three are made from TrainBatch.Labels: see Trainer.labelFeeds.
type lossInputs struct {
	a, b     binding.Output // int32 [M]: the images of each pair
	same     binding.Output // float32 [M]: 1 for the same class, else 0, or what lies between
	weight   binding.Output // float32 [M]: the pair's weight; they sum to 1
	positive binding.Output // float32 [N,N]: the weight of image j as a positive of image i; they sum to 1
	self     binding.Output // float32 [N,N]: selfOff on the diagonal, 0 elsewhere
	oneHot   binding.Output // float32 [N,C]: 1/N at the image's class, 0 elsewhere
}

// losses are the scalars that a step reports.
type losses struct {
	total, pair, contrastive, class binding.Output
	accuracy                        binding.Output // share of pairs, by weight, on their target's side of 0.5
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
	}
}

// addLosses puts the terms of the configuration on embeddings, float32 [N,E].
// Terms of weight 0 are left out and reported as 0.
func (g *graph) addLosses(embeddings binding.Output, in lossInputs, config TrainerConfig) losses {
	scope := g.scope.SubScope("loss")
	zero := op.Const(scope.SubScope("zero"), float32(0))
	found := losses{total: zero, pair: zero, contrastive: zero, class: zero, accuracy: zero}
	add := func(name string, term binding.Output, weight float64) {
		s := scope.SubScope(name)
		found.total = op.AddV2(s, found.total, op.Mul(s, term, op.Const(s, float32(weight))))
	}
	if config.PairWeight > 0 {
		found.pair, found.accuracy = g.pairLoss(embeddings, in)
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
	return found
}

// pairLoss is the weighted binary cross-entropy of the head's probability: for a
// logit x and a label y it is softplus(x) - x·y, which is exact where a
// probability would have to be clipped.
func (g *graph) pairLoss(embeddings binding.Output, in lossInputs) (loss, accuracy binding.Output) {
	scope := g.scope.SubScope("pairs")
	axis := op.Const(scope.SubScope("axis"), int32(0))
	a := op.GatherV2(scope.SubScope("a"), embeddings, in.a, axis)                                      // [M,E]
	b := op.GatherV2(scope.SubScope("b"), embeddings, in.b, axis)                                      // [M,E]
	x := op.Reshape(scope, g.logit("train_head", a, b), op.Const(scope.SubScope("flat"), []int32{-1})) // [M]
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

// contrastiveLoss is the supervised contrastive term (Khosla et al. 2020, the
// form with the sum outside the logarithm) on embeddings of length 1: for each
// image the mean of -log softmax over all others, taken at those of its class.
func contrastiveLoss(scope *op.Scope, embeddings binding.Output, in lossInputs, temperature float64) binding.Output {
	unit := unitLength(scope.SubScope("unit"), embeddings)            // [N,E]
	cosine := op.MatMul(scope, unit, unit, op.MatMulTransposeB(true)) // [N,N]
	scaled := scope.SubScope("scaled")
	logits := op.AddV2(scaled, op.Mul(scaled, cosine, op.Const(scaled, float32(1/temperature))), in.self)
	taken := op.Mul(scope.SubScope("taken"), op.LogSoftmax(scope, logits), in.positive)
	return op.Neg(scope, op.Sum(scope.SubScope("sum"), taken, op.Const(scope.SubScope("all"), []int32{0, 1})))
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
