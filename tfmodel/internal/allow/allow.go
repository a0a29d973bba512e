// Package allow holds a SavedModel's graph against a list of what this network
// needs. A graph is a program: TensorFlow has operations that read and write files,
// call other languages and speak with other machines, and runs some of them while a
// model is loaded. The list has none of those.
//
// The package needs no TensorFlow: it reads protobuf alone.
package allow

import (
	"errors"
	"fmt"
	"slices"

	framework "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// ErrRefused is wrapped by all errors of Graph.
var ErrRefused = errors.New("the graph is refused")

// Limits of a graph. The network takes 30 KB, 260 nodes and constants of 1 KB; as
// Keras exports it, three times that.
const (
	// MaxBytes is the size of saved_model.pb.
	MaxBytes = 2 << 20
	// MaxNodes counts the nodes of the graph and of all its functions.
	MaxNodes = 10000
	// MaxConstantElements is the size of one constant, which can be a few bytes in
	// the file.
	MaxConstantElements = 1 << 20
	// MaxVariableElements is the size of one variable.
	MaxVariableElements = 1 << 30

	// maxDepth is how deep messages of the file may be nested, as TensorFlow has it.
	maxDepth = 100
)

// computing are the operations that may stand anywhere: they compute by their inputs
// alone, call functions of the graph, or read its variables.
var computing = []string{
	"Abs", "Add", "AddV2", "BiasAdd", "Cast", "Const", "Conv2D", "DisableCopyOnRead",
	"ExpandDims", "Identity", "IdentityN", "MatMul", "MaxPool", "Maximum", "Mean",
	"Minimum", "Mul", "NoOp", "Pack", "PartitionedCall", "Placeholder",
	"PlaceholderWithDefault", "Pow", "ReadVariableOp", "RealDiv", "Relu", "Reshape",
	"Rsqrt", "Select", "SelectV2", "Shape", "ShardedFilename", "Sigmoid", "Sqrt",
	"Square", "Squeeze", "StatefulPartitionedCall", "StaticRegexFullMatch",
	"StridedSlice", "StringJoin", "Sub", "Sum", "Transpose", "VarHandleOp",
	"VarIsInitializedOp",
}

// The operations that may stand in some places only.
const (
	assign  = "AssignVariableOp"      // to restore and initialise
	restore = "RestoreV2"             // to restore, from the model's own variables
	save    = "SaveV2"                // where nothing is run
	merge   = "MergeV2Checkpoints"    // where nothing is run
	initKey = "__saved_model_init_op" // TensorFlow 2's name of what is run at load
	mainKey = "saved_model_main_op"   // its name in collections
	oldKey  = "legacy_init_op"        // its name in old collections
	serve   = "serve"                 // the tag of what is served
	advice  = "make the model from a weight file instead, or allow any operation (--allow-any-op) if you trust who made it as you trust a program"
)

// Graph reads the content of a saved_model.pb and returns what of it a model is
// loaded from, so that TensorFlow gets what was looked at and nothing else: one graph
// with its functions and signatures, what restores its variables, and what
// initialises it.
//
// fetched names nodes that are run beside the signatures and the nodes ReadVariableOp.
// Errors wrap ErrRefused and
// name the operation and its node.
func Graph(content []byte, fetched ...string) (*corepb.SavedModel, error) {
	model, err := Parse(content)
	if err != nil {
		return nil, err
	}
	if len(model.GetMetaGraphs()) != 1 || !slices.Equal(model.GetMetaGraphs()[0].GetMetaInfoDef().GetTags(), []string{serve}) {
		var tags [][]string
		for _, meta := range model.GetMetaGraphs() {
			tags = append(tags, meta.GetMetaInfoDef().GetTags())
		}
		return nil, fmt.Errorf("%w: it holds graphs with the tags %.200q, want one with the tag %q", ErrRefused, tags, serve)
	}
	meta, err := essentials(model.GetMetaGraphs()[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err := check(meta, fetched); err != nil {
		return nil, fmt.Errorf("%w: %w: %s", ErrRefused, err, advice)
	}
	return &corepb.SavedModel{SavedModelSchemaVersion: model.GetSavedModelSchemaVersion(), MetaGraphs: []*corepb.MetaGraphDef{meta}}, nil
}

// Parse reads the content of a saved_model.pb without looking at its operations.
// What this program does not know of the format is left out. Errors wrap ErrRefused.
func Parse(content []byte) (*corepb.SavedModel, error) {
	if len(content) > MaxBytes {
		return nil, fmt.Errorf("%w: it has %d bytes, want at most %d", ErrRefused, len(content), MaxBytes)
	}
	model := &corepb.SavedModel{}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(content, model); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return model, nil
}

// essentials is a graph without what loading has no need of.
func essentials(meta *corepb.MetaGraphDef) (*corepb.MetaGraphDef, error) {
	if count := len(meta.GetAssetFileDef()); count > 0 || meta.GetCollectionDef()["saved_model_assets"] != nil {
		return nil, fmt.Errorf("it names %d files as assets, want none: %s", count, advice)
	}
	library := meta.GetGraphDef().GetLibrary()
	kept := &corepb.MetaGraphDef{
		MetaInfoDef: &corepb.MetaGraphDef_MetaInfoDef{
			Tags: meta.GetMetaInfoDef().GetTags(), TensorflowVersion: meta.GetMetaInfoDef().GetTensorflowVersion(),
		},
		GraphDef: &framework.GraphDef{
			Node: meta.GetGraphDef().GetNode(), Versions: meta.GetGraphDef().GetVersions(),
		},
		SaverDef:     meta.GetSaverDef(),
		SignatureDef: meta.GetSignatureDef(),
	}
	if len(library.GetFunction()) > 0 {
		// Gradients are for training.
		kept.GraphDef.Library = proto.CloneOf(library)
		kept.GraphDef.Library.Gradient, kept.GraphDef.Library.RegisteredGradients = nil, nil
	}
	for _, key := range []string{mainKey, oldKey} {
		if collection, ok := meta.GetCollectionDef()[key]; ok {
			if kept.CollectionDef == nil {
				kept.CollectionDef = make(map[string]*corepb.CollectionDef)
			}
			kept.CollectionDef[key] = collection
		}
	}
	return kept, nil
}
