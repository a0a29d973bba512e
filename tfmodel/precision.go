package tfmodel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	framework "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"golang.org/x/sys/cpu"
	"google.golang.org/protobuf/proto"

	"siamese/tfmodel/internal/tf"
)

// Precision is the number format of the heavy operations.
type Precision string

// The precisions.
const (
	// Float32Precision is float32 throughout: on a GPU, too, where TensorFlow's own
	// default is TensorFloat32.
	Float32Precision Precision = "float32"
	// TensorFloat32 has a GPU of compute capability 8.0 or newer round what
	// convolutions and matrix products multiply to 10 bits of fraction, and use its
	// tensor cores. Elsewhere it is Float32Precision. The switch is TensorFlow's and
	// holds for the whole process: of several open models that differ in it, all
	// compute as the one that was opened last.
	TensorFloat32 Precision = "tf32"
	// BFloat16 has float32's range with 7 bits of fraction. It pays on GPUs of
	// compute capability 8.0 or newer and on processors with AVX512-BF16 or AMX,
	// and is slow on others. On a GPU what is left in float32, the head, is computed
	// as by TensorFloat32.
	BFloat16 Precision = "bfloat16"
	// AutoPrecision is for models that are loaded: the fastest precision in which
	// their golden pairs hold to GoldenTolerance. On a CPU that has instructions for
	// it BFloat16 is tried, on a GPU of compute capability 8.0 or newer, or of unknown
	// capability, BFloat16 and then TensorFloat32; where none holds it is
	// Float32Precision. Each try sets TensorFloat32's switch, and so for other open
	// models, too. Training and Export take AutoPrecision for Float32Precision.
	AutoPrecision Precision = "auto"
)

// BFloat16Tolerance is how far a golden pair's similarity may be off where
// BFloat16 or TensorFloat32 was asked for by name: three times the largest error
// of 80 pairs in BFloat16 (docs/performance.md). It finds damage; rounding the
// caller has accepted.
const BFloat16Tolerance = 0.02

func (p Precision) validate() error {
	switch p {
	case "", Float32Precision, TensorFloat32, BFloat16, AutoPrecision:
		return nil
	}
	return fmt.Errorf("precision %q, want float32, tf32, bfloat16 or auto", p)
}

// session is the precision that one session is made with.
func (p Precision) session() Precision {
	if p == BFloat16 || p == TensorFloat32 {
		return p
	}
	return Float32Precision
}

// tolerance is what golden pairs are held to where p was asked for.
func (p Precision) tolerance() float64 {
	if p == BFloat16 || p == TensorFloat32 {
		return BFloat16Tolerance
	}
	return GoldenTolerance
}

// allowTensorFloat32 sets what the process does with float32 on a GPU.
func (p Precision) allowTensorFloat32() {
	tf.SetTensorFloat32(p.session() != Float32Precision)
}

// hasBFloat16 reports whether this processor computes in bfloat16 faster than in
// float32.
func hasBFloat16() bool {
	return cpu.X86.HasAVX512BF16 || cpu.X86.HasAMXBF16
}

// processor is what AutoPrecision goes by.
type processor struct {
	onCPU       bool
	hasBFloat16 bool   // the CPU has instructions for it
	capability  string // the GPU's compute capability, such as "9.0"; "" if unknown
}

// readProcessor describes what a model with these options runs on.
func readProcessor(options Options) (processor, error) {
	found := processor{hasBFloat16: hasBFloat16()}
	var err error
	if found.onCPU, err = options.onCPU(); err != nil || found.onCPU {
		return found, err
	}
	// The driver's number is another card's where CUDA_VISIBLE_DEVICES reorders
	// cards of several kinds. That costs speed or a refused load, no wrong answer.
	_, number, err := parseDevice(options.Device)
	if gpu, ok := ReadGPU(number); ok {
		found.capability = gpu.ComputeCapability
	}
	return found, err
}

// tensorCores is the compute capability from which GPUs have TensorFloat32 and
// bfloat16.
const tensorCores = 8.0

// candidates are the precisions that AutoPrecision tries, the fastest first. The
// last is always Float32Precision. missing says why others are left out, "" where
// none is.
func (p processor) candidates() (precisions []Precision, missing string) {
	if p.onCPU {
		if !p.hasBFloat16 {
			return []Precision{Float32Precision}, "the processor has neither AVX512-BF16 nor AMX-BF16"
		}
		return []Precision{BFloat16, Float32Precision}, ""
	}
	if capability, err := strconv.ParseFloat(p.capability, 64); err == nil && capability < tensorCores {
		return []Precision{Float32Precision}, fmt.Sprintf("the GPU's compute capability is %s, bfloat16 and tf32 need 8.0", p.capability)
	}
	return []Precision{BFloat16, TensorFloat32, Float32Precision}, ""
}

// openFirst opens a model in the first precision in which open gives no error.
// missing is why the list is short, "" where it is not.
//
// The candidate that is returned is the one opened last, so that the process-wide
// switch of TensorFloat32 is as it needs it.
func openFirst(ctx context.Context, precisions []Precision, missing string, open func(Precision) (*Model, error)) (*Model, error) {
	var reasons []string
	if missing != "" {
		reasons = append(reasons, missing)
	}
	for {
		precision := precisions[0]
		precisions = precisions[1:]
		model, err := open(precision)
		if err == nil {
			if precision != Float32Precision {
				reasons = append(reasons, fmt.Sprintf("the golden pairs hold in %s", precision))
			}
			model.precisionReason = strings.Join(reasons, "; ")
			return model, nil
		}
		if len(precisions) == 0 || ctx.Err() != nil {
			return nil, err
		}
		reasons = append(reasons, fmt.Sprintf("in %s: %v", precision, err))
	}
}

// TensorFlow turns a graph of float32 into one of bfloat16 by itself on a CPU
// alone (see Options.config). For a GPU this file rewrites the graph: the
// convolutions, what follows them up to the last pooling, and the gradients of
// both are computed in bfloat16, between casts. Variables stay float32, and so do
// sums over images and pixels: the gradients of biases.

// roundedInputs are the operations that are computed in bfloat16, with the
// numbers of their inputs of type T. Each has one output, of type T.
var roundedInputs = map[string][]int{
	"Conv2D": {0, 1}, "BiasAdd": {0, 1}, "Relu": {0}, "MaxPool": {0},
	"Conv2DBackpropInput": {1, 2}, "Conv2DBackpropFilter": {0, 2},
	"ReluGrad": {0, 1}, "MaxPoolGrad": {0, 1, 2},
	// The gradient of BiasAdd passes an Identity on.
	"Identity": {0},
}

// errNoConvolution says that a graph has nothing that bfloat16 is for.
var errNoConvolution = errors.New("the graph has no convolution to compute in bfloat16")

// rounding is a graph whose convolutions are computed in bfloat16.
type rounding struct {
	graph   *framework.GraphDef
	rounded map[string]bool   // nodes whose output is bfloat16
	casts   map[string]string // the casts that were added, by tensor
}

// roundGraph rewrites a graph in place.
func roundGraph(graph *framework.GraphDef) (*rounding, error) {
	nodes := graph.GetNode()
	r := &rounding{graph: graph, rounded: roundedNodes(nodes), casts: make(map[string]string)}
	if len(r.rounded) == 0 {
		return nil, errNoConvolution
	}
	for _, node := range nodes {
		r.roundNode(node)
	}
	return r, nil
}

// roundNode sets a node's type and casts the inputs that are of the other one.
func (r *rounding) roundNode(node *nodepb.NodeDef) {
	var takes []int // the inputs that are taken in bfloat16
	switch {
	case r.rounded[node.GetName()]:
		takes = roundedInputs[node.GetOp()]
	case node.GetOp() == "Shape" && len(node.GetInput()) > 0 && node.GetAttr() != nil && r.isRounded(node.GetInput()[0]):
		takes = []int{0} // the shape of either type is the same
	}
	if takes != nil {
		node.Attr["T"] = typeAttribute(typepb.DataType_DT_BFLOAT16)
	}
	for i, input := range node.GetInput() {
		if slices.Contains(takes, i) {
			node.Input[i] = r.inBFloat16(input)
		} else {
			node.Input[i] = r.inFloat32(input)
		}
	}
}

// inBFloat16 is a tensor of float32 or bfloat16 in bfloat16.
func (r *rounding) inBFloat16(tensor string) string {
	if r.isRounded(tensor) {
		return tensor
	}
	return r.cast(tensor, typepb.DataType_DT_FLOAT, typepb.DataType_DT_BFLOAT16)
}

// inFloat32 is a tensor with bfloat16 turned into float32. Other types and
// control inputs stay as they are.
func (r *rounding) inFloat32(tensor string) string {
	if !r.isRounded(tensor) {
		return tensor
	}
	return r.cast(tensor, typepb.DataType_DT_BFLOAT16, typepb.DataType_DT_FLOAT)
}

// isRounded reports whether a tensor is bfloat16; a control input is not.
func (r *rounding) isRounded(tensor string) bool { return r.rounded[producerOf(tensor)] }

// cast adds a cast to the graph, one for each tensor.
func (r *rounding) cast(tensor string, from, to typepb.DataType) string {
	tensor = strings.TrimSuffix(tensor, ":0") // the usual name of a first output
	if name, ok := r.casts[tensor]; ok {
		return name
	}
	// No name of the graph's own begins like this: its scopes are named by layers.
	name := "rounded/cast_" + strconv.Itoa(len(r.casts))
	r.graph.Node = append(r.graph.Node, &nodepb.NodeDef{
		Name: name, Op: "Cast", Input: []string{tensor},
		Attr: map[string]*attrpb.AttrValue{"SrcT": typeAttribute(from), "DstT": typeAttribute(to)},
	})
	r.casts[tensor] = name
	return name
}

// roundedNodes finds the convolutions and what is connected with them: the head's
// bias and ReLU, which follow a matrix product, stay as they are.
func roundedNodes(nodes []*nodepb.NodeDef) map[string]bool {
	rounded := make(map[string]bool)
	for grows := true; grows; {
		grows = false
		for _, node := range nodes {
			inputs, is := roundedInputs[node.GetOp()]
			if !is || len(node.GetInput()) <= slices.Max(inputs) || rounded[node.GetName()] || node.GetAttr()["T"].GetType() != typepb.DataType_DT_FLOAT {
				continue
			}
			joins := strings.HasPrefix(node.GetOp(), "Conv2D") ||
				slices.ContainsFunc(inputs, func(i int) bool { return rounded[producerOf(node.GetInput()[i])] })
			if joins {
				rounded[node.GetName()], grows = true, true
			}
		}
	}
	return rounded
}

// producerOf is the node that an input comes from, "" for a control input.
func producerOf(input string) string {
	if strings.HasPrefix(input, "^") {
		return ""
	}
	node, _, _ := strings.Cut(input, ":")
	return node
}

func typeAttribute(dataType typepb.DataType) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Type{Type: dataType}}
}

// roundTower is roundGraph on a tower. What the trainer reads stays float32: a
// result that is rounded is read behind a cast.
func roundTower(t *tower) error {
	graph := &framework.GraphDef{}
	if err := proto.Unmarshal(t.definition, graph); err != nil {
		return fmt.Errorf("round tower: %w", err)
	}
	r, err := roundGraph(graph)
	if err != nil {
		return fmt.Errorf("round tower: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(t.names)) {
		if tensor := t.names[name]; r.isRounded(tensor) {
			t.names[name] = r.inFloat32(tensor) + ":0"
		}
	}
	if t.definition, err = proto.Marshal(graph); err != nil {
		return fmt.Errorf("round tower: %w", err)
	}
	return nil
}

// roundModel is roundGraph on a SavedModel.
func roundModel(model *corepb.SavedModel) error {
	for _, meta := range model.GetMetaGraphs() {
		if _, err := roundGraph(meta.GetGraphDef()); err != nil {
			return fmt.Errorf("%s: %w", graphFile, err)
		}
	}
	return nil
}
