package tfmodel

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"siamese/tfmodel/internal/tf"
	"siamese/weights"
)

// Variables that only training has.
const (
	classKernel = "classes/kernel"
	classBias   = "classes/bias"
)

// Trainer is a network that learns: forward pass, losses, gradients and update
// are one graph, and a step is one run of it. It also encodes and compares with
// its present weights. Not safe for concurrent use.
type Trainer struct {
	session      *tf.Session
	architecture Architecture
	config       TrainerConfig
	graph        *trainerGraph
	outputs      map[string]tf.Output
	operations   map[string]tf.Operation
	steps        int64
	towers       int
	cluster      []string
	lost         bool // a worker is gone, and an abandoned run waits for it
}

// StepResult is what a step measures before its update.
type StepResult struct {
	Loss        float64 // all terms with their weights
	Pair        float64 // binary cross-entropy
	Contrastive float64
	Class       float64
	Relation    float64
	Accuracy    float64 // share of pairs on the right side of 0.5, by weight
	Gradient    float64 // length of the gradient before clipping; 0 without ClipNorm
}

// NewTrainer makes a trainer that begins with the given weights. The caller
// closes it.
func NewTrainer(architecture Architecture, set *weights.Set, config TrainerConfig, options Options) (*Trainer, error) {
	if err := config.Validate(architecture); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if err := options.Validate(); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if err := architecture.Check(set); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	t := &Trainer{architecture: architecture, config: config.withDefaults(), cluster: options.Cluster}
	err := t.open(options)
	if err == nil {
		err = t.initialise(set)
	}
	if err != nil {
		_ = t.Close() // the first error is the one to report
		return nil, fmt.Errorf("trainer: %w", err)
	}
	return t, nil
}

// open builds the graph and its session.
func (t *Trainer) open(options Options) error {
	devices, err := options.towerDevices()
	if err != nil {
		return err
	}
	if err := reachWorkers(options.Cluster); err != nil {
		return err
	}
	if t.towers = len(devices); t.towers > 1 && t.config.RelationWeight > 0 {
		return fmt.Errorf("a relation term on %d devices, want one: relations are between the images of a whole batch", t.towers)
	}
	rounds, err := options.roundsGraph()
	if err != nil {
		return err
	}
	if t.graph, err = newTrainerGraph(t.architecture, t.config, devices, rounds); err != nil {
		return err
	}
	options.Precision.allowTensorFloat32()
	if t.session, err = t.graph.newSession(options); err != nil {
		return err
	}
	if err := options.checkDevices(t.session, devices); err != nil {
		return err
	}
	return t.findEndpoints()
}

// findEndpoints looks up what the trainer feeds, fetches and runs.
func (t *Trainer) findEndpoints() (err error) {
	t.outputs, t.operations = make(map[string]tf.Output), make(map[string]tf.Operation)
	for name, output := range t.graph.outputs {
		if t.outputs[name], err = t.session.Output(tensorName(output)); err != nil {
			return err
		}
	}
	for name, operation := range t.graph.operations {
		if t.operations[name], err = t.session.Operation(operation.Name()); err != nil {
			return err
		}
	}
	return nil
}

// initialise sets the network's variables and their averages to the given weights,
// the classifier's kernel to random values, and all else to 0.
func (t *Trainer) initialise(set *weights.Set) error {
	random := rand.New(rand.NewPCG(t.config.Seed, 0))
	for _, variable := range t.graph.state {
		values := make([]float32, variable.Size())
		switch {
		case variable.kind == kindAverage || variable.kind == kindWeight && !isClassifier(variable.Name):
			tensor, _ := set.Get(variable.of) // NewTrainer has checked the set
			values = tensor.Data
		case variable.Name == classKernel:
			// A tenth of the range of He's uniform distribution, so that the class
			// term begins near log(classes), the loss of a guess.
			limit := math.Sqrt(6 / float64(variable.Shape[0]))
			for i := range values {
				values[i] = float32((random.Float64()*2 - 1) * limit / 10)
			}
		}
		if err := t.set(variable.Name, variable.Shape, values); err != nil {
			return err
		}
	}
	return nil
}

// Step does one update with the learning rate. ctx is checked before it.
func (t *Trainer) Step(ctx context.Context, batch TrainBatch, learningRate float64) (StepResult, error) {
	if err := ctx.Err(); err != nil {
		return StepResult{}, err
	}
	feeds, err := t.feeds(batch, learningRate)
	if err != nil {
		return StepResult{}, fmt.Errorf("train step: %w", err)
	}
	names := []string{"loss", "pair", "contrastive", "class", "relation", "accuracy", "gradient"}
	values := make([]float32, len(names))
	var fetches []tf.Fetch
	for i, name := range names {
		fetches = append(fetches, tf.Fetch{From: t.outputs[name], Type: tf.Float32, Into: tf.Float32Bytes(values[i : i+1])})
	}
	err = t.watched(func() error { return t.session.Run(feeds, fetches, t.operations["update"]) })
	if err != nil {
		return StepResult{}, fmt.Errorf("train step: %w", err)
	}
	t.steps++
	return StepResult{
		Loss:        float64(values[0]),
		Pair:        float64(values[1]),
		Contrastive: float64(values[2]),
		Class:       float64(values[3]),
		Relation:    float64(values[4]),
		Accuracy:    float64(values[5]),
		Gradient:    float64(values[6]),
	}, nil
}

// Close gives the trainer's memory back. Closing twice is harmless.
func (t *Trainer) Close() error {
	if t.session == nil || t.lost {
		return nil // closing would wait for the lost worker, too
	}
	err := t.session.Close()
	tf.TrimMemory()
	return err
}

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

// Weights returns the network's present weights.
func (t *Trainer) Weights() (*weights.Set, error) {
	return t.network(kindWeight)
}

// Averages returns the moving averages of the weights. It is an error if none are
// kept.
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

// SetWeights replaces the network's weights and nothing else.
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

// Encode is Model.Encode with the present weights.
func (t *Trainer) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	return t.model().Encode(ctx, pixels)
}

// Compare is Model.Compare with the present weights.
func (t *Trainer) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	return t.model().Compare(ctx, a, b)
}

// model is the present network, on the trainer's own session.
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
