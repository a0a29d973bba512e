package tfmodel

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
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
// both are computed in bfloat16, between casts. Variables stay float32.

// roundedInputs are the operations that are computed in bfloat16, with the
// numbers of their inputs of type T.
var roundedInputs = map[string][]int{
	"Conv2D": {0, 1}, "BiasAdd": {0, 1}, "Relu": {0}, "MaxPool": {0},
	"Conv2DBackpropInput": {1, 2}, "Conv2DBackpropFilter": {0, 2},
	"BiasAddGrad": {0}, "ReluGrad": {0, 1}, "MaxPoolGrad": {0, 1, 2},
}

// errNoConvolution says that a graph has nothing that bfloat16 is for.
var errNoConvolution = errors.New("the graph has no convolution to compute in bfloat16")

// roundGraph has a graph's convolutions computed in bfloat16, in place.
func roundGraph(definition *framework.GraphDef) error {
	rounded := roundedNodes(definition.GetNode())
	if len(rounded) == 0 {
		return errNoConvolution
	}
	casts := castMaker{made: make(map[string]string)}
	for _, node := range definition.GetNode() {
		taken := map[int]bool{}
		if rounded[node.GetName()] {
			node.Attr["T"] = typeAttribute(typepb.DataType_DT_BFLOAT16)
			for _, i := range roundedInputs[node.GetOp()] {
				taken[i] = true
			}
		}
		for i, input := range node.GetInput() {
			producer, isData := producerOf(input)
			switch {
			case !isData || taken[i] == rounded[producer]:
			case taken[i]:
				node.Input[i] = casts.cast(input, typepb.DataType_DT_FLOAT, typepb.DataType_DT_BFLOAT16)
			default:
				node.Input[i] = casts.cast(input, typepb.DataType_DT_BFLOAT16, typepb.DataType_DT_FLOAT)
			}
		}
	}
	definition.Node = append(definition.GetNode(), casts.nodes...)
	return nil
}

// roundedNodes finds the convolutions and what hangs on them: the head's bias
// and ReLU, which follow a matrix product, stay as they are.
func roundedNodes(nodes []*nodepb.NodeDef) map[string]bool {
	rounded := make(map[string]bool)
	for grows := true; grows; {
		grows = false
		for _, node := range nodes {
			inputs, is := roundedInputs[node.GetOp()]
			if !is || rounded[node.GetName()] || node.GetAttr()["T"].GetType() != typepb.DataType_DT_FLOAT {
				continue
			}
			joins := strings.HasPrefix(node.GetOp(), "Conv2D")
			for _, i := range inputs {
				producer, _ := producerOf(node.GetInput()[i])
				joins = joins || rounded[producer]
			}
			if joins {
				rounded[node.GetName()], grows = true, true
			}
		}
	}
	return rounded
}

// producerOf is the node that an input comes from; false for a control input.
func producerOf(input string) (node string, isData bool) {
	if strings.HasPrefix(input, "^") {
		return "", false
	}
	node, _, _ = strings.Cut(input, ":")
	return node, true
}

func typeAttribute(dataType typepb.DataType) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Type{Type: dataType}}
}

// castMaker adds casts to a graph, one for each tensor.
type castMaker struct {
	nodes []*nodepb.NodeDef
	made  map[string]string // the cast of a tensor
}

func (c *castMaker) cast(tensor string, from, to typepb.DataType) string {
	if name, ok := c.made[tensor]; ok {
		return name
	}
	// No name of the graph's own begins like this: its scopes are named by layers.
	name := "rounded/cast_" + strconv.Itoa(len(c.nodes))
	c.nodes = append(c.nodes, &nodepb.NodeDef{
		Name: name, Op: "Cast", Input: []string{tensor},
		Attr: map[string]*attrpb.AttrValue{"SrcT": typeAttribute(from), "DstT": typeAttribute(to)},
	})
	c.made[tensor] = name
	return name
}

// roundTower is roundGraph on a tower. What the trainer reads stays float32: a
// result that is rounded is read behind a cast.
func roundTower(t *tower) error {
	definition := &framework.GraphDef{}
	if err := proto.Unmarshal(t.definition, definition); err != nil {
		return fmt.Errorf("round tower: %w", err)
	}
	rounded := roundedNodes(definition.GetNode())
	for _, name := range slices.Sorted(maps.Keys(t.names)) {
		tensor := t.names[name]
		if producer, _ := producerOf(tensor); rounded[producer] {
			// Identity is not rounded, so that roundGraph puts the cast before it.
			read := "read/" + name
			definition.Node = append(definition.Node, &nodepb.NodeDef{
				Name: read, Op: "Identity", Input: []string{tensor},
				Attr: map[string]*attrpb.AttrValue{"T": typeAttribute(typepb.DataType_DT_FLOAT)},
			})
			t.names[name] = read + ":0"
		}
	}
	if err := roundGraph(definition); err != nil {
		return fmt.Errorf("round tower: %w", err)
	}
	var err error
	if t.definition, err = proto.Marshal(definition); err != nil {
		return fmt.Errorf("round tower: %w", err)
	}
	return nil
}

// roundedCopy makes a temporary SavedModel folder that is dir with its
// convolutions in bfloat16: the graph is rewritten, the variables are linked to.
// The caller removes the folder once the model is loaded.
func roundedCopy(dir string) (copied string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	saved, err := os.ReadFile(filepath.Join(dir, graphFile))
	if err != nil {
		return "", err
	}
	model := &corepb.SavedModel{}
	if err := proto.Unmarshal(saved, model); err != nil {
		return "", fmt.Errorf("%s: %w", graphFile, err)
	}
	for _, meta := range model.GetMetaGraphs() {
		if err := roundGraph(meta.GetGraphDef()); err != nil {
			return "", fmt.Errorf("%s: %w", graphFile, err)
		}
	}
	if saved, err = proto.Marshal(model); err != nil {
		return "", fmt.Errorf("%s: %w", graphFile, err)
	}
	if copied, err = os.MkdirTemp("", "siamese-bfloat16-"); err != nil {
		return "", err
	}
	variables := filepath.Dir(variablesFile)
	err = errors.Join(
		os.WriteFile(filepath.Join(copied, graphFile), saved, 0o600),
		os.Symlink(filepath.Join(dir, variables), filepath.Join(copied, variables)))
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(copied))
	}
	return copied, nil
}
