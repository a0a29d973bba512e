package tfmodel

import (
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
	"google.golang.org/protobuf/proto"
)

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
