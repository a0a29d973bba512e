package tfmodel

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"

	"siamese/tfmodel/internal/tf"
)

// tower is one device's part of a step: forward pass, losses and gradients for
// its share of the batch. It is a graph of its own, which is imported once for
// each device: op.Gradients refuses a scope with a device, and what it adds to a
// plain scope has none.
type tower struct {
	definition []byte // GraphDef
	// names are the tensors of the graph by the trainer's names: what is fed, what
	// is fetched, and "weight/…" and "gradient/…" by variable.
	names map[string]string
}

// The trainer's names of a tower's results.
var towerResults = []string{"loss", "pair", "contrastive", "class", "relation", "accuracy"}

// newTower builds the graph. Weights are placeholders in it, which stand for the
// trainer's variables once it is imported.
func newTower(architecture Architecture, config TrainerConfig) (*tower, error) {
	g := emptyGraph(architecture)
	t := &tower{names: make(map[string]string)}
	var learning []binding.Output
	var learns []string
	for _, variable := range trainerVariables(architecture, config) {
		read := op.Placeholder(g.scope.SubScope(variable.Name), binding.Float, op.PlaceholderShape(variable.shape()))
		g.reads[variable.Name] = read
		if config.learns(variable.Name) {
			learning, learns = append(learning, read), append(learns, variable.Name)
		}
	}
	images := g.images(imagesInput)
	embeddings := g.encoder("train", images)
	inputs := newLossInputs(g.scope)
	found := g.addLosses(embeddings, inputs, config)
	if err := g.scope.Err(); err != nil {
		return nil, fmt.Errorf("build tower: %w", err)
	}
	gradients := op.Gradients(g.scope, []binding.Output{found.total}, learning)
	built, err := g.finalize()
	if err != nil {
		return nil, err
	}
	t.name(images, embeddings, inputs, found)
	for variable, read := range g.reads {
		t.names["weight/"+variable] = tensorName(read)
	}
	for i, gradient := range gradients {
		t.names["gradient/"+learns[i]] = tensorName(gradient)
	}
	var serialized bytes.Buffer
	if _, err := built.WriteTo(&serialized); err != nil {
		return nil, fmt.Errorf("build tower: %w", err)
	}
	t.definition = serialized.Bytes()
	return t, nil
}

// name records what is fed and fetched.
func (t *tower) name(images, embeddings binding.Output, in lossInputs, found losses) {
	for name, output := range map[string]binding.Output{
		"images": images, "embeddings": embeddings,
		"pair_a": in.a, "pair_b": in.b, "same": in.same, "weight": in.weight,
		"positive": in.positive, "self": in.self, "one_hot": in.oneHot, "relations": in.relations, "diagonal": in.diagonal, "seed": in.seed,
		"loss": found.total, "pair": found.pair, "contrastive": found.contrastive,
		"class": found.class, "relation": found.relation, "accuracy": found.accuracy,
	} {
		t.names[name] = tensorName(output)
	}
}

// tensorName is "operation:index".
func tensorName(output binding.Output) string {
	return fmt.Sprintf("%s:%d", output.Op.Name(), output.Index)
}

// addTowers imports a tower for each device and averages what they give.
func (g *trainerGraph) addTowers(devices []string, rounds bool) error {
	tower, err := newTower(g.architecture, g.config)
	if err != nil {
		return err
	}
	if rounds {
		if err := roundTower(tower); err != nil {
			return err
		}
	}
	gathered := make(map[string][]binding.Output)
	for number, device := range devices {
		if err := g.importTower(tower, number, device); err != nil {
			return fmt.Errorf("import tower %d on %q: %w", number, device, err)
		}
		for name, tensor := range tower.names {
			output, err := g.imported(towerPrefix(number) + "/" + tensor)
			if err != nil {
				return err
			}
			g.outputs[towerPrefix(number)+"/"+name] = output
			gathered[name] = append(gathered[name], output)
		}
	}
	scope := g.scope.SubScope("mean")
	for _, name := range towerResults {
		g.outputs[name] = mean(scope.SubScope(name), gathered[name])
	}
	for _, variable := range g.trained() {
		g.gradients = append(g.gradients, mean(scope.SubScope(variable.Name), gathered["gradient/"+variable.Name]))
	}
	return nil
}

// importTower copies a tower's graph into this one, on a device and with the
// variables in place of the weights' placeholders.
func (g *graph) importTower(t *tower, number int, device string) error {
	options := binding.GraphImportOptions{Prefix: towerPrefix(number), Device: device}
	for _, variable := range g.variables {
		name, index, err := splitTensorName(t.names["weight/"+variable.Name])
		if err != nil {
			return err
		}
		options.AddInputMapping(name, index, variable.read)
	}
	return g.definition.ImportWithOptions(t.definition, options)
}

// towerPrefix begins the names of a tower's operations.
func towerPrefix(number int) string {
	return fmt.Sprintf("tower_%d", number)
}

// imported finds a tensor that came with an import.
func (g *graph) imported(tensor string) (binding.Output, error) {
	name, index, err := splitTensorName(tensor)
	if err != nil {
		return binding.Output{}, err
	}
	operation := g.definition.Operation(name)
	if operation == nil {
		return binding.Output{}, fmt.Errorf("the imported tower has no operation %q", name)
	}
	return operation.Output(index), nil
}

func splitTensorName(tensor string) (name string, index int, err error) {
	name, suffix, _ := strings.Cut(tensor, ":")
	if index, err = strconv.Atoi(suffix); err != nil {
		return "", 0, fmt.Errorf("got tensor %q, want operation:index", tensor)
	}
	return name, index, nil
}

// mean is the mean of tensors of one shape.
func mean(scope *op.Scope, values []binding.Output) binding.Output {
	if len(values) == 1 {
		return values[0]
	}
	return op.Mul(scope, op.AddN(scope, values), op.Const(scope, 1/float32(len(values))))
}

// towerDevices are TensorFlow's names for the towers.
func (o Options) towerDevices() ([]string, error) {
	if len(o.Cluster) > 0 {
		return o.workerDevices()
	}
	if len(o.Towers) == 0 {
		return []string{""}, nil
	}
	var devices []string
	for _, tower := range o.Towers {
		kind, number, err := parseTower(tower)
		if err != nil {
			return nil, err
		}
		devices = append(devices, fmt.Sprintf("/device:%s:%d", strings.ToUpper(kind), number))
	}
	return devices, nil
}

// checkDevices returns an error if a device that a trainer is to run on is
// missing: TensorFlow would quietly run on the CPU instead.
func (o Options) checkDevices(session *tf.Session, towers []string) error {
	if len(o.Cluster) > 0 {
		return nil // reachWorkers has looked; which devices a worker has is its own affair
	}
	if _, err := o.chosenDevice(session); err != nil {
		return err
	}
	found, err := session.Devices()
	if err != nil {
		return err
	}
	var names []string
	for _, device := range found {
		names = append(names, shortDeviceName(device.Name))
	}
	for i, tower := range towers {
		if tower != "" && !slices.Contains(names, o.Towers[i]) {
			return fmt.Errorf("tower %s is not there: TensorFlow %s sees %s ('siamese doctor' says why)", o.Towers[i], tf.Version(), strings.Join(names, ", "))
		}
	}
	return nil
}

// processors is how many CPU devices TensorFlow has to show for the towers.
func (o Options) processors() (int, error) {
	if len(o.Cluster) > 0 {
		return 0, nil
	}
	most := 0
	for _, tower := range o.Towers {
		kind, number, err := parseTower(tower)
		if err != nil {
			return 0, err
		}
		if kind == DeviceCPU {
			most = max(most, number+1)
		}
	}
	return most, nil
}

// parseTower splits "cpu:N" or "gpu:N".
func parseTower(tower string) (kind string, number int, err error) {
	kind, suffix, ok := strings.Cut(tower, ":")
	if ok && (kind == DeviceCPU || kind == "gpu") {
		if number, err := strconv.Atoi(suffix); err == nil && number >= 0 {
			return kind, number, nil
		}
	}
	return "", 0, fmt.Errorf(`tower %q, want "cpu:N" or "gpu:N"`, tower)
}
