package tfmodel

import (
	"context"
	"fmt"

	"siamese/tfmodel/internal/tf"
	"siamese/weights"
)

// stepsName is the tensor of a state that holds the number of steps.
const stepsName = "steps"

// State is everything that the next step depends on: weights, optimizer slots,
// averages and the number of steps (float32 [2], in units of 2¹⁶ and 1, exact).
func (t *Trainer) State() (*weights.Set, error) {
	tensors := []weights.Tensor{{
		Name: stepsName, Shape: []int{2},
		Data: []float32{float32(t.steps >> 16), float32(t.steps & 0xffff)},
	}}
	for _, variable := range t.graph.state {
		values, err := t.get(variable.Variable)
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, weights.Tensor{Name: variable.Name, Shape: variable.Shape, Data: values})
	}
	return weights.New(tensors...)
}

// Restore sets what State gave. A state of another network or configuration is
// refused before anything is changed.
func (t *Trainer) Restore(state *weights.Set) error {
	steps, ok := state.Get(stepsName)
	if !ok || len(steps.Data) != 2 {
		return fmt.Errorf("restore: the state has no %q of 2 numbers", stepsName)
	}
	if want := len(t.graph.state) + 1; state.Len() != want {
		return fmt.Errorf("restore: the state has %d tensors, want %d: it is of another configuration", state.Len(), want)
	}
	for _, variable := range t.graph.state {
		tensor, ok := state.Get(variable.Name)
		if !ok || len(tensor.Data) != variable.Size() {
			return fmt.Errorf("restore: the state lacks %q of shape %v", variable.Name, variable.Shape)
		}
	}
	for _, variable := range t.graph.state {
		tensor, _ := state.Get(variable.Name)
		if err := t.set(variable.Name, variable.Shape, tensor.Data); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	t.steps = int64(steps.Data[0])<<16 | int64(steps.Data[1])
	return nil
}

// Weights are the network's weights as they are.
func (t *Trainer) Weights() (*weights.Set, error) {
	return t.network(kindWeight)
}

// Averages are the moving averages of the weights; an error where none are kept.
func (t *Trainer) Averages() (*weights.Set, error) {
	if t.config.AverageDecay == 0 {
		return nil, fmt.Errorf("no averages are kept: the average decay is 0")
	}
	return t.network(kindAverage)
}

// network gathers the variables of a kind under the network's names.
func (t *Trainer) network(kind stateKind) (*weights.Set, error) {
	var tensors []weights.Tensor
	for _, variable := range t.graph.state {
		if variable.kind != kind || isClassifier(variable.of) {
			continue
		}
		values, err := t.get(variable.Variable)
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, weights.Tensor{Name: variable.of, Shape: variable.Shape, Data: values})
	}
	return weights.New(tensors...)
}

// SetWeights replaces the network's weights and leaves all else as it is.
func (t *Trainer) SetWeights(set *weights.Set) error {
	if err := t.architecture.Check(set); err != nil {
		return err
	}
	for tensor := range set.All() {
		if err := t.set(tensor.Name, tensor.Shape, tensor.Data); err != nil {
			return err
		}
	}
	return nil
}

func (t *Trainer) set(name string, shape []int, values []float32) error {
	feed := tf.Feed{To: t.outputs["set/"+name], Type: tf.Float32, Shape: int64s(shape), Data: tf.Float32Bytes(values)}
	if err := t.session.Run([]tf.Feed{feed}, nil, t.operations["set/"+name]); err != nil {
		return fmt.Errorf("set %q: %w", name, err)
	}
	return nil
}

func (t *Trainer) get(variable Variable) ([]float32, error) {
	values := make([]float32, variable.Size())
	fetch := tf.Fetch{From: t.outputs["get/"+variable.Name], Type: tf.Float32, Shape: int64s(variable.Shape), Into: tf.Float32Bytes(values)}
	if err := t.session.Run(nil, []tf.Fetch{fetch}); err != nil {
		return nil, fmt.Errorf("get %q: %w", variable.Name, err)
	}
	return values, nil
}

// trainerRunImages bounds a run of Encode.
const trainerRunImages = 32

// Encode is Model.Encode by the weights as they are.
func (t *Trainer) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	return t.model().Encode(ctx, pixels)
}

// Compare is Model.Compare by the weights as they are.
func (t *Trainer) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	return t.model().Compare(ctx, a, b)
}

// model is the network as it is, on the trainer's own session.
func (t *Trainer) model() *Model {
	return &Model{
		session: t.session,
		endpoints: endpoints{
			images: t.outputs["tower_0/images"], embeddings: t.outputs["tower_0/embeddings"],
			a: t.outputs["a"], b: t.outputs["b"], similarity: t.outputs["similarity"],
		},
		card:         Card{Architecture: t.architecture},
		maxRunImages: trainerRunImages,
	}
}
