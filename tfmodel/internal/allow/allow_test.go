package allow_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	funcpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	framework "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	opdefpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/op_def_go_proto"
	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"siamese/tfmodel/internal/allow"
)

// honest is a graph like those that TensorFlow exports: signature "encode" calls the
// function "encoder", and "restorer" restores the variable v.
func honest() *corepb.SavedModel {
	filename := &nodepb.NodeDef{Name: "filename", Op: "Placeholder"}
	graph := &framework.GraphDef{
		Node: []*nodepb.NodeDef{
			filename,
			{Name: "images", Op: "Placeholder"},
			{Name: "v", Op: "VarHandleOp", Attr: map[string]*attrpb.AttrValue{"shape": shape(3, 3)}},
			{Name: "read", Op: "ReadVariableOp", Input: []string{"v"}},
			call("embeddings", "encoder", "images", "read"),
			call("restored", "restorer", "filename", "v"),
			call("saved", "saver", "filename", "read"),
			{Name: "init", Op: "NoOp"},
		},
		Library: &funcpb.FunctionDefLibrary{Function: []*funcpb.FunctionDef{
			function("encoder", []string{"x", "w"}, &nodepb.NodeDef{Name: "relu", Op: "Relu", Input: []string{"x"}}),
			function("restorer", []string{"prefix", "to"},
				&nodepb.NodeDef{Name: "path", Op: "Identity", Input: []string{"prefix"}},
				&nodepb.NodeDef{Name: "values", Op: "RestoreV2", Input: []string{"path:output:0"}},
				&nodepb.NodeDef{Name: "set", Op: "AssignVariableOp", Input: []string{"to", "values:tensors:0"}}),
			function("saver", []string{"prefix", "value"},
				&nodepb.NodeDef{Name: "write", Op: "SaveV2", Input: []string{"prefix", "value"}},
				&nodepb.NodeDef{Name: "merge", Op: "MergeV2Checkpoints", Input: []string{"prefix", "^write"}}),
		}},
	}
	return &corepb.SavedModel{SavedModelSchemaVersion: 1, MetaGraphs: []*corepb.MetaGraphDef{{
		MetaInfoDef: &corepb.MetaGraphDef_MetaInfoDef{Tags: []string{"serve"}},
		GraphDef:    graph,
		SaverDef:    &corepb.SaverDef{FilenameTensorName: "filename:0", SaveTensorName: "saved:0", RestoreOpName: "restored"},
		SignatureDef: map[string]*corepb.SignatureDef{
			"encode":                signature("images:0", "embeddings:0"),
			"__saved_model_init_op": {Outputs: map[string]*corepb.TensorInfo{"__saved_model_init_op": tensor("init")}},
		},
	}}}
}

func call(name, function string, inputs ...string) *nodepb.NodeDef {
	return &nodepb.NodeDef{Name: name, Op: "StatefulPartitionedCall", Input: inputs, Attr: map[string]*attrpb.AttrValue{"f": calls(function)}}
}

func calls(function string) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Func{Func: &attrpb.NameAttrList{Name: function}}}
}

func function(name string, arguments []string, nodes ...*nodepb.NodeDef) *funcpb.FunctionDef {
	definition := &funcpb.FunctionDef{Signature: &opdefpb.OpDef{Name: name}, NodeDef: nodes}
	for _, argument := range arguments {
		definition.Signature.InputArg = append(definition.Signature.InputArg, &opdefpb.OpDef_ArgDef{Name: argument, Type: typepb.DataType_DT_FLOAT})
	}
	return definition
}

func signature(input, output string) *corepb.SignatureDef {
	return &corepb.SignatureDef{
		Inputs:  map[string]*corepb.TensorInfo{"in": tensor(input)},
		Outputs: map[string]*corepb.TensorInfo{"out": tensor(output)},
	}
}

func tensor(name string) *corepb.TensorInfo {
	return &corepb.TensorInfo{Encoding: &corepb.TensorInfo_Name{Name: name}}
}

func shape(sizes ...int64) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Shape{Shape: dims(sizes...)}}
}

func dims(sizes ...int64) *shapepb.TensorShapeProto {
	made := &shapepb.TensorShapeProto{}
	for _, size := range sizes {
		made.Dim = append(made.Dim, &shapepb.TensorShapeProto_Dim{Size: size})
	}
	return made
}

func constant(content *tensorpb.TensorProto) *nodepb.NodeDef {
	return &nodepb.NodeDef{Name: "c", Op: "Const", Attr: map[string]*attrpb.AttrValue{"value": {Value: &attrpb.AttrValue_Tensor{Tensor: content}}}}
}

func marshal(t testing.TB, model *corepb.SavedModel) []byte {
	t.Helper()
	content, err := proto.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestGraphTakesExports: what Keras 3.15.1 and TensorFlow 2.21.0 write for this
// network (scripts/keras_exports.py), and our own kind.
func TestGraphTakesExports(t *testing.T) {
	for _, name := range []string{"keras_export.pb", "module.pb", "pooled.pb"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		model, err := allow.Graph(content)
		if err != nil {
			t.Errorf("Graph(%s) = %v, want nil", name, err)
			continue
		}
		meta := model.GetMetaGraphs()[0]
		if len(meta.GetSignatureDef()) < 3 || meta.GetSaverDef().GetRestoreOpName() == "" || meta.GetCollectionDef()["saved_model_main_op"] == nil {
			t.Errorf("Graph(%s) left out signatures, the saver or what is run at load", name)
		}
	}
	if _, err := allow.Graph(marshal(t, honest()), "fetched"); err != nil {
		t.Errorf("Graph of an honest graph = %v, want nil", err)
	}
}

// TestGraphGivesWhatItLookedAt: what this program does not know does not reach
// TensorFlow.
func TestGraphGivesWhatItLookedAt(t *testing.T) {
	model := honest()
	model.MetaGraphs[0].ObjectGraphDef = &corepb.SavedObjectGraph{Nodes: []*corepb.SavedObject{{}}}
	model.MetaGraphs[0].GraphDef.ProtoReflect().SetUnknown([]byte{0xf8, 0x3f, 1}) // field 1023
	model.MetaGraphs[0].GraphDef.Library.Gradient = []*funcpb.GradientDef{{FunctionName: "encoder", GradientFunc: "nowhere"}}
	got, err := allow.Graph(marshal(t, model))
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, honest()) {
		t.Errorf("Graph = %v, want the honest graph alone", got)
	}
}

func TestGraphRefuses(t *testing.T) {
	meta := func(change func(*corepb.MetaGraphDef)) func(*corepb.SavedModel) {
		return func(model *corepb.SavedModel) { change(model.MetaGraphs[0]) }
	}
	graph := func(change func(*framework.GraphDef)) func(*corepb.SavedModel) {
		return meta(func(m *corepb.MetaGraphDef) { change(m.GraphDef) })
	}
	add := func(nodes ...*nodepb.NodeDef) func(*corepb.SavedModel) {
		return graph(func(g *framework.GraphDef) { g.Node = append(g.Node, nodes...) })
	}
	library := func(functions ...*funcpb.FunctionDef) func(*corepb.SavedModel) {
		return graph(func(g *framework.GraphDef) { g.Library.Function = append(g.Library.Function, functions...) })
	}
	write := &nodepb.NodeDef{Name: "evil", Op: "WriteFile"}
	tests := []struct {
		give   string
		change func(*corepb.SavedModel)
		want   string
	}{
		{"an operation that writes a file", add(write), `node "evil" is the operation "WriteFile"`},
		{"one that reads a file", add(&nodepb.NodeDef{Name: "evil", Op: "ReadFile"}), `"ReadFile"`},
		{"Python", add(&nodepb.NodeDef{Name: "evil", Op: "PyFunc"}), `"PyFunc"`},
		{"another machine", add(&nodepb.NodeDef{Name: "evil", Op: "RemoteCall"}), `"RemoteCall"`},
		{"an operation of a plug-in", add(&nodepb.NodeDef{Name: "evil", Op: "Vendor>Op"}), `"Vendor>Op"`},
		{"a function called by its name", add(&nodepb.NodeDef{Name: "evil", Op: "encoder"}), `"encoder"`},
		{"in a function that nothing calls", library(function("f", nil, write)), `function "f": node "evil" is the operation "WriteFile"`},
		{"a function in an operation's place", library(function("Relu", nil)), "has the name of an operation"},
		{"a function in another's place", library(&funcpb.FunctionDef{
			Signature: &opdefpb.OpDef{Name: "f"}, Attr: map[string]*attrpb.AttrValue{"api_implements": {}},
		}), "other functions run in its place"},
		{"two functions of one name", library(function("encoder", nil)), `"encoder" is there twice`},
		{"a function that is not there", add(call("n", "nowhere")), `no function "nowhere"`},
		{"a function within an attribute's attribute", add(&nodepb.NodeDef{Name: "n", Op: "PartitionedCall", Attr: map[string]*attrpb.AttrValue{
			"f": {Value: &attrpb.AttrValue_Func{Func: &attrpb.NameAttrList{Name: "encoder", Attr: map[string]*attrpb.AttrValue{"g": calls("nowhere")}}}},
		}}), `no function "nowhere"`},
		{"a function that calls itself", library(function("f", nil, call("n", "f"))), "calls itself"},
		{"functions that double", graph(func(g *framework.GraphDef) {
			for i := range 20 {
				called := fmt.Sprintf("f%d", i-1)
				if i == 0 {
					called = "encoder"
				}
				g.Library.Function = append(g.Library.Function, function(fmt.Sprintf("f%d", i), nil, call("a", called), call("b", called)))
			}
		}), "takes more than 10000 nodes"},
		{"a signature that writes", meta(func(m *corepb.MetaGraphDef) { m.SignatureDef["x"] = signature("images:0", "saved:0") }), "SaveV2"},
		{"a signature that restores", meta(func(m *corepb.MetaGraphDef) { m.SignatureDef["x"] = signature("images:0", "^restored") }), "RestoreV2"},
		{"a signature that sets a variable", func(m *corepb.SavedModel) {
			add(&nodepb.NodeDef{Name: "set", Op: "AssignVariableOp", Input: []string{"v", "images"}}, &nodepb.NodeDef{Name: "n", Op: "Identity", Input: []string{"images", "^set"}})(m)
			m.MetaGraphs[0].SignatureDef["x"] = signature("images:0", "n:0")
		}, "AssignVariableOp"},
		{"a component of a signature's output that writes", meta(func(m *corepb.MetaGraphDef) {
			m.SignatureDef["encode"].Outputs["x"] = &corepb.TensorInfo{Encoding: &corepb.TensorInfo_CompositeTensor_{
				CompositeTensor: &corepb.TensorInfo_CompositeTensor{Components: []*corepb.TensorInfo{tensor("saved:0")}}}}
		}), "SaveV2"},
		{"a node that is read and writes", func(m *corepb.SavedModel) {
			m.MetaGraphs[0].GraphDef.Node[3].Input = append(m.MetaGraphs[0].GraphDef.Node[3].Input, "^saved")
			delete(m.MetaGraphs[0].SignatureDef, "encode")
		}, "SaveV2"},
		{"another node that is run writes", add(&nodepb.NodeDef{Name: "fetched", Op: "Identity", Input: []string{"images", "^saved"}}), "SaveV2"},
		{"what is run at load writes", meta(func(m *corepb.MetaGraphDef) { m.GraphDef.Node[7].Input = []string{"^saved"} }), "what is run when the model is loaded"},
		{"so by a collection", meta(func(m *corepb.MetaGraphDef) {
			delete(m.SignatureDef, "__saved_model_init_op")
			m.CollectionDef = map[string]*corepb.CollectionDef{"legacy_init_op": {Kind: &corepb.CollectionDef_NodeList_{NodeList: &corepb.CollectionDef_NodeList{Value: []string{"saved"}}}}}
		}), "what is run when the model is loaded"},
		{"a collection of no node", meta(func(m *corepb.MetaGraphDef) {
			delete(m.SignatureDef, "__saved_model_init_op")
			m.CollectionDef = map[string]*corepb.CollectionDef{"saved_model_main_op": {}}
		}), "names 0 nodes"},
		{"what TensorFlow crashes of", meta(func(m *corepb.MetaGraphDef) { m.SignatureDef["__saved_model_init_op"].Outputs = nil }), "has no output of that name"},
		{"the restorer writes", meta(func(m *corepb.MetaGraphDef) { m.SaverDef.RestoreOpName = "saved" }), "what restores the variables"},
		{"another file is restored", add(
			&nodepb.NodeDef{Name: "other", Op: "Const"}, &nodepb.NodeDef{Name: "evil", Op: "RestoreV2", Input: []string{"other"}},
		), `node "evil", RestoreV2, reads another file`},
		{"no file is restored", add(&nodepb.NodeDef{Name: "evil", Op: "RestoreV2", Input: []string{"^v"}}), "reads another file"},
		{"no file is named", func(m *corepb.SavedModel) { m.MetaGraphs[0].SaverDef = nil }, "read another file"},
		{"another file is given to the restorer", add(&nodepb.NodeDef{Name: "other", Op: "Const"}, call("evil", "restorer", "other", "v")), `node "evil" has function "restorer"`},
		{"a function restores a file of its own", library(function("f", []string{"x"},
			&nodepb.NodeDef{Name: "other", Op: "Const"}, &nodepb.NodeDef{Name: "evil", Op: "RestoreV2", Input: []string{"other:output:0"}},
		)), "reads another file than it is given"},
		{"a function restores in a circle", library(function("f", []string{"x"},
			&nodepb.NodeDef{Name: "a", Op: "Identity", Input: []string{"b"}}, &nodepb.NodeDef{Name: "b", Op: "Identity", Input: []string{"a"}},
			&nodepb.NodeDef{Name: "evil", Op: "RestoreV2", Input: []string{"a"}},
		)), "reads another file than it is given"},
		{"a function calls the restorer", library(function("f", []string{"x"}, call("evil", "restorer", "x"))), "want it called by the graph itself"},
		{"a node without a name", add(&nodepb.NodeDef{Op: "NoOp"}), "has no name"},
		{"two nodes of one name", add(&nodepb.NodeDef{Name: "v", Op: "NoOp"}), `node "v" is there twice`},
		{"a constant of a terabyte", add(constant(&tensorpb.TensorProto{Dtype: typepb.DataType_DT_FLOAT, TensorShape: dims(1<<20, 1<<18)})), "more than 1048576 elements"},
		{"a shape that overflows", add(constant(&tensorpb.TensorProto{Dtype: typepb.DataType_DT_FLOAT, TensorShape: dims(1<<62, 4)})), "elements"},
		{"a constant that is a resource", add(constant(&tensorpb.TensorProto{Dtype: typepb.DataType_DT_RESOURCE})), "DT_RESOURCE"},
		{"a constant that is a variant", add(constant(&tensorpb.TensorProto{Dtype: typepb.DataType_DT_VARIANT})), "DT_VARIANT"},
		{"a type that is a variant", add(&nodepb.NodeDef{Name: "n", Op: "Placeholder", Attr: map[string]*attrpb.AttrValue{
			"dtype": {Value: &attrpb.AttrValue_Type{Type: typepb.DataType_DT_VARIANT}}}}), "variant"},
		{"an argument that is a variant", library(&funcpb.FunctionDef{Signature: &opdefpb.OpDef{
			Name: "f", InputArg: []*opdefpb.OpDef_ArgDef{{Name: "x", Type: typepb.DataType_DT_VARIANT}}}}), "variant"},
		{"a variable of 16 GB", add(&nodepb.NodeDef{Name: "n", Op: "VarHandleOp", Attr: map[string]*attrpb.AttrValue{"shape": shape(1<<31, 2)}}), "elements"},
		{"assets", meta(func(m *corepb.MetaGraphDef) { m.AssetFileDef = []*corepb.AssetFileDef{{Filename: "../../etc/passwd"}} }), "1 files as assets"},
		{"assets by a collection", meta(func(m *corepb.MetaGraphDef) {
			m.CollectionDef = map[string]*corepb.CollectionDef{"saved_model_assets": {}}
		}), "assets"},
		{"two graphs", func(m *corepb.SavedModel) { m.MetaGraphs = append(m.MetaGraphs, m.MetaGraphs[0]) }, `[["serve"] ["serve"]]`},
		{"no graph", func(m *corepb.SavedModel) { m.MetaGraphs = nil }, `want one with the tag "serve"`},
		{"another tag", meta(func(m *corepb.MetaGraphDef) { m.MetaInfoDef.Tags = []string{"train"} }), `[["train"]]`},
		{"many nodes", graph(func(g *framework.GraphDef) {
			for i := range allow.MaxNodes {
				g.Node = append(g.Node, &nodepb.NodeDef{Name: fmt.Sprint(i), Op: "NoOp"})
			}
		}), "nodes, want at most 10000"},
	}
	for _, tt := range tests {
		model := honest()
		tt.change(model)
		_, err := allow.Graph(marshal(t, model), "fetched")
		if !errors.Is(err, allow.ErrRefused) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Graph = %v, want ErrRefused with %q", tt.give, err, tt.want)
		}
	}
}

func TestGraphRefusesBytes(t *testing.T) {
	tests := []struct {
		give    string
		content []byte
		want    string
	}{
		{"no protobuf", []byte("hello"), "cannot parse"},
		{"too long", make([]byte, allow.MaxBytes+1), "want at most 2097152"},
		{"empty", nil, `want one with the tag "serve"`},
	}
	for _, tt := range tests {
		if _, err := allow.Graph(tt.content); !errors.Is(err, allow.ErrRefused) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Graph = %v, want ErrRefused with %q", tt.give, err, tt.want)
		}
	}
}

// TestRefusalSaysWhatToDo: an operator has two ways on.
func TestRefusalSaysWhatToDo(t *testing.T) {
	model := honest()
	model.MetaGraphs[0].GraphDef.Node[0].Op = "WriteFile"
	_, err := allow.Graph(marshal(t, model))
	for _, want := range []string{"weight file", "--allow-any-op"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Graph = %v, want an error with %q", err, want)
		}
	}
}

// listed are all operations that may stand in a graph, kept here a second time: a
// change of the list has to be meant.
var listed = strings.Fields(`Abs Add AddV2 AssignVariableOp BiasAdd Cast Const Conv2D
	DisableCopyOnRead ExpandDims Identity IdentityN MatMul MaxPool Maximum Mean
	MergeV2Checkpoints Minimum Mul NoOp Pack PartitionedCall Placeholder
	PlaceholderWithDefault Pow ReadVariableOp RealDiv Relu Reshape RestoreV2 Rsqrt SaveV2
	Select SelectV2 Shape ShardedFilename Sigmoid Sqrt Square Squeeze
	StatefulPartitionedCall StaticRegexFullMatch StridedSlice StringJoin Sub Sum Transpose
	VarHandleOp VarIsInitializedOp`)

// FuzzGraph: no bytes make the check panic, and what it lets through has no operation
// that is not listed, nor what is not TensorFlow's to see.
func FuzzGraph(f *testing.F) {
	f.Add(marshal(f, honest()))
	evil := honest()
	evil.MetaGraphs[0].GraphDef.Library.Function[0].NodeDef[0].Op = "WriteFile"
	f.Add(marshal(f, evil))
	for _, name := range []string{"keras_export.pb", "module.pb", "pooled.pb", "tf1.pb"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		model, err := allow.Graph(content, "fetched")
		if err != nil {
			if !errors.Is(err, allow.ErrRefused) {
				t.Errorf("Graph = %v, want ErrRefused", err)
			}
			return
		}
		graph := model.GetMetaGraphs()[0].GetGraphDef()
		nodes := slices.Clone(graph.GetNode())
		for _, function := range graph.GetLibrary().GetFunction() {
			nodes = append(nodes, function.GetNodeDef()...)
		}
		for _, node := range nodes {
			if !slices.Contains(listed, node.GetOp()) {
				t.Errorf("Graph lets %q through", node.GetOp())
			}
		}
		if again, err := allow.Graph(marshal(t, model), "fetched"); err != nil || !proto.Equal(again, model) {
			t.Errorf("Graph of what it gave = %v, want the same again", err)
		}
	})
}
