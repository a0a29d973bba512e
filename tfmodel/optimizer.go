package tfmodel

import (
	"strings"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"
)

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
