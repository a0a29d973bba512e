package tfmodel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"siamese/tfmodel/internal/tf"
	"siamese/weights"
)

// ReadSavedModel reads what a SavedModel folder was made of, so that it can be
// written in another form. The folder is found and checked as Load does, except
// that no picture is encoded: its weights are held against the card's digest
// instead. The card that is returned names no files.
//
// ctx is looked at between two variables. Errors wrap ErrModel, except for
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

func readSavedModel(ctx context.Context, dir string, options Options) (Source, error) {
	dir, err := versionFolder(dir)
	if err != nil {
		return Source{}, err
	}
	card, err := readCard(dir)
	if err != nil {
		return Source{}, err
	}
	if err := checkFiles(dir, card); err != nil {
		return Source{}, err
	}
	model, err := openSession(dir, card, options)
	if err != nil {
		return Source{}, err
	}
	defer func() { _ = model.Close() }() // it was loaded to be looked at only
	set, err := model.readVariables(ctx)
	if err != nil {
		return Source{}, err
	}
	if got, want := set.Digest(), card.Weights.Digest; got != want {
		return Source{}, fmt.Errorf("its weights have the digest %s, its card says %s", got, want)
	}
	card.Files = nil
	return Source{Card: card, Weights: set, Pictures: os.DirFS(filepath.Join(dir, extraFolder))}, nil
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

// readVariable runs the operation that graph.addVariable made beside the
// variable.
func (m *Model) readVariable(variable Variable) ([]float32, error) {
	read, err := m.session.Output(variable.Name + "/ReadVariableOp")
	if err != nil {
		return nil, err
	}
	shape := make([]int64, len(variable.Shape))
	for i, dim := range variable.Shape {
		shape[i] = int64(dim)
	}
	values := make([]float32, variable.Size())
	fetch := tf.Fetch{From: read, Type: tf.Float32, Shape: shape, Into: tf.Float32Bytes(values)}
	return values, m.session.Run(nil, []tf.Fetch{fetch})
}
