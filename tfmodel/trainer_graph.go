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
