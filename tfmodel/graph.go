package tfmodel

import (
	"fmt"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"
)

// graph builds the network with the binding's op package. Errors stick to the
// scope, as is its way: finalize reports the first. Within a scope op names
// operations by their type, so that two of one type collide: each gets a
// sub-scope of its own.
type graph struct {
	definition   *binding.Graph
	scope        *op.Scope
	architecture Architecture
	variables    []graphVariable
	reads        map[string]binding.Output
}

// graphVariable is a variable with the means to set it.
type graphVariable struct {
	Variable
	handle binding.Output
	read   binding.Output
}

// newGraph starts a graph that has the variables and nothing else.
func newGraph(architecture Architecture) *graph {
	g := emptyGraph(architecture)
	for _, variable := range architecture.Variables() {
		g.addVariable(variable)
	}
	return g
}

// emptyGraph starts a graph without variables.
func emptyGraph(architecture Architecture) *graph {
	definition := binding.NewGraph()
	return &graph{
		definition:   definition,
		scope:        op.NewScopeWithGraph(definition),
		architecture: architecture,
		reads:        make(map[string]binding.Output),
	}
}

// addVariable adds a variable of the network.
func (g *graph) addVariable(variable Variable) {
	added := g.newVariable(variable)
	g.variables = append(g.variables, added)
	g.reads[variable.Name] = added.read
}

// newVariable adds the operations of a variable.
func (g *graph) newVariable(variable Variable) graphVariable {
	scope := g.scope.SubScope(variable.Name)
	handle := op.VarHandleOp(scope, binding.Float, variable.shape(), op.VarHandleOpSharedName(variable.Name))
	return graphVariable{Variable: variable, handle: handle, read: op.ReadVariableOp(scope, handle, binding.Float)}
}

// shape is the variable's shape in the binding's terms.
func (v Variable) shape() binding.Shape {
	return binding.MakeShape(int64s(v.Shape)...)
}

func int64s(values []int) []int64 {
	converted := make([]int64, len(values))
	for i, value := range values {
		converted[i] = int64(value)
	}
	return converted
}

// images is a placeholder for prepared images: uint8 [-1,H,W,3].
func (g *graph) images(name string) binding.Output {
	shape := binding.MakeShape(-1, int64(g.architecture.Height), int64(g.architecture.Width), 3)
	return op.Placeholder(g.scope.SubScope(name), binding.Uint8, op.PlaceholderShape(shape))
}

// embeddings is a placeholder for embeddings: float32 [-1,E].
func (g *graph) embeddings(name string) binding.Output {
	shape := binding.MakeShape(-1, int64(g.architecture.EmbeddingLength()))
	return op.Placeholder(g.scope.SubScope(name), binding.Float, op.PlaceholderShape(shape))
}

// encoder turns images, uint8 [N,H,W,3], into embeddings, float32 [N,E].
func (g *graph) encoder(name string, images binding.Output) binding.Output {
	scope := g.scope.SubScope(name)
	// Upstream feeds byte/255: a division, since ×(1/255) rounds differently.
	x := op.RealDiv(scope, op.Cast(scope, images, binding.Float), op.Const(scope, float32(255))) // [N,H,W,3]
	height, width, channels := g.architecture.Height, g.architecture.Width, 3
	for number, block := range g.architecture.Blocks {
		for convolution, outputs := range block {
			x = g.convolution(scope, convolutionName(number, convolution), x)
			channels = outputs
		}
		pool := scope.SubScope(fmt.Sprintf("block%d_pool", number+1))
		x = op.MaxPool(pool, x, []int64{1, 2, 2, 1}, []int64{1, 2, 2, 1}, "VALID")
		height, width = height/2, width/2
		g.assertShape(x, -1, int64(height), int64(width), int64(channels))
	}
	return g.pool(scope, x)
}

// pool turns the last feature map, float32 [N,h,w,C], into embeddings, float32 [N,E].
func (g *graph) pool(scope *op.Scope, x binding.Output) binding.Output {
	switch a := g.architecture; a.pooling() {
	case Average:
		x = meanOverMap(scope.SubScope("average"), x)
	case GeM:
		x = generalizedMean(scope.SubScope("gem"), x, float32(a.gemPower()), a.gemCeiling())
	default:
		flatten := scope.SubScope("flatten")
		x = op.Reshape(flatten, x, op.Const(flatten, []int32{-1, int32(a.pooledLength())}))
	}
	g.assertShape(x, -1, int64(g.architecture.pooledLength()))
	if g.architecture.Projection > 0 {
		s := scope.SubScope(projectionLayer)
		x = op.BiasAdd(s, op.MatMul(s, x, g.reads[projectionLayer+"/kernel"]), g.reads[projectionLayer+"/bias"])
	}
	if g.architecture.Unit {
		x = unitLength(scope.SubScope("unit"), x)
	}
	g.assertShape(x, -1, int64(g.architecture.EmbeddingLength()))
	return x
}

// meanOverMap is the mean of each channel: [N,h,w,C] to [N,C].
func meanOverMap(scope *op.Scope, x binding.Output) binding.Output {
	return op.Mean(scope, x, op.Const(scope, []int32{1, 2}))
}

// epsilonGeM keeps the gradient of a power finite where a channel is 0 all over.
const epsilonGeM = 1e-6

// generalizedMean is mean(max(x,ε)ᵖ)^(1/p) of each channel, with the ceiling in place of
// larger values: [N,h,w,C] to [N,C].
func generalizedMean(scope *op.Scope, x binding.Output, power, ceiling float32) binding.Output {
	positive := op.Maximum(scope.SubScope("positive"), x, op.Const(scope.SubScope("least"), float32(epsilonGeM)))
	bounded := op.Minimum(scope.SubScope("bounded"), positive, op.Const(scope.SubScope("most"), ceiling))
	raised := op.Pow(scope.SubScope("raised"), bounded, op.Const(scope.SubScope("power"), power))
	return op.Pow(scope.SubScope("root"), meanOverMap(scope.SubScope("mean"), raised), op.Const(scope.SubScope("inverse"), 1/power))
}

// unitLength scales rows to length 1; a row of zeros stays one, and one whose square is
// above float32 becomes one.
func unitLength(scope *op.Scope, x binding.Output) binding.Output {
	squares := op.Sum(scope, op.Square(scope, x), op.Const(scope.SubScope("axis"), []int32{1}), op.SumKeepDims(true)) // [N,1]
	inverse := op.Rsqrt(scope, op.AddV2(scope, squares, op.Const(scope.SubScope("epsilon"), float32(epsilonNorm))))
	return op.Mul(scope, x, inverse)
}

// convolution is 3×3, stride 1, zero-padded, with bias and ReLU.
func (g *graph) convolution(scope *op.Scope, layer string, x binding.Output) binding.Output {
	s := scope.SubScope(layer)
	x = op.Conv2D(s, x, g.reads[layer+"/kernel"], []int64{1, 1, 1, 1}, "SAME")
	return op.Relu(s, op.BiasAdd(s, x, g.reads[layer+"/bias"]))
}

// logit turns embeddings, float32 [N,E] each, into the head's logit, float32
// [N,1]. dropped, which may be nil, changes the hidden layer's output.
func (g *graph) logit(name string, a, b binding.Output, dropped func(*op.Scope, binding.Output) binding.Output) binding.Output {
	scope := g.scope.SubScope(name)
	x := op.Abs(scope, op.Sub(scope, a, b)) // [N,E]
	hidden := scope.SubScope("dense_1")
	x = op.MatMul(hidden, x, g.reads["dense_1/kernel"])
	x = op.Relu(hidden, op.BiasAdd(hidden, x, g.reads["dense_1/bias"]))
	g.assertShape(x, -1, int64(g.architecture.Hidden))
	if dropped != nil {
		x = dropped(scope.SubScope("dropout"), x)
	}
	last := scope.SubScope("dense_2")
	x = op.BiasAdd(last, op.MatMul(last, x, g.reads["dense_2/kernel"]), g.reads["dense_2/bias"])
	g.assertShape(x, -1, 1)
	return x
}

// similarity turns embeddings, float32 [N,E] each, into similarities, float32
// [N] in 0..1.
func (g *graph) similarity(name string, a, b binding.Output) binding.Output {
	logit := g.logit(name, a, b, nil)
	scope := g.scope.SubScope(name + "/similarity")
	x := op.Sigmoid(scope, op.Reshape(scope, logit, op.Const(scope, []int32{-1})))
	g.assertShape(x, -1)
	return x
}

// assertShape records an error if the graph's own shape is another; -1 stands for
// a dimension that is only known in a run.
func (g *graph) assertShape(x binding.Output, want ...int64) {
	if g.scope.Err() != nil {
		return
	}
	if got, wanted := x.Shape(), binding.MakeShape(want...); got.String() != wanted.String() {
		g.scope.UpdateErr("assertShape", fmt.Errorf("%s has shape %s, want %s", x.Op.Name(), got, wanted))
	}
}

// finalize returns the finished graph, or the first error of its building.
func (g *graph) finalize() (*binding.Graph, error) {
	built, err := g.scope.Finalize()
	if err != nil {
		return nil, fmt.Errorf("build graph: %w", err)
	}
	return built, nil
}
