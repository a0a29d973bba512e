package tfmodel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	framework "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"github.com/galeone/tensorflow/tensorflow/go/op"
	"google.golang.org/protobuf/proto"

	"siamese/tfmodel/internal/tf"
	"siamese/weights"
)

// Files of a SavedModel folder, relative to it.
const (
	graphFile     = "saved_model.pb"
	variablesFile = "variables/variables"
	extraFolder   = "assets.extra"
)

// The signatures of a SavedModel and the names of their tensors.
const (
	encodeSignature  = "encode"          // images -> embeddings
	compareSignature = "compare"         // a, b -> similarity
	defaultSignature = "serving_default" // image_a, image_b -> similarity

	imagesInput      = "images"
	embeddingsOutput = "embeddings"
	aInput           = "a"
	bInput           = "b"
	imageAInput      = "image_a"
	imageBInput      = "image_b"
	similarityOutput = "similarity"
)

// servingGraph is the network with its signatures and what a loader restores its
// variables by.
type servingGraph struct {
	*graph
	signatures map[string]*corepb.SignatureDef
	saver      *corepb.SaverDef
}

// writeSavedModel writes graph and variables into dir, which must exist and be
// empty. The card is written by the caller.
func writeSavedModel(dir string, architecture Architecture, set *weights.Set) error {
	serving := newServingGraph(architecture)
	built, err := serving.finalize()
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, filepath.Dir(variablesFile)), 0o755); err != nil {
		return fmt.Errorf("write SavedModel: %w", err)
	}
	if err := writeBundle(filepath.Join(dir, variablesFile), architecture.Variables(), set); err != nil {
		return fmt.Errorf("write SavedModel: %w", err)
	}
	definition, err := serving.savedModel(built)
	if err != nil {
		return fmt.Errorf("write SavedModel %q: %w", dir, err)
	}
	if err := os.WriteFile(filepath.Join(dir, graphFile), definition, 0o644); err != nil {
		return fmt.Errorf("write SavedModel: %w", err)
	}
	return nil
}

func newServingGraph(architecture Architecture) *servingGraph {
	g := &servingGraph{graph: newGraph(architecture)}
	images := g.images(imagesInput)
	embeddings := g.encoder(encodeSignature, images)
	a, b := g.embeddings(aInput), g.embeddings(bInput)
	similarity := g.similarity(compareSignature, a, b)
	imageA, imageB := g.images(imageAInput), g.images(imageBInput)
	defaultSimilarity := g.similarity(defaultSignature,
		g.encoder(defaultSignature+"/a", imageA), g.encoder(defaultSignature+"/b", imageB))
	if g.scope.Err() == nil {
		g.signatures = map[string]*corepb.SignatureDef{
			encodeSignature:  signature(tensors{imagesInput: images}, tensors{embeddingsOutput: embeddings}),
			compareSignature: signature(tensors{aInput: a, bInput: b}, tensors{similarityOutput: similarity}),
			defaultSignature: signature(tensors{imageAInput: imageA, imageBInput: imageB}, tensors{similarityOutput: defaultSimilarity}),
		}
	}
	g.addSaver()
	return g
}

// addSaver adds what a loader needs to restore the variables: an operation that
// reads them from a prefix, and one that saves them.
func (g *servingGraph) addSaver() {
	scope := g.scope.SubScope("saver")
	prefix := op.Placeholder(scope.SubScope("prefix"), binding.String, op.PlaceholderShape(binding.ScalarShape()))
	names, slices, values, types := g.saveArguments(scope)
	save := op.SaveV2(scope, prefix, names, slices, values)
	saved := op.Identity(scope.SubScope("saved").WithControlDependencies(save), prefix)
	restored := op.RestoreV2(scope, prefix, names, slices, types)
	var assigns []*binding.Operation
	for i, variable := range g.variables {
		if g.scope.Err() != nil {
			return
		}
		assigns = append(assigns, op.AssignVariableOp(scope.SubScope("assign"), variable.handle, restored[i]))
	}
	restore := op.NoOp(scope.SubScope("restore").WithControlDependencies(assigns...))
	if g.scope.Err() != nil {
		return
	}
	g.saver = &corepb.SaverDef{
		FilenameTensorName: prefix.Op.Name() + ":0",
		SaveTensorName:     saved.Op.Name() + ":0",
		RestoreOpName:      restore.Name(),
		Version:            corepb.SaverDef_V2,
	}
}

// saveArguments are what SaveV2 and RestoreV2 take; no slices, whole tensors.
func (g *servingGraph) saveArguments(scope *op.Scope) (names, slices binding.Output, values []binding.Output, types []binding.DataType) {
	var variableNames []string
	for _, variable := range g.variables {
		variableNames = append(variableNames, variable.Name)
		values = append(values, variable.read)
		types = append(types, binding.Float)
	}
	names = op.Const(scope.SubScope("names"), variableNames)
	slices = op.Const(scope.SubScope("slices"), make([]string, len(variableNames)))
	return names, slices, values, types
}

// savedModel is the content of saved_model.pb. The binding can load SavedModels
// but not write them.
func (g *servingGraph) savedModel(built *binding.Graph) ([]byte, error) {
	var serialized bytes.Buffer
	if _, err := built.WriteTo(&serialized); err != nil {
		return nil, err
	}
	definition := &framework.GraphDef{}
	if err := proto.Unmarshal(serialized.Bytes(), definition); err != nil {
		return nil, fmt.Errorf("read back the graph: %w", err)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(&corepb.SavedModel{
		SavedModelSchemaVersion: 1,
		MetaGraphs: []*corepb.MetaGraphDef{{
			MetaInfoDef: &corepb.MetaGraphDef_MetaInfoDef{
				Tags:              []string{"serve"},
				TensorflowVersion: tf.Version(),
			},
			GraphDef:     definition,
			SaverDef:     g.saver,
			SignatureDef: g.signatures,
		}},
	})
}

// tensors are the inputs or outputs of a signature by name.
type tensors map[string]binding.Output

func signature(inputs, outputs tensors) *corepb.SignatureDef {
	return &corepb.SignatureDef{
		MethodName: "tensorflow/serving/predict",
		Inputs:     tensorInfos(inputs),
		Outputs:    tensorInfos(outputs),
	}
}

func tensorInfos(outputs tensors) map[string]*corepb.TensorInfo {
	infos := make(map[string]*corepb.TensorInfo)
	for name, output := range outputs {
		shape := &shapepb.TensorShapeProto{}
		for i := range output.Shape().NumDimensions() {
			shape.Dim = append(shape.Dim, &shapepb.TensorShapeProto_Dim{Size: output.Shape().Size(i)})
		}
		infos[name] = &corepb.TensorInfo{
			Encoding:    &corepb.TensorInfo_Name{Name: tensorName(output)},
			Dtype:       typepb.DataType(output.DataType()),
			TensorShape: shape,
		}
	}
	return infos
}

// ReadSavedModel reads what a SavedModel folder was made of, so that it can be
// written in another form. The folder is found and checked as Load does, except
// that no picture is encoded: its weights are held against the card's digest
// instead. The card that is returned names no files.
//
// ctx is checked between two variables. Errors wrap ErrModel, except for
// invalid options and a done ctx.
func ReadSavedModel(ctx context.Context, dir string, options Options) (Source, error) {
	if err := options.Validate(); err != nil {
		return Source{}, err
	}
	source, err := readSavedModel(ctx, dir, options)
	if err != nil && ctx.Err() == nil {
		return Source{}, fmt.Errorf("%w: %q: %w", ErrModel, dir, err)
	}
	return source, err
}

// ReadWeights reads weights and card of a SavedModel folder; see
// ReadSavedModel. The weights have the names and the order of
// Architecture.Variables and are the caller's.
func ReadWeights(ctx context.Context, dir string, options Options) (*weights.Set, Card, error) {
	source, err := ReadSavedModel(ctx, dir, options)
	return source.Weights, source.Card, err
}

func readSavedModel(ctx context.Context, dir string, options Options) (_ Source, err error) {
	held, release, err := options.Trust.hold(ctx, dir)
	if err != nil {
		return Source{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	from, err := checkedFolder(ctx, held)
	if err != nil {
		return Source{}, err
	}
	digest, err := from.digest(ctx)
	if err != nil {
		return Source{}, err
	}
	model, err := from.open(options)
	if err != nil {
		return Source{}, err
	}
	defer func() { _ = model.Close() }() // it was only loaded to be read
	set, err := model.readVariables(ctx)
	if err != nil {
		return Source{}, err
	}
	if got, want := from.card.Architecture.Digest(set), from.card.Weights.Digest; got != want {
		return Source{}, fmt.Errorf("its weights have the digest %s, its card says %s", got, want)
	}
	pictures, err := readPictures(from.extra(), from.card)
	if err != nil {
		return Source{}, err
	}
	from.card.Files = nil
	return Source{Card: from.card, Weights: set, Pictures: pictures, Digest: digest}, nil
}

// readVariables fetches the network's variables, one a run: together they would
// be in memory twice.
func (m *Model) readVariables(ctx context.Context) (*weights.Set, error) {
	var tensors []weights.Tensor
	for _, variable := range m.card.Architecture.Variables() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		values, err := m.readVariable(variable)
		if err != nil {
			return nil, fmt.Errorf("variable %q: %w", variable.Name, err)
		}
		tensors = append(tensors, weights.Tensor{Name: variable.Name, Shape: variable.Shape, Data: values})
	}
	return weights.New(tensors...)
}

// readSuffix ends the names of operations that read a variable, ours and TensorFlow's.
const readSuffix = "/ReadVariableOp"

// readName is the operation that graph.newVariable made beside the variable.
func readName(variable Variable) string { return variable.Name + readSuffix }

// readVariable runs the operation that graph.newVariable made beside the
// variable.
func (m *Model) readVariable(variable Variable) ([]float32, error) {
	read, err := m.session.Output(readName(variable))
	if err != nil {
		return nil, err
	}
	values := make([]float32, variable.Size())
	fetch := tf.Fetch{From: read, Type: tf.Float32, Shape: int64s(variable.Shape), Into: tf.Float32Bytes(values)}
	return values, m.session.Run(nil, []tf.Fetch{fetch})
}
